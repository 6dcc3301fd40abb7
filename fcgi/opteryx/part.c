#include "opteryx/part.h"

#include "auth/auth.h"
#include "base/config.h"
#include "blob/blob.h"
#include "db/opteryx_store.h"
#include "db/opteryx_store_dataset.h"
#include "opteryx/gather.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "opteryx/validate.h"
#include "stream/coding.h"
#include "stream/digest.h"
#include "tabular/format.h"
#include "json/json.h"

#include <string.h>

enum { ROW_TEXT_MAX = 8 * MIB }; /* bytes of a part's columns or issues as rows keep them */

/* Where the decoded bytes go, all in one pass. */
struct receiver {
    struct exchange *x;
    uint64_t bytes;
    struct format *format;
    struct digest *digest;
    struct blob_writer *writer;
};

static enum fault receive(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct receiver *receiver = ctx;
    enum fault f = opteryx_request_ratio(receiver->x, &receiver->bytes, len, why);
    if (!f)
        f = format_feed(receiver->format, bytes, len, why);
    if (f)
        return f;
    digest_add(receiver->digest, bytes, len);
    return blob_write(receiver->writer, bytes, len, why);
}

/* A decoder's verdict names no coding; the client should read which one it was. */
static enum fault not_decoded(enum coding coding, enum fault f, struct problem *why)
{
    static const char codes[] = "coding_";
    if (f != FAULT_UNPROCESSABLE || !why->code || strncmp(why->code, codes, sizeof codes - 1) != 0)
        return f;
    const struct problem of_decoder = *why;
    *why = PROBLEM_NONE;
    return problem_code(why, f, of_decoder.code, "the part does not decode as %s: %.512s",
                        coding_name(coding), of_decoder.text);
}

/* Streams the body through the decoder into the receiver. */
static enum fault stream(struct exchange *x, enum coding coding, struct receiver *receiver,
                         struct opteryx_part *part, struct problem *why)
{
    struct decoder *decoder = NULL;
    enum fault f = decoder_create(coding, (uint64_t)x->config->part_decoded_max, receive, receiver,
                                  &decoder, why);
    if (!f)
        f = exchange_body(x, (uint64_t)x->config->part_wire_max, decoder_sink, decoder, why);
    if (!f)
        f = decoder_end(decoder, why);
    if (!f)
        part->bytes = (int64_t)decoder_bytes(decoder);
    decoder_destroy(decoder);
    return not_decoded(coding, f, why);
}

/* The stored content, for a reader that goes back into it. */
struct stored {
    struct blob_store *blobs;
    const struct blob_ref *ref;
};

static enum fault read_back(void *ctx, uint64_t offset, void *bytes, size_t len, size_t *got,
                            struct problem *why)
{
    const struct stored *stored = ctx;
    return blob_read(stored->blobs, stored->ref, offset, bytes, len, got, why);
}

/* Receives the content, makes it durable and finds out what it is. */
static enum fault content(struct exchange *x, enum coding coding, enum format_kind kind,
                          struct opteryx_part *part, struct reading *reading, struct problem *why)
{
    struct receiver receiver = { .x = x, .digest = digest_create(DIGEST_SHA256) };
    struct stored stored = { .blobs = x->blobs, .ref = &part->ref };
    const struct thrift_source source = { &stored, read_back };
    enum fault f = FAULT_NONE;
    if (!receiver.digest)
        f = problem_internal(why, "no memory for a digest");
    if (!f)
        f = format_create(kind, x->arena, NULL, &receiver.format, why);
    if (!f)
        f = blob_begin(x->blobs, (uint64_t)x->config->part_decoded_max, &receiver.writer, why);
    if (!f)
        f = stream(x, coding, &receiver, part, why);
    if (!f) {
        struct blob_writer *writer = receiver.writer;
        receiver.writer = NULL;
        f = blob_seal(writer, &part->ref, why);
    }
    if (!f)
        f = blob_flush(x->blobs, why);
    if (!f)
        f = format_end(receiver.format, &source, reading, why);
    if (!f) {
        digest_sha256(receiver.digest, part->sha256);
        part->kind = format_word(format_kind_of(receiver.format));
        part->rows = reading->rows;
    }
    blob_discard(receiver.writer);
    digest_destroy(receiver.digest);
    return f;
}

