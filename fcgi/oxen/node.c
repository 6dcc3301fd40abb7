#include "oxen/node.h"

#include "base/limits.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { BYTE_BITS = 8 };

static uint64_t little(const unsigned char *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = count; i > 0; i--)
        value = value << BYTE_BITS | bytes[i - 1];
    return value;
}

enum fault oxen_node_head(const unsigned char *bytes, uint64_t size, struct oxen_node_head *out,
                          struct problem *why)
{
    enum { LENGTH_AT = 17 };
    if (size < OXEN_NODE_HEAD_BYTES)
        return problem_set(why, FAULT_MALFORMED, "a tree node of %llu bytes",
                           (unsigned long long)size);
    const uint64_t payload = little(bytes + LENGTH_AT, sizeof out->payload);
    const uint64_t behind = size - OXEN_NODE_HEAD_BYTES;
    if (bytes[0] >= OXEN_NODE_FILE)
        return problem_set(why, FAULT_MALFORMED, "a tree node of the unknown kind %u", bytes[0]);
    if (payload > behind || payload > OXEN_PAYLOAD_MAX)
        return problem_set(why, FAULT_MALFORMED, "a tree node that claims a payload of %llu bytes",
                           (unsigned long long)payload);
    if ((behind - payload) % OXEN_NODE_CHILD_BYTES != 0)
        return problem_set(why, FAULT_MALFORMED, "a tree node whose table of children is cut");
    *out = (struct oxen_node_head){ (enum oxen_node_kind)bytes[0], (uint32_t)payload,
                                    (behind - payload) / OXEN_NODE_CHILD_BYTES };
    return FAULT_NONE;
}

enum fault oxen_node_child(const unsigned char bytes[OXEN_NODE_CHILD_BYTES], uint64_t payloads,
                           struct oxen_node_child *out, struct problem *why)
{
    enum { HASH_AT = 1, OFFSET_AT = HASH_AT + OXEN_HASH_BYTES, LENGTH_AT = OFFSET_AT + 8 };
    if (bytes[0] >= OXEN_NODE_KINDS)
        return problem_set(why, FAULT_MALFORMED, "a tree node with a child of the unknown kind %u",
                           bytes[0]);
    out->kind = (enum oxen_node_kind)bytes[0];
    for (size_t i = 0; i < OXEN_HASH_BYTES; i++)
        out->hash[i] = bytes[HASH_AT + OXEN_HASH_BYTES - 1 - i];
    out->offset = little(bytes + OFFSET_AT, sizeof out->offset);
    out->length = little(bytes + LENGTH_AT, sizeof out->length);
    if (out->offset > payloads || out->length > payloads - out->offset ||
        out->length > OXEN_PAYLOAD_MAX)
        return problem_set(why, FAULT_MALFORMED,
                           "a tree node with a child outside of its children");
    return FAULT_NONE;
}

/* ---- payloads ---- */

/* The elements of a payload's array, which are there, and how many. */
static struct oxen_pack elements(const void *payload, size_t len, uint32_t *count)
{
    struct oxen_pack pack = oxen_pack_of(payload, len);
    struct oxen_pack inside = pack;
    *count = oxen_pack_array(&inside);
    if (*count == 1 && oxen_pack_next(&inside) == OXEN_PACK_MAP) {
        const uint32_t releases = oxen_pack_map(&inside);
        (void)oxen_pack_text(&inside);
        *count = oxen_pack_array(&inside);
        inside.failed = inside.failed || releases != 1;
    }
    return inside;
}

static void take_hash(struct oxen_pack *pack, uint8_t out[OXEN_HASH_BYTES])
{
    const struct oxen_pack_bytes hash = oxen_pack_binary(pack);
    memset(out, 0, OXEN_HASH_BYTES);
    if (hash.len == OXEN_HASH_BYTES)
        memcpy(out, hash.bytes, OXEN_HASH_BYTES);
    else
        pack->failed = true;
}

static bool text_is(struct oxen_pack_bytes text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.bytes, word, text.len) == 0;
}

/* Passes over a value and says where it is. */
static struct oxen_pack place_of(struct oxen_pack *pack)
{
    struct oxen_pack place = *pack;
    oxen_pack_skip(pack);
    place.end = pack->at;
    return place;
}

/* A length of what can be: not negative. */
static int64_t take_size(struct oxen_pack *pack)
{
    const int64_t size = oxen_pack_int(pack);
    pack->failed = pack->failed || size < 0;
    return size;
}

