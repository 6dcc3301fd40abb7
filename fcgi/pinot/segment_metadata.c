#include "pinot/segment_metadata.h"

#include "base/number.h"
#include "pinot/partition_metadata.h"
#include "pinot/properties.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char text_unit[] = "segment.time.unit";
static const char text_start[] = "segment.start.time";
static const char text_end[] = "segment.end.time";

enum {
    UNIT_MAX = 32,
    NUMBER_MAX = 32,
    ISO_MAX = 48, /* "-292275055-05-16T16:47:04.192Z" and room */
    MS_IN_SECOND = 1000,
    MS_IN_MINUTE = 60 * MS_IN_SECOND,
    MS_IN_HOUR = 60 * MS_IN_MINUTE,
    MS_IN_DAY = 24 * MS_IN_HOUR,
    NS_IN_MS = 1000000,
    US_IN_MS = 1000,
    YEAR_ZERO = 1900,
};

/* Pinot takes intervals within 1971-01-01 and 2071-01-01, UTC. */
static const int64_t interval_least = 31536000000;
static const int64_t interval_most = 3187296000000;

/* What the lines say before it is put together. */
struct reading {
    struct segment_metadata *metadata;
    const char *segment;
    bool has_name;
    bool has_docs;
    bool has_version;
    bool has_column;
    char start[NUMBER_MAX];
    char end[NUMBER_MAX];
    char unit[UNIT_MAX];
    bool ranges_skipped; /* a column's range came before the time column's name */
    bool partitioned;    /* a column has a partition function */
};

static bool key_is(const struct property *p, const char *key)
{
    return strlen(key) == p->key_len && memcmp(p->key, key, p->key_len) == 0;
}

static bool key_begins(const struct property *p, const char *prefix)
{
    const size_t len = strlen(prefix);
    return p->key_len >= len && memcmp(p->key, prefix, len) == 0;
}

/* Copies a value that must fit; the first of a repeated key counts. */
static enum fault take(const struct reading *r, const struct property *p, char *out, size_t room,
                       struct problem *why)
{
    if (out[0] != '\0' || properties_copy(out, room, p->value, p->value_len))
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED, "%.*s of segment: %s is not usable", (int)p->key_len,
                       p->key, r->segment);
}

/* A value that is not usable is as good as none: Pinot logs it and goes on. */
static void take_loosely(const struct property *p, char *out, size_t room)
{
    if (out[0] == '\0' && !properties_copy(out, room, p->value, p->value_len))
        out[0] = '\0';
}

static enum fault take_docs(struct reading *r, const struct property *p, struct problem *why)
{
    int64_t docs = 0;
    if (r->has_docs)
        return FAULT_NONE;
    if (!number_i64(p->value, p->value_len, &docs) || docs < INT32_MIN || docs > INT32_MAX)
        return problem_set(why, FAULT_MALFORMED,
                           "segment.total.docs of segment: %s is not a number", r->segment);
    r->has_docs = true;
    r->metadata->docs = docs;
    return FAULT_NONE;
}

static enum fault take_version(struct reading *r, const struct property *p, struct problem *why)
{
    if (r->has_version)
        return FAULT_NONE;
    const bool known =
        p->value_len == 2 && p->value[0] == 'v' && p->value[1] >= '1' && p->value[1] <= '3';
    if (!known)
        return problem_set(why, FAULT_MALFORMED,
                           "segment.index.version of segment: %s is not v1, v2 or v3", r->segment);
    r->has_version = true;
    r->metadata->index_version = p->value[1] - '0';
    return FAULT_NONE;
}

/* Appends one half of a pair; a NUL is no text that a map could be read back with. */
static bool add_custom_half(struct text *custom, const char *escaped, size_t len)
{
    struct text word;
    text_init(&word, custom->max);
    properties_unescape(&word, escaped, len);
    const bool good = !memchr(text_string(&word), '\0', word.len);
    if (text_failed(&word))
        custom->failed = true; /* it would be cut */
    json_quote(custom, text_string(&word), word.len);
    text_release(&word);
    return good;
}

static enum fault add_custom(const struct reading *r, const struct property *p, size_t prefix,
                             struct problem *why)
{
    struct text *custom = &r->metadata->custom;
    text_addc(custom, custom->len == 0 ? '{' : ',');
    const bool key = add_custom_half(custom, p->key + prefix, p->key_len - prefix);
    text_addc(custom, ':');
    const bool value = add_custom_half(custom, p->value, p->value_len);
    if (key && value)
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED, "the custom map of segment: %s has a NUL in it",
                       r->segment);
}

