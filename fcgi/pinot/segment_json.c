#include "pinot/segment_json.h"

#include "json/json.h"

#include <inttypes.h>
#include <string.h>

static void add_text(struct text *out, const char *name, const char *value)
{
    if (!value)
        return;
    text_addf(out, ",\"%s\":", name);
    json_quote(out, value, strlen(value));
}

static void add_number(struct text *out, const char *name, int64_t value)
{
    text_addf(out, ",\"%s\":\"%" PRId64 "\"", name, value);
}

static void add_known(struct text *out, const char *name, int64_t value)
{
    if (value >= 0)
        add_number(out, name, value);
}

void segment_json(struct text *out, const struct pinot_segment_row *row)
{
    text_addf(out, "{\"segment.crc\":\"%" PRId64 "\"", row->crc);
    add_known(out, "segment.data.crc", row->data_crc);
    add_number(out, "segment.creation.time", row->created_at);
    add_number(out, "segment.push.time", row->pushed_at);
    add_known(out, "segment.refresh.time", row->refreshed_at);
    if (row->has_interval) {
        add_number(out, "segment.start.time", row->start_at);
        add_number(out, "segment.end.time", row->end_at);
        add_text(out, "segment.time.unit", "MILLISECONDS");
    }
    add_text(out, "segment.start.time.raw", row->start_raw);
    add_text(out, "segment.end.time.raw", row->end_raw);
    add_number(out, "segment.total.docs", row->docs);
    text_addf(out, ",\"segment.index.version\":\"v%" PRId64 "\"", row->index_version);
    add_known(out, "segment.size.in.bytes", row->bytes);
    add_text(out, "segment.download.url", row->url);
    add_text(out, "custom.map", row->custom);
    add_text(out, "segment.partition.metadata", row->partitions);
    text_addc(out, '}');
}
