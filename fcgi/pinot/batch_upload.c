#include "pinot/batch_upload.h"

#include "base/clock.h"
#include "pinot/batch.h"
#include "pinot/reply.h"
#include "pinot/request.h"
#include "pinot/upload.h"
#include "json/json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Either the type that is asked for, or the one that the table has. */
static enum fault find_table(struct upload *upload, struct problem *why)
{
    static const char required[] =
        "tableType is a required field while uploading segments in batch mode.";
    char full[NAME_MAX_BYTES];
    enum pinot_type type = PINOT_NO_TYPE;
    bool found = false;
    bool other = false;
    enum fault f = request_type(upload->x, "tableType", &type, why);
    if (f)
        return f;
    if (type == PINOT_NO_TYPE)
        type = upload->name.type;
    if (type != PINOT_NO_TYPE) {
        f = upload_find_table(upload, type, &found, why);
    } else {
        f = upload_find_table(upload, PINOT_REALTIME, &other, why);
        if (!f)
            f = upload_find_table(upload, PINOT_OFFLINE, &found, why);
        if (!f && found == other)
            return problem_set(why, FAULT_MALFORMED, "%s", required);
        if (!f && other)
            f = upload_find_table(upload, PINOT_REALTIME, &found, why);
    }
    if (f || found)
        return f;
    table_name_full(upload->name.raw, type, full);
    return problem_set(why, FAULT_MALFORMED, "Failed to fetch table config for table: %s", full);
}

static enum fault check_mode(struct exchange *x, struct problem *why)
{
    enum upload_mode mode = UPLOAD_SEGMENT;
    const char *word = NULL;
    const enum fault f = upload_mode_of(x, &mode, &word, why);
    if (f || mode == UPLOAD_METADATA)
        return f;
    return problem_set(why, FAULT_MALFORMED, "Unsupported upload type: %.64s", word);
}

/* ---- the body: one part, the archive ---- */

/* What is wrong with the archive is told only when the body around it turns out to be right. */
struct batch_body {
    struct batch *batch;
    size_t parts;
    struct problem archive;
};

static enum fault part_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    struct batch_body *body = ctx;
    (void)head;
    body->parts++;
    if (body->parts == 1)
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED,
                       "Multipart request contains more than one part in batch mode.");
}

static enum fault part_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct batch_body *body = ctx;
    if (body->archive.fault)
        return FAULT_NONE;
    if (batch_feed(body->batch, bytes, len, &body->archive) == FAULT_NONE ||
        body->archive.fault == FAULT_MALFORMED)
        return FAULT_NONE;
    *why = body->archive;
    return why->fault;
}

static enum fault part_end(void *ctx, struct problem *why)
{
    (void)ctx;
    (void)why;
    return FAULT_NONE;
}

static enum fault read_body(struct exchange *x, struct batch *batch, struct problem *why)
{
    static const struct multipart_sink sink = { part_begin, part_body, part_end };
    struct batch_body body = { .batch = batch };
    const enum fault f = exchange_multipart(x, &sink, &body, why);
    if (f)
        return f;
    if (body.archive.fault)
        *why = body.archive;
    if (body.parts > 0)
        return body.archive.fault;
    return problem_code(why, FAULT_MALFORMED, MULTIPART_INCOMPLETE, "the body has no part");
}

/* ---- the answer ---- */

static void add_report(struct text *out, const struct pinot_segment *s)
{
    static const char *const words[] = {
        [PINOT_NEW] = "new", [PINOT_REFRESHED] = "refreshed", [PINOT_UNCHANGED] = "unchanged"
    };
    text_adds(out, "{\"segment\":");
    json_quote(out, s->name, strlen(s->name));
    text_addf(out, ",\"outcome\":\"%s\",\"crc\":\"%" PRId64 "\"", words[s->outcome], s->crc);
    if (s->outcome != PINOT_NEW)
        text_addf(out, ",\"crcBefore\":\"%" PRId64 "\"", s->crc_before);
    text_addc(out, '}');
}

static enum fault reply(struct upload *upload, const struct pinot_segment *segments, size_t count,
                        struct problem *why)
{
    struct exchange *x = upload->x;
    const char *report = request_query(x, "report");
    struct text status;
    struct text body;
    text_init(&status, JSON_REPLY_MAX);
    text_init(&body, JSON_REPLY_MAX);
    text_adds(&status, "Successfully uploaded segments: [");
    for (size_t i = 0; i < count; i++) {
        text_adds(&status, i > 0 ? ", " : "");
        text_adds(&status, segments[i].name);
    }
    text_addf(&status, "] of table: %s in %" PRId64 " ms", upload->table.name,
              clock_now_ms() - x->now);
    text_adds(&body, "{\"status\":");
    json_quote(&body, text_string(&status), status.len);
    if (report && strcmp(report, "segments") == 0) {
        text_adds(&body, ",\"segments\":[");
        for (size_t i = 0; i < count; i++) {
            text_adds(&body, i > 0 ? "," : "");
            add_report(&body, &segments[i]);
        }
        text_addc(&body, ']');
    }
    text_addc(&body, '}');
    const enum fault f = pinot_reply_text(x, &body, why);
    text_release(&status);
    text_release(&body);
    return f;
}

/* A number that no client foresees. */
static uint64_t seed_of(const struct exchange *x)
{
    uint64_t seed = 0;
    static_assert(sizeof seed <= sizeof x->random, "the request's random bytes are too few");
    memcpy(&seed, x->random, sizeof seed);
    return seed;
}

enum fault pinot_batch_upload(struct exchange *x, struct problem *why)
{
    struct upload upload = { .x = x };
    struct batch *batch = NULL;
    struct pinot_segment *segments = NULL;
    size_t count = 0;

    enum fault f = upload_authorize(&upload, request_query(x, "tableName"), why);
    if (!f)
        f = upload_media_check(x, why);
    if (!f)
        f = find_table(&upload, why);
    if (!f)
        f = check_mode(x, why);
    if (!f)
        f = upload_options(&upload, why);
    if (!f)
        f = batch_create((uint64_t)x->config->batch_decoded_max, seed_of(x), &batch, why);
    if (!f)
        f = read_body(x, batch, why);
    if (!f)
        f = batch_end(batch, &segments, &count, why);
    if (!f)
        f = upload_push(&upload, segments, count, why);
    if (!f)
        f = reply(&upload, segments, count, why);
    batch_destroy(batch);
    upload_release(&upload);
    return f;
}