/* "column.<time column>.minValue" and ".maxValue" are the raw times. */
static enum fault take_range(struct reading *r, const struct property *p, struct problem *why)
{
    static const char prefix[] = "column.";
    static const char least[] = ".minValue";
    static const char most[] = ".maxValue";
    const size_t around = sizeof prefix - 1 + sizeof least - 1;
    struct segment_metadata *m = r->metadata;
    if (p->key_len <= around)
        return FAULT_NONE;
    const char *tail = p->key + p->key_len - (sizeof least - 1);
    const bool is_least = memcmp(tail, least, sizeof least - 1) == 0;
    if (!is_least && memcmp(tail, most, sizeof most - 1) != 0)
        return FAULT_NONE;
    if (!r->has_column) {
        r->ranges_skipped = true;
        return FAULT_NONE;
    }
    char column[NAME_MAX_BYTES];
    if (!properties_copy(column, sizeof column, p->key + sizeof prefix - 1, p->key_len - around) ||
        strcmp(column, m->time_column) != 0)
        return FAULT_NONE;
    char *out = is_least ? m->start_raw : m->end_raw;
    return take(r, p, out, PINOT_RAW_TIME_MAX, why);
}

static enum fault take_segment(struct reading *r, const struct property *p, struct problem *why)
{
    struct segment_metadata *m = r->metadata;
    if (key_is(p, "segment.name")) {
        r->has_name = true;
        return take(r, p, m->name, sizeof m->name, why);
    }
    if (key_is(p, "segment.table.name"))
        return take(r, p, m->table, sizeof m->table, why);
    if (key_is(p, "segment.time.column.name")) {
        r->has_column = true;
        return take(r, p, m->time_column, sizeof m->time_column, why);
    }
    if (key_is(p, "segment.total.docs"))
        return take_docs(r, p, why);
    if (key_is(p, "segment.index.version"))
        return take_version(r, p, why);
    if (key_is(p, text_start))
        take_loosely(p, r->start, sizeof r->start);
    else if (key_is(p, text_end))
        take_loosely(p, r->end, sizeof r->end);
    else if (key_is(p, text_unit))
        take_loosely(p, r->unit, sizeof r->unit);
    return FAULT_NONE;
}

/* Java's TimeUnit.toMillis(): towards zero, and full scale where it would overflow. */
static bool unit_to_ms(const char *unit, int64_t value, int64_t *out)
{
    static const struct {
        const char *name;
        int64_t times;
        int64_t part;
    } units[] = {
        { "MILLISECONDS", 1, 1 },       { "SECONDS", MS_IN_SECOND, 1 },
        { "MINUTES", MS_IN_MINUTE, 1 }, { "HOURS", MS_IN_HOUR, 1 },
        { "DAYS", MS_IN_DAY, 1 },       { "MICROSECONDS", 1, US_IN_MS },
        { "NANOSECONDS", 1, NS_IN_MS },
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!text_same(unit, units[i].name))
            continue;
        if (__builtin_mul_overflow(value / units[i].part, units[i].times, out))
            *out = value < 0 ? INT64_MIN : INT64_MAX;
        return true;
    }
    return false;
}

static void put_interval(const struct reading *r)
{
    struct segment_metadata *m = r->metadata;
    int64_t start = 0;
    int64_t end = 0;
    m->has_interval = number_i64(r->start, strlen(r->start), &start) &&
                      number_i64(r->end, strlen(r->end), &end) &&
                      unit_to_ms(r->unit, start, &m->start_at) &&
                      unit_to_ms(r->unit, end, &m->end_at) && m->start_at <= m->end_at;
    if (m->has_interval && m->start_raw[0] != '\0' && m->end_raw[0] != '\0')
        return;
    m->start_raw[0] = '\0';
    m->end_raw[0] = '\0';
}

/* Column ranges that stood before the name of the time column. */
static enum fault read_ranges(struct reading *r, const char *bytes, size_t len, struct problem *why)
{
    struct properties lines;
    struct property p;
    enum fault f = FAULT_NONE;
    properties_init(&lines, bytes, len);
    while (!f && properties_next(&lines, &p)) {
        if (key_begins(&p, "column."))
            f = take_range(r, &p, why);
    }
    properties_release(&lines);
    return f;
}

