#include "oxen/metadata_json.h"

#include "json/json.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

static void add_text(struct text *out, struct oxen_pack *pack)
{
    const struct oxen_pack_bytes text = oxen_pack_text(pack);
    json_quote(out, text.bytes, text.len);
}

static void add_real(struct text *out, struct oxen_pack *pack)
{
    const double value = oxen_pack_real(pack);
    if (isfinite(value))
        text_addf(out, "%.17g", value);
    else
        text_adds(out, "null");
}

/* Any value as it stands: for what has no names of its own. */
static void add_value(struct text *out, struct oxen_pack *pack, int depth);

static void add_values(struct text *out, struct oxen_pack *pack, int depth, bool pairs)
{
    const uint32_t count = pairs ? oxen_pack_map(pack) : oxen_pack_array(pack);
    text_addc(out, pairs ? '{' : '[');
    for (uint32_t i = 0; i < count && !oxen_pack_failed(pack); i++) {
        if (i > 0)
            text_addc(out, ',');
        if (pairs) {
            add_text(out, pack);
            text_addc(out, ':');
        }
        add_value(out, pack, depth + 1);
    }
    text_addc(out, pairs ? '}' : ']');
}

static void add_value(struct text *out, struct oxen_pack *pack, int depth)
{
    switch (depth < DEPTH_MAX ? oxen_pack_next(pack) : OXEN_PACK_OTHER) {
    case OXEN_PACK_BOOL:
        text_adds(out, oxen_pack_bool(pack) ? "true" : "false");
        return;
    case OXEN_PACK_INT:
        text_addf(out, "%lld", (long long)oxen_pack_int(pack));
        return;
    case OXEN_PACK_REAL:
        add_real(out, pack);
        return;
    case OXEN_PACK_TEXT:
        add_text(out, pack);
        return;
    case OXEN_PACK_ARRAY:
        add_values(out, pack, depth, false);
        return;
    case OXEN_PACK_MAP:
        add_values(out, pack, depth, true);
        return;
    case OXEN_PACK_NOTHING:
    case OXEN_PACK_NIL:
    case OXEN_PACK_BINARY:
    case OXEN_PACK_OTHER:
        break;
    }
    oxen_pack_skip(pack);
    text_adds(out, "null");
}

/* An array as an object whose members have these names, NULL-terminated. */
static void add_named(struct text *out, struct oxen_pack *pack, const char *const *names)
{
    const uint32_t count = oxen_pack_array(pack);
    text_addc(out, '{');
    for (uint32_t i = 0; i < count && !oxen_pack_failed(pack); i++) {
        if (!*names) {
            oxen_pack_skip(pack);
            continue;
        }
        text_addf(out, "%s\"%s\":", i > 0 ? "," : "", *names++);
        add_value(out, pack, 0);
    }
    text_addc(out, '}');
}

/* [width, height, [hash, [[name, dtype, metadata, changes] ...], metadata]] */
static void add_table(struct text *out, struct oxen_pack *pack)
{
    static const char *const field[] = { "name", "dtype", "metadata", "changes", NULL };
    const uint32_t count = oxen_pack_array(pack);
    text_addf(out, "{\"width\":%lld", (long long)oxen_pack_int(pack));
    text_addf(out, ",\"height\":%lld,\"schema\":{\"hash\":", (long long)oxen_pack_int(pack));
    const uint32_t schema = oxen_pack_array(pack);
    add_value(out, pack, 0);
    text_adds(out, ",\"fields\":[");
    const uint32_t fields = oxen_pack_array(pack);
    for (uint32_t i = 0; i < fields && !oxen_pack_failed(pack); i++) {
        if (i > 0)
            text_addc(out, ',');
        add_named(out, pack, field);
    }
    text_adds(out, "],\"metadata\":");
    add_value(out, pack, 0);
    text_adds(out, "}}");
    pack->failed = pack->failed || count != 3 || schema != 3;
}

/* Which members the array of each type of data has. */
static const struct kind {
    const char *data_type;
    const char *names[4];
} kinds[] = {
    { "text", { "num_lines", "num_chars", NULL } },
    { "image", { "width", "height", "color_space", NULL } },
    { "video", { "num_seconds", "width", "height", NULL } },
    { "audio", { "num_seconds", "num_channels", "sample_rate", NULL } },
    { "tabular", { NULL } },
};

static const struct kind *kind_of(struct oxen_pack_bytes data_type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strlen(kinds[i].data_type) == data_type.len &&
            memcmp(kinds[i].data_type, data_type.bytes, data_type.len) == 0)
            return &kinds[i];
    }
    return NULL;
}

/* {type: count} as a list of both */
static void add_dir(struct text *out, struct oxen_pack pack)
{
    const uint32_t count = oxen_pack_map(&pack);
    text_adds(out, "{\"dir\":{\"data_types\":[");
    for (uint32_t i = 0; i < count && !oxen_pack_failed(&pack); i++) {
        const struct oxen_pack_bytes type = oxen_pack_text(&pack);
        text_addf(out, "%s{\"count\":%lld,\"data_type\":", i > 0 ? "," : "",
                  (long long)oxen_pack_int(&pack));
        json_quote(out, type.bytes, type.len);
        text_addc(out, '}');
    }
    text_adds(out, "]}}");
}

void oxen_metadata_json_add(struct text *out, const struct oxen_node_entry *entry)
{
    if (entry->kind == OXEN_NODE_DIR) {
        add_dir(out, entry->metadata);
        return;
    }
    struct oxen_pack pack = entry->metadata;
    const struct kind *kind = kind_of(entry->data_type);
    const size_t before = out->len;
    if (!kind || oxen_pack_next(&pack) != OXEN_PACK_ARRAY || oxen_pack_array(&pack) != 1) {
        text_adds(out, "null");
        return;
    }
    text_addf(out, "{\"%s\":", kind->data_type);
    if (kind->names[0])
        add_named(out, &pack, kind->names);
    else
        add_table(out, &pack);
    text_addc(out, '}');
    if (oxen_pack_failed(&pack) && !text_failed(out)) {
        out->len = before;
        text_adds(out, "null");
    }
}
