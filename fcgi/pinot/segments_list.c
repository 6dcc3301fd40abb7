/*
 * segments_list.c - the routes that tell about many segments.  They stream by pieces: a piece is
 * read from the database, then sent, so that neither memory nor a read transaction grows with the
 * table.
 */
#include "base/limits.h"
#include "base/number.h"
#include "db/pinot_store_segment.h"
#include "pinot/reply.h"
#include "pinot/request.h"
#include "pinot/segment_json.h"
#include "pinot/segments.h"
#include "pinot/segments_read.h"
#include "json/json.h"

#include <inttypes.h>
#include <string.h>

enum {
    NAMES_PIECE = 1000,        /* names read at once */
    ROWS_PIECE = 32,           /* whole rows read at once */
    PIECE_BYTES_MAX = 5 * MIB, /* text of a piece: rows with the largest custom maps, quoted */
};

/* One listing under way. */
struct listing {
    struct exchange *x;
    struct text piece;
    bool first;  /* nothing was written since the bracket opened */
    bool whole;  /* rows, not names alone */
    bool hidden; /* those that a replacement hides, too */
    void (*add)(struct text *out, const struct pinot_segment_row *row);
    int64_t least; /* the time filter; both INT64 ends: none */
    int64_t most;
    bool inside; /* segments that lie in the range as a whole, not those that touch it */
};

static bool is_wanted(const struct listing *list, const struct pinot_segment_row *row)
{
    if (!list->whole || (list->least == INT64_MIN && list->most == INT64_MAX))
        return true;
    if (!row->has_interval)
        return true; /* Pinot lets segments without times pass */
    if (list->inside)
        return row->start_at >= list->least && row->end_at < list->most;
    return row->end_at >= list->least && row->start_at < list->most;
}

static enum fault add_row(void *ctx, const struct pinot_segment_row *row, struct problem *why)
{
    struct listing *list = ctx;
    (void)why;
    if (!is_wanted(list, row))
        return FAULT_NONE;
    text_adds(&list->piece, list->first ? "" : ",");
    list->first = false;
    list->add(&list->piece, row);
    return FAULT_NONE;
}

static enum fault send_piece(struct listing *list, struct problem *why)
{
    if (text_failed(&list->piece))
        return problem_internal(why, "a piece of a listing is too large");
    const enum fault f = exchange_write(list->x, text_string(&list->piece), list->piece.len, why);
    text_clear(&list->piece);
    return f;
}

/* All segments of a table, by pieces. */
static enum fault send_table(struct listing *list, const struct pinot_table *table,
                             struct problem *why)
{
    const struct pinot_segment_list which = { .table = table->id, .hidden = list->hidden };
    char last[NAME_MAX_BYTES] = "";
    enum fault f = FAULT_NONE;
    list->first = true;
    do {
        if (list->whole)
            f = pinot_store_segment_page(list->x->db, &which, last, ROWS_PIECE, add_row, list, why);
        else
            f = pinot_store_segment_names(list->x->db, &which, last, NAMES_PIECE, add_row, list,
                                          why);
        if (!f)
            f = send_piece(list, why);
    } while (!f && last[0] != '\0');
    return f;
}

static void add_name(struct text *out, const struct pinot_segment_row *row)
{
    json_quote(out, row->name, strlen(row->name));
}

static void add_crc(struct text *out, const struct pinot_segment_row *row)
{
    json_quote(out, row->name, strlen(row->name));
    text_addf(out, ":\"%" PRId64 "\"", row->crc);
}

static void add_metadata(struct text *out, const struct pinot_segment_row *row)
{
    json_quote(out, row->name, strlen(row->name));
    text_addc(out, ':');
    segment_json(out, row);
}

/* A time filter's value; FAULT_MALFORMED when it is no number. */
static enum fault time_parameter(struct exchange *x, const char *name, int64_t absent, int64_t *out,
                                 struct problem *why)
{
    const char *text = request_query(x, name);
    *out = absent;
    if (!text || text[0] == '\0' || number_i64(text, strlen(text), out))
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED,
                       "Failed to parse the start/end timestamp. Please make sure they are in "
                       "'millisSinceEpoch' format.");
}