/* Tells of columns that the target, when it exists, does not declare. */
static enum fault compare(struct exchange *x, const struct opteryx_session *session,
                          struct reading *reading, struct problem *why)
{
    struct opteryx_dataset dataset = { .number = 0 };
    struct columns declared;
    bool found = false;
    if (!session->has_target)
        return FAULT_NONE;
    columns_init(&declared, x->arena);
    enum fault f =
        opteryx_store_dataset_get(x->db, &session->target, x->arena, &dataset, &found, why);
    if (!f && found)
        f = columns_read(&declared, dataset.columns, why);
    for (size_t i = 0; !f && found && i < reading->columns.count; i++) {
        const char *name = reading->columns.list[i].name;
        if (!columns_find(&declared, name))
            issues_add(&reading->issues, name, "Column '%.256s' is not declared by the dataset",
                       name);
    }
    return f;
}

/* What the session's parts are together with one more. */
struct plan {
    struct exchange *x;
    const char *session;
    const struct opteryx_part *part;
    const struct columns *columns; /* of the part */
    struct arena *arena;           /* of what was merged before */
    struct gather gather;
    int64_t revision;
    bool keeps; /* nothing changes by it */
};

/* A part that comes last, as clients send them, is added to what was merged before. */
static enum fault plan_look(struct db *db, void *ctx, struct problem *why)
{
    struct plan *plan = ctx;
    struct exchange *x = plan->x;
    struct opteryx_session session = { .revision = 0 };
    struct opteryx_merged merged = { .notes = "" };
    int64_t last = 0;
    gather_release(&plan->gather);
    arena_reset(plan->arena);
    gather_init(&plan->gather, plan->arena);
    enum fault f =
        opteryx_store_session_get(db, plan->session, x->who->id, x->now, NULL, &session, why);
    plan->revision = session.revision;
    if (!f)
        f = opteryx_store_part_last(db, plan->session, &last, why);
    if (!f && session.merged)
        f = opteryx_store_merged(db, plan->session, plan->arena, &merged, why);
    const bool is_last = plan->part->part > last;
    plan->keeps = !f && session.merged && (is_last || strcmp(merged.notes, "[]") == 0) &&
                  strcmp(merged.columns, plan->part->columns) == 0;
    if (f || plan->keeps)
        return f;
    if (!is_last || (last >= 0 && !session.merged))
        return gather_parts(db, plan->session, plan->part->part, plan->columns, &plan->gather, why);
    if (session.merged)
        f = gather_read(&plan->gather, &merged, why);
    return f ? f : gather_add(&plan->gather, plan->part->part, plan->columns, why);
}

/* Writes the row once, with what was planned; *overtaken when it must be planned anew.  known: the
 * plan is to be written, too; the last attempt leaves it to whoever reads the session. */
static enum fault put_once(struct plan *plan, bool known, bool *overtaken, struct problem *why)
{
    struct opteryx_merged merged = { .notes = "" };
    struct text columns;
    struct opteryx_put put = { .session = plan->session,
                               .owner_id = plan->x->who->id,
                               .part = plan->part,
                               .bytes_max = plan->x->config->session_bytes_max };
    text_init(&columns, ROW_TEXT_MAX);
    enum fault f = known ? db_read(plan->x->db, plan_look, plan, why) : FAULT_NONE;
    if (!f && known) {
        put.revision = plan->revision;
        put.keeps = plan->keeps;
        gather_write(&plan->gather, &columns, &merged);
        put.merged = plan->keeps || text_failed(&columns) ? NULL : &merged;
    }
    if (!f)
        f = opteryx_store_part_put(plan->x->db, &put, overtaken, why);
    text_release(&columns);
    return f;
}

static enum fault put_planned(struct exchange *x, const char *session,
                              const struct opteryx_part *part, const struct columns *columns,
                              struct problem *why)
{
    enum { PLANS = 3 };
    struct plan plan = { .x = x,
                         .session = session,
                         .part = part,
                         .columns = columns,
                         .arena = arena_create(ARENA_MAX) };
    bool overtaken = true;
    enum fault f = plan.arena ? FAULT_NONE : problem_internal(why, "no memory to plan");
    for (int i = 0; !f && overtaken && i <= PLANS; i++)
        f = put_once(&plan, i < PLANS, &overtaken, why);
    gather_release(&plan.gather);
    arena_destroy(plan.arena);
    return f;
}

/* The row; the bytes are durable. */
static enum fault store(struct exchange *x, const char *session, struct opteryx_part *part,
                        const struct reading *reading, struct problem *why)
{
    struct text columns;
    struct text issues;
    text_init(&columns, ROW_TEXT_MAX);
    text_init(&issues, ROW_TEXT_MAX);
    columns_write(&reading->columns, &columns);
    issues_write(&reading->issues, &issues);
    enum fault f = FAULT_NONE;
    if (text_failed(&columns) || text_failed(&issues))
        f = problem_set(why, FAULT_UNPROCESSABLE, "the part's columns take too much room");
    part->columns = text_string(&columns);
    part->issues = text_string(&issues);
    if (!f)
        f = put_planned(x, session, part, &reading->columns, why);
    text_release(&columns);
    text_release(&issues);
    return f;
}

