#include "pinot/partition_metadata.h"

#include "base/limits.h"
#include "base/number.h"
#include "json/json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "column.";
static const char function_tail[] = ".partitionFunction";
static const char count_tail[] = ".numPartitions";
static const char values_tail[] = ".partitionValues";
static const char config_infix[] = ".partitionFunctionConfig.";

enum { PREFIX_LEN = sizeof prefix - 1 };

/* A column while its lines are gathered; names are escaped as in the file, and borrowed from a line
 * that may be gone: copied. */
struct column {
    struct text name;
    struct text function; /* escaped */
    struct text config;   /* members of a JSON object, without its braces */
    int64_t count;        /* -1: not said */
    int32_t *partitions;
    size_t partition_count;
};

static bool has_tail(const struct property *p, const char *tail, size_t tail_len)
{
    return p->key_len > PREFIX_LEN + tail_len && memcmp(p->key, prefix, PREFIX_LEN) == 0 &&
           memcmp(p->key + p->key_len - tail_len, tail, tail_len) == 0;
}

bool partition_metadata_is_function(const struct property *property)
{
    return has_tail(property, function_tail, sizeof function_tail - 1);
}

/* Whether the line is of this column and ends so. */
static bool is_of(const struct property *p, const struct column *column, const char *tail,
                  size_t tail_len)
{
    return p->key_len == PREFIX_LEN + column->name.len + tail_len && has_tail(p, tail, tail_len) &&
           memcmp(p->key + PREFIX_LEN, text_string(&column->name), column->name.len) == 0;
}

static enum fault bad_line(const struct property *p, const char *segment, struct problem *why)
{
    return problem_set(why, FAULT_MALFORMED, "%.*s of segment: %s is not usable",
                       (int)(p->key_len < NAME_MAX_BYTES ? p->key_len : NAME_MAX_BYTES), p->key,
                       segment);
}

static enum fault too_many(const char *segment, struct problem *why)
{
    return problem_set(why, FAULT_TOO_LARGE, "the partitions of segment: %s are too many", segment);
}

/* ---- partitions: "1,2,3", or the older "[0 3],[5 5]" ---- */

static enum fault add_partitions(struct column *column, int64_t first, int64_t last,
                                 const struct property *p, const char *segment, struct problem *why)
{
    if (first < 0 || last < first || last > INT32_MAX)
        return bad_line(p, segment, why);
    if (last - first >= (int64_t)(PINOT_PARTITIONS_MAX - column->partition_count))
        return too_many(segment, why);
    for (int64_t i = first; i <= last; i++)
        column->partitions[column->partition_count++] = (int32_t)i;
    return FAULT_NONE;
}

static enum fault take_values(struct column *column, const struct property *p, const char *segment,
                              struct problem *why)
{
    const char *at = p->value;
    const char *end = at + p->value_len;
    enum fault f = FAULT_NONE;
    while (!f && at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        int64_t first = 0;
        int64_t last = 0;
        while (at < stop && *at == ' ')
            at++;
        while (stop > at && stop[-1] == ' ')
            stop--;
        const char *blank = *at == '[' ? memchr(at, ' ', (size_t)(stop - at)) : NULL;
        if (blank && stop[-1] == ']') {
            if (!number_i64(at + 1, (size_t)(blank - at - 1), &first) ||
                !number_i64(blank + 1, (size_t)(stop - blank - 2), &last))
                return bad_line(p, segment, why);
        } else if (number_i64(at, (size_t)(stop - at), &first)) {
            last = first;
        } else {
            return bad_line(p, segment, why);
        }
        f = add_partitions(column, first, last, p, segment, why);
        at = comma ? comma + 1 : end;
    }
    return f;
}