/* [year, day of the year, hour, minute, second, nanosecond, and the offset's hour, minute, second]. */
static void take_timestamp(struct oxen_pack *pack, struct oxen_node_commit *out)
{
    enum { FIELDS = 9, YEAR = 0, DAY, HOUR, MINUTE, SECOND, NANO, OFFSET_HOUR, OFFSET_MINUTE };
    enum { YEAR_BASE = 1900, YEAR_END = 10000, DAYS = 366, A_BILLION = 1000000000 };
    enum { HOURS = 24, MINUTES = 60, SECONDS = 60, DIGITS = 9, TEN = 10 };
    static const int64_t ends[FIELDS] = { YEAR_END,  DAYS + 1, HOURS,   MINUTES, SECONDS + 1,
                                          A_BILLION, HOURS,    MINUTES, SECONDS };
    int64_t at[FIELDS] = { 0 };
    pack->failed = pack->failed || oxen_pack_array(pack) != FIELDS;
    for (size_t i = 0; i < FIELDS; i++) {
        at[i] = oxen_pack_int(pack);
        const int64_t least = i >= OFFSET_HOUR ? -ends[i] + 1 : i == DAY;
        pack->failed = pack->failed || at[i] < least || at[i] >= ends[i];
    }
    if (pack->failed)
        return;
    struct tm day = { .tm_year = (int)at[YEAR] - YEAR_BASE, .tm_mday = (int)at[DAY] };
    const int64_t offset =
        (at[OFFSET_HOUR] * MINUTES + at[OFFSET_MINUTE]) * SECONDS + at[OFFSET_MINUTE + 1];
    const time_t seconds =
        timegm(&day) + ((at[HOUR] * MINUTES + at[MINUTE]) * SECONDS + at[SECOND]) - offset;
    struct tm utc = { 0 };
    (void)gmtime_r(&seconds, &utc);
    char fraction[DIGITS + 2] = "";
    if (at[NANO] > 0) {
        (void)snprintf(fraction, sizeof fraction, ".%09u", (unsigned)at[NANO]);
        for (size_t len = strlen(fraction); fraction[len - 1] == '0'; len--)
            fraction[len - 1] = '\0';
    }
    char date[OXEN_TIMESTAMP_MAX - sizeof fraction - 1];
    (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(out->timestamp, sizeof out->timestamp, "%s%sZ", date, fraction);
    out->seconds = seconds;
    out->nanoseconds = at[NANO];
}

enum fault oxen_node_commit(const void *payload, size_t len, struct oxen_node_commit *out,
                            struct problem *why)
{
    enum { ELEMENTS = 7 };
    uint32_t count = 0;
    struct oxen_pack pack = elements(payload, len, &count);
    *out = (struct oxen_node_commit){ .parent_count = 0 };
    pack.failed = pack.failed || count < ELEMENTS;
    take_hash(&pack, out->hash);
    const bool named = text_is(oxen_pack_text(&pack), "Commit");
    out->parents = place_of(&pack);
    out->parent_count = oxen_pack_array(&out->parents);
    out->message = oxen_pack_text(&pack);
    out->author = oxen_pack_text(&pack);
    out->email = oxen_pack_text(&pack);
    take_timestamp(&pack, out);
    if (pack.failed || out->parents.failed || !named)
        return problem_set(why, FAULT_MALFORMED, "a commit's tree node that cannot be read");
    return FAULT_NONE;
}

bool oxen_node_parent(struct oxen_node_commit *commit, uint8_t out[OXEN_HASH_BYTES])
{
    if (commit->parent_count == 0)
        return false;
    commit->parent_count--;
    take_hash(&commit->parents, out);
    if (commit->parents.failed)
        commit->parent_count = 0;
    return !commit->parents.failed;
}

static bool is_name(struct oxen_pack_bytes name)
{
    const bool dots = text_is(name, ".") || text_is(name, "..");
    return name.len > 0 && name.len <= OXEN_ENTRY_NAME_MAX && !dots &&
           !memchr(name.bytes, '/', name.len) && !memchr(name.bytes, '\0', name.len) &&
           text_is_utf8(name.bytes, name.len);
}

/* Behind "Dir" and the name: [entries,] bytes and so on. */
static void take_dir(struct oxen_pack *pack, uint32_t count, struct oxen_node_entry *out)
{
    enum { ELEMENTS = 10, BEFORE_0_25 = 9 };
    pack->failed = pack->failed || count < BEFORE_0_25;
    take_hash(pack, out->hash);
    if (count >= ELEMENTS)
        (void)take_size(pack);
    out->bytes = take_size(pack);
    take_hash(pack, out->last_commit);
    oxen_pack_skip(pack); /* when it changed: seconds, nanoseconds */
    oxen_pack_skip(pack);
    out->metadata = place_of(pack);
}

/* Behind "File" and the name. */
static void take_file(struct oxen_pack *pack, uint32_t count, struct oxen_node_entry *out)
{
    enum { NEEDED = 13 };
    pack->failed = pack->failed || count < NEEDED;
    oxen_pack_skip(pack); /* the metadata's hash */
    take_hash(pack, out->hash);
    oxen_pack_skip(pack); /* the combined hash */
    out->bytes = take_size(pack);
    take_hash(pack, out->last_commit);
    oxen_pack_skip(pack);
    oxen_pack_skip(pack);
    out->data_type = oxen_pack_text(pack);
    out->metadata = place_of(pack);
    out->mime_type = oxen_pack_text(pack);
    out->extension = oxen_pack_text(pack);
}

enum fault oxen_node_entry(enum oxen_node_kind kind, bool root, const void *payload, size_t len,
                           struct oxen_node_entry *out, struct problem *why)
{
    uint32_t count = 0;
    struct oxen_pack pack = elements(payload, len, &count);
    *out = (struct oxen_node_entry){ .kind = kind };
    const bool named = text_is(oxen_pack_text(&pack), kind == OXEN_NODE_DIR ? "Dir" : "File");
    out->name = oxen_pack_text(&pack);
    if (kind == OXEN_NODE_DIR)
        take_dir(&pack, count, out);
    else
        take_file(&pack, count, out);
    if (pack.failed || !named)
        return problem_set(why, FAULT_MALFORMED, "an entry of a tree node that cannot be read");
    if (root ? out->name.len > 0 : !is_name(out->name))
        return problem_set(why, FAULT_MALFORMED, "an entry of a tree node whose name is none");
    return FAULT_NONE;
}