static bool add_issues(json_object *report, int64_t part, const struct issues *issues)
{
    json_object *list = json_object_new_array();
    if (!json_add(report, "issues", list))
        return false;
    for (size_t i = 0; i < issues->count; i++) {
        json_object *issue = json_object_new_object();
        if (!issue || json_object_array_add(list, issue) != 0) {
            json_object_put(issue);
            return false;
        }
        if (!json_add(issue, "issue", json_string(issues->list[i].text)) ||
            !json_add(issue, "part", json_object_new_int64(part)) ||
            (issues->list[i].column &&
             !json_add(issue, "column", json_string(issues->list[i].column))))
            return false;
    }
    return true;
}

static enum fault report(struct exchange *x, const struct opteryx_part *part,
                         const struct reading *reading, struct problem *why)
{
    json_object *body = json_object_new_object();
    if (!body || !json_add(body, "status", json_string("stored")) ||
        !json_add(body, "part", json_object_new_int64(part->part)) ||
        !json_add(body, "rows", json_object_new_int64(part->rows)) ||
        !json_add(body, "schema", opteryx_request_schema(&reading->columns)) ||
        !add_issues(body, part->part, &reading->issues)) {
        json_object_put(body);
        return opteryx_request_no_memory(why);
    }
    return exchange_reply_json(x, OPTERYX_CREATED, body, why);
}

/* The part's number is good; the rest in the order of the API page: credential, session, state,
 * content. */
static enum fault put_checked(struct exchange *x, int64_t number, struct problem *why)
{
    struct opteryx_session session = { .has_target = false };
    struct reading reading = { .rows = 0 };
    enum format_kind kind = FORMAT_UNKNOWN;
    enum coding coding = CODING_IDENTITY;
    struct opteryx_part part = { .part = number, .uploaded_at = x->now };

    enum fault f = auth_require(x, RIGHT_WRITE, NULL, why);
    if (!f)
        f = opteryx_store_session_get(x->db, opteryx_request_session(x), x->who->id, x->now,
                                      x->arena, &session, why);
    if (!f && session.answer)
        f = problem_set(why, FAULT_CONFLICT, "session already committed");
    if (!f)
        f = exchange_refuse_form(x, why);
    if (!f)
        f = coding_named(exchange_header(x, "Content-Encoding"), &coding, why);
    part.file_name = opteryx_request_file_name(x);
    part.encoding = coding_name(coding);
    if (!f)
        f = format_named(part.file_name, exchange_query(x, "content_type"),
                         exchange_header(x, "Content-Type"), &kind, why);
    if (!f)
        f = content(x, coding, kind, &part, &reading, why);
    if (!f)
        f = compare(x, &session, &reading, why);
    if (!f)
        f = store(x, session.id, &part, &reading, why);
    return f ? f : report(x, &part, &reading, why);
}

enum fault opteryx_part_put(struct exchange *x, struct problem *why)
{
    struct validate v;
    int64_t number = 0;
    validate_init(&v);
    validate_part(&v, "query", exchange_query(x, "part"), &number);
    enum fault f = v.count ? opteryx_refuse_invalid(x, &v, why) : put_checked(x, number, why);
    validate_release(&v);
    return f;
}

static enum fault delete_checked(struct exchange *x, int64_t number, struct problem *why)
{
    enum fault f = auth_require(x, RIGHT_WRITE, NULL, why);
    if (!f)
        f = opteryx_store_part_drop(x->db, opteryx_request_session(x), x->who->id, number, x->now,
                                    why);
    if (f)
        return f;
    json_object *body = json_object_new_object();
    if (!body || !json_add(body, "status", json_string("deleted")) ||
        !json_add(body, "part", json_object_new_int64(number))) {
        json_object_put(body);
        return opteryx_request_no_memory(why);
    }
    return exchange_reply_json(x, OPTERYX_OK, body, why);
}

enum fault opteryx_part_delete(struct exchange *x, struct problem *why)
{
    struct validate v;
    int64_t number = 0;
    validate_init(&v);
    validate_part(&v, "path", exchange_path(x, 1), &number);
    enum fault f = v.count ? opteryx_refuse_invalid(x, &v, why) : delete_checked(x, number, why);
    validate_release(&v);
    return f;
}