static enum fault read_lines(struct reading *r, const char *bytes, size_t len, struct problem *why)
{
    static const char custom[] = "custom.";
    struct properties lines;
    struct property p;
    enum fault f = FAULT_NONE;
    properties_init(&lines, bytes, len);
    while (!f && properties_next(&lines, &p)) {
        if (key_begins(&p, "column.")) {
            f = take_range(r, &p, why);
            r->partitioned = r->partitioned || partition_metadata_is_function(&p);
        } else if (key_begins(&p, "segment.")) {
            f = take_segment(r, &p, why);
        } else if (key_begins(&p, custom)) {
            f = add_custom(r, &p, sizeof custom - 1, why);
        }
    }
    properties_release(&lines);
    return f;
}

static enum fault check_whole(const struct reading *r, struct problem *why)
{
    struct segment_metadata *m = r->metadata;
    if (!r->has_docs) {
        return problem_set(why, FAULT_MALFORMED,
                           "Exception while processing segments to upload: Key "
                           "'segment.total.docs' does not map to an existing object.");
    }
    if (!r->has_name || m->name[0] == '\0') {
        return problem_set(why, FAULT_MALFORMED,
                           "segment.name is missing in metadata.properties of segment: %s",
                           r->segment);
    }
    if (m->custom.len > 0)
        text_addc(&m->custom, '}');
    if (text_failed(&m->custom))
        return problem_set(why, FAULT_TOO_LARGE, "the custom map of segment: %s is too large",
                           r->segment);
    return FAULT_NONE;
}

void segment_metadata_init(struct segment_metadata *metadata)
{
    *metadata = (struct segment_metadata){ .index_version = 1 };
    text_init(&metadata->custom, PINOT_CUSTOM_MAP_MAX);
    text_init(&metadata->partitions, PINOT_PARTITION_JSON_MAX);
}

void segment_metadata_release(struct segment_metadata *metadata)
{
    text_release(&metadata->custom);
    text_release(&metadata->partitions);
}

static void forget(struct segment_metadata *m)
{
    m->name[0] = '\0';
    m->table[0] = '\0';
    m->time_column[0] = '\0';
    m->start_raw[0] = '\0';
    m->end_raw[0] = '\0';
    m->has_interval = false;
    m->docs = 0;
    m->index_version = 1; /* Pinot's reading of files that do not say */
    text_clear(&m->custom);
    text_clear(&m->partitions);
}

enum fault segment_metadata_parse(const char *bytes, size_t len, const char *segment,
                                  struct segment_metadata *metadata, struct problem *why)
{
    struct reading r = { .metadata = metadata, .segment = segment };
    forget(metadata);
    enum fault f = read_lines(&r, bytes, len, why);
    if (!f && r.ranges_skipped && r.has_column)
        f = read_ranges(&r, bytes, len, why);
    if (!f && r.partitioned)
        f = partition_metadata_read(bytes, len, segment, &metadata->partitions, why);
    if (!f)
        f = check_whole(&r, why);
    if (!f)
        put_interval(&r);
    return f;
}

/* "2026-01-01T00:00:00.000Z", as Joda-Time prints an instant. */
static void iso_instant(int64_t at_ms, char out[ISO_MAX])
{
    int64_t seconds = at_ms / MS_IN_SECOND;
    int64_t ms = at_ms % MS_IN_SECOND;
    if (ms < 0) {
        ms += MS_IN_SECOND;
        seconds--;
    }
    const time_t at = (time_t)seconds;
    struct tm utc = { 0 };
    (void)gmtime_r(&at, &utc);
    (void)snprintf(out, ISO_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + YEAR_ZERO,
                   utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (int)ms);
}

enum fault segment_interval_check(bool has_interval, int64_t start_at, int64_t end_at,
                                  const char *segment, const char *table, const char *time_column,
                                  struct problem *why)
{
    char start[ISO_MAX];
    char end[ISO_MAX];
    if (!has_interval && !time_column)
        return FAULT_NONE;
    if (!has_interval) {
        return problem_set(
            why, FAULT_FORBIDDEN,
            "Failed to find time interval in segment: %s for table: %s with time column: %s",
            segment, table, time_column);
    }
    if (start_at >= interval_least && start_at < interval_most && end_at <= interval_most)
        return FAULT_NONE;
    iso_instant(start_at, start);
    iso_instant(end_at, end);
    return problem_set(why, FAULT_FORBIDDEN,
                       "Invalid segment start/end time: %s/%s (in millis: %" PRId64 "/%" PRId64
                       ") for segment: %s of table: %s, must be between: "
                       "1971-01-01T00:00:00.000Z/2071-01-01T00:00:00.000Z",
                       start, end, start_at, end_at, segment, table);
}