static enum fault read_filter(struct listing *list, struct problem *why)
{
    struct exchange *x = list->x;
    const char *overlapping = request_query(x, "excludeOverlapping");
    enum fault f = time_parameter(x, "startTimestamp", INT64_MIN, &list->least, why);
    if (!f)
        f = time_parameter(x, "endTimestamp", INT64_MAX, &list->most, why);
    if (!f && list->least >= list->most) {
        f = problem_set(why, FAULT_MALFORMED,
                        "The value of startTimestamp should be smaller than the one of "
                        "endTimestamp. Start timestamp: %%d. End timestamp: %%d [%" PRId64
                        ", %" PRId64 "]",
                        list->least, list->most);
    }
    list->inside = request_flag(overlapping, false);
    list->whole = list->least != INT64_MIN || list->most != INT64_MAX;
    return f;
}

static enum fault send_lists(struct listing *list, const struct tables_of_name *found,
                             struct problem *why)
{
    enum fault f = exchange_stream_begin(list->x, PINOT_OK, "application/json", -1, why);
    text_addc(&list->piece, '[');
    for (size_t i = 0; i < found->count && !f; i++) {
        text_addf(&list->piece, "%s{\"%s\":[", i > 0 ? "," : "", found->tables[i].type);
        f = send_table(list, &found->tables[i], why);
        text_adds(&list->piece, "]}");
    }
    text_addc(&list->piece, ']');
    if (!f)
        f = send_piece(list, why);
    return f ? f : exchange_stream_end(list->x, why);
}

static enum fault list_segments(struct exchange *x, bool hidden, struct problem *why)
{
    struct listing list = { .x = x, .add = add_name, .hidden = hidden };
    struct tables_of_name found;
    text_init(&list.piece, PIECE_BYTES_MAX);
    enum fault f = tables_of_name(x, RIGHT_READ, &found, why);
    if (!f)
        f = read_filter(&list, why);
    if (!f)
        f = tables_required(&found, false, why);
    if (!f)
        f = send_lists(&list, &found, why);
    text_release(&list.piece);
    return f;
}

/* GET /segments/{table} */
enum fault pinot_segments_list(struct exchange *x, struct problem *why)
{
    const bool replaced = request_flag(request_query(x, "excludeReplacedSegments"), false);
    return list_segments(x, !replaced, why);
}

/* GET /segments/{table}/select: the same of those that can be queried */
enum fault pinot_segments_select(struct exchange *x, struct problem *why)
{
    return list_segments(x, false, why);
}

/* One object of all segments of one table. */
static enum fault send_object(struct exchange *x,
                              void (*add)(struct text *out, const struct pinot_segment_row *row),
                              struct problem *why)
{
    struct listing list = {
        .x = x, .add = add, .whole = true, .hidden = true, .least = INT64_MIN, .most = INT64_MAX
    };
    struct tables_of_name found;
    text_init(&list.piece, PIECE_BYTES_MAX);
    enum fault f = tables_of_name(x, RIGHT_READ, &found, why);
    if (!f)
        f = tables_required(&found, true, why);
    if (!f)
        f = exchange_stream_begin(x, PINOT_OK, "application/json", -1, why);
    text_addc(&list.piece, '{');
    if (!f)
        f = send_table(&list, &found.tables[0], why);
    text_addc(&list.piece, '}');
    if (!f)
        f = send_piece(&list, why);
    if (!f)
        f = exchange_stream_end(x, why);
    text_release(&list.piece);
    return f;
}

/* GET /segments/{table}/crc */
enum fault pinot_segments_crc(struct exchange *x, struct problem *why)
{
    return send_object(x, add_crc, why);
}

/* GET /segments/{table}/metadata */
enum fault pinot_segments_metadata(struct exchange *x, struct problem *why)
{
    return send_object(x, add_metadata, why);
}
