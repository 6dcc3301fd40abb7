/*
 * fuzz_pinot_metadata.c - metadata.properties and the mapping.  Properties: no crash; what is read
 * fits its bounds; a mapping gives the same pairs wherever it is cut.
 */
#include "base/limits.h"
#include "pinot/mapping.h"
#include "pinot/names.h"
#include "pinot/segment_metadata.h"
#include "json/json.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TRACE_MAX = 1 << 20 };

static enum fault add_pair(void *ctx, const char *segment, const char *uri, struct problem *why)
{
    struct text *trace = ctx;
    struct problem ignored = PROBLEM_NONE;
    (void)why;
    if (segment_name_check(segment, &ignored) == FAULT_NONE)
        assert(!strchr(segment, '/') && strlen(segment) < NAME_MAX_BYTES);
    ignored = PROBLEM_NONE;
    if (mapping_uri_check(uri, segment, &ignored) == FAULT_NONE)
        assert(!strchr(uri, ' ') && strlen(uri) < PINOT_URI_MAX);
    text_addf(trace, "[%s|%s]", segment, uri);
    return FAULT_NONE;
}

static enum fault map(const uint8_t *data, size_t size, size_t cut, struct text *trace)
{
    struct problem why = PROBLEM_NONE;
    struct mapping mapping;
    mapping_init(&mapping, add_pair, trace);
    enum fault f = mapping_feed(&mapping, data, cut, &why);
    if (!f)
        f = mapping_feed(&mapping, data + cut, size - cut, &why);
    if (!f)
        f = mapping_end(&mapping, &why);
    mapping_release(&mapping);
    return f;
}

static void check_mapping(const uint8_t *data, size_t size)
{
    struct text whole;
    struct text pieces;
    text_init(&whole, TRACE_MAX);
    text_init(&pieces, TRACE_MAX);
    const enum fault f = map(data, size, 0, &whole);
    assert(map(data, size, size / 2, &pieces) == f);
    assert(strcmp(text_string(&whole), text_string(&pieces)) == 0);
    text_release(&whole);
    text_release(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problem why = PROBLEM_NONE;
    struct segment_metadata metadata;
    segment_metadata_init(&metadata);
    if (segment_metadata_parse((const char *)data, size, "s", &metadata, &why) == FAULT_NONE) {
        json_object *custom = NULL;
        assert(metadata.name[0] != '\0');
        assert(!metadata.has_interval || metadata.start_at <= metadata.end_at);
        assert((metadata.start_raw[0] == '\0') == (metadata.end_raw[0] == '\0'));
        if (metadata.custom.len > 0) {
            assert(json_parse(text_string(&metadata.custom), metadata.custom.len, &custom, NULL,
                              &why) == FAULT_NONE);
        }
        json_object_put(custom);
    }
    segment_metadata_release(&metadata);
    check_mapping(data, size);
    return 0;
}