static int by_number(const void *a, const void *b)
{
    const int32_t left = *(const int32_t *)a;
    const int32_t right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

/* ---- one column ---- */

static void quote_escaped(struct text *out, const char *escaped, size_t len)
{
    struct text plain;
    text_init(&plain, out->max);
    properties_unescape(&plain, escaped, len);
    if (text_failed(&plain))
        out->failed = true;
    json_quote(out, text_string(&plain), plain.len);
    text_release(&plain);
}

/* "column.<name>.partitionFunctionConfig.<key> = <value>" */
static void take_config(struct column *column, const struct property *p)
{
    const size_t before = PREFIX_LEN + column->name.len;
    const size_t head = before + sizeof config_infix - 1;
    if (p->key_len <= head || memcmp(p->key, prefix, PREFIX_LEN) != 0 ||
        memcmp(p->key + PREFIX_LEN, text_string(&column->name), column->name.len) != 0 ||
        memcmp(p->key + before, config_infix, sizeof config_infix - 1) != 0)
        return;
    text_adds(&column->config, column->config.len > 0 ? "," : "");
    quote_escaped(&column->config, p->key + head, p->key_len - head);
    text_addc(&column->config, ':');
    quote_escaped(&column->config, p->value, p->value_len);
}

static enum fault take_line(struct column *column, const struct property *p, const char *segment,
                            struct problem *why)
{
    if (is_of(p, column, values_tail, sizeof values_tail - 1))
        return take_values(column, p, segment, why);
    if (is_of(p, column, count_tail, sizeof count_tail - 1) && column->count < 0) {
        if (number_i64(p->value, p->value_len, &column->count) && column->count > 0 &&
            column->count <= INT32_MAX)
            return FAULT_NONE;
        return bad_line(p, segment, why);
    }
    take_config(column, p);
    return FAULT_NONE;
}

static void add_column(struct text *out, const struct column *column)
{
    quote_escaped(out, text_string(&column->name), column->name.len);
    text_adds(out, ":{\"functionName\":");
    quote_escaped(out, text_string(&column->function), column->function.len);
    text_addf(out, ",\"numPartitions\":%" PRId64 ",\"partitions\":[", column->count);
    for (size_t i = 0; i < column->partition_count; i++) {
        if (i == 0 || column->partitions[i] != column->partitions[i - 1])
            text_addf(out, "%s%" PRId32, i > 0 ? "," : "", column->partitions[i]);
    }
    text_adds(out, "],\"functionConfig\":");
    if (column->config.len > 0)
        text_addf(out, "{%s}}", text_string(&column->config));
    else
        text_adds(out, "null}");
}

/* The lines of a column may stand anywhere in the file. */
static enum fault read_column(struct column *column, const char *bytes, size_t len,
                              const char *segment, struct text *out, struct problem *why)
{
    struct properties lines;
    struct property p;
    enum fault f = FAULT_NONE;
    assert(column->partitions);
    properties_init(&lines, bytes, len);
    while (!f && properties_next(&lines, &p))
        f = take_line(column, &p, segment, why);
    properties_release(&lines);
    if (!f && column->count < 0)
        f = problem_set(why, FAULT_MALFORMED,
                        "a partitioned column of segment: %s has no numPartitions", segment);
    if (f)
        return f;
    if (column->partition_count > 0)
        qsort(column->partitions, column->partition_count, sizeof column->partitions[0], by_number);
    out->failed = out->failed || text_failed(&column->config);
    add_column(out, column);
    return FAULT_NONE;
}

static enum fault read_named(const struct property *p, const char *bytes, size_t len,
                             const char *segment, struct text *out, struct problem *why)
{
    struct column column = { .count = -1,
                             .partitions =
                                 malloc(PINOT_PARTITIONS_MAX * sizeof column.partitions[0]) };
    text_init(&column.name, PINOT_PARTITION_TEXT_MAX);
    text_init(&column.function, PINOT_PARTITION_TEXT_MAX);
    text_init(&column.config, PINOT_PARTITION_TEXT_MAX);
    text_add(&column.name, p->key + PREFIX_LEN,
             p->key_len - PREFIX_LEN - (sizeof function_tail - 1));
    text_add(&column.function, p->value, p->value_len);
    enum fault f = column.partitions ? FAULT_NONE : problem_internal(why, "out of memory");
    if (!f && (text_failed(&column.name) || text_failed(&column.function)))
        f = too_many(segment, why);
    if (!f)
        f = read_column(&column, bytes, len, segment, out, why);
    text_release(&column.name);
    text_release(&column.function);
    text_release(&column.config);
    free(column.partitions);
    return f;
}

enum fault partition_metadata_read(const char *bytes, size_t len, const char *segment,
                                   struct text *out, struct problem *why)
{
    struct properties lines;
    struct property p;
    size_t columns = 0;
    enum fault f = FAULT_NONE;
    text_adds(out, "{\"columnPartitionMap\":{");
    properties_init(&lines, bytes, len);
    while (!f && properties_next(&lines, &p)) {
        if (!partition_metadata_is_function(&p))
            continue;
        columns++;
        text_adds(out, columns > 1 ? "," : "");
        f = columns > PINOT_PARTITIONED_MAX ? too_many(segment, why)
                                            : read_named(&p, bytes, len, segment, out, why);
    }
    properties_release(&lines);
    text_adds(out, "}}");
    if (!f && text_failed(out))
        f = too_many(segment, why);
    return f;
}
