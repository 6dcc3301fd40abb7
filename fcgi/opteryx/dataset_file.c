/*
 * dataset_file.c - the routes of dataset.h that send a file and go back to an old snapshot.
 */
#include "opteryx/dataset.h"

#include "opteryx/dataset_look.h"
#include "opteryx/dataset_parquet.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "opteryx/validate.h"
#include "tabular/format.h"

#include <string.h>

static enum fault file_look(struct db *db, void *ctx, struct problem *why)
{
    struct look *look = ctx;
    const enum fault f = dataset_look_get(db, look, NULL, why);
    return f ? f
             : opteryx_store_dataset_file(db, look->dataset.number, look->after, look->x->arena,
                                          &look->file, why);
}

/* The file whose number ctx points to. */
static enum fault file_find(struct exchange *x, void *ctx, struct exchange_content *out,
                            struct problem *why)
{
    const int64_t *number = ctx;
    struct look look = { .x = x, .after = *number };
    char digest[2 * OPTERYX_SHA256_BYTES + 1];
    enum fault f = dataset_look_target(x, RIGHT_READ, &look.target, why);
    if (!f)
        f = db_read(x->db, file_look, &look, why);
    if (!f && look.file.bytes != look.file.ref.bytes)
        f = problem_damaged(why, "a file's row and that of its content differ in length");
    if (f)
        return f;
    text_hex(look.file.sha256, sizeof look.file.sha256, digest);
    *out = (struct exchange_content){ .ref = look.file.ref,
                                      .content_type = format_media_type(look.file.kind),
                                      .etag = arena_printf(x->arena, "\"%s\"", digest) };
    return FAULT_NONE;
}

/* "7.parquet" without its ending, when it has it. */
static const char *without_ending(struct exchange *x, const char *name, bool *parquet)
{
    static const char ending[] = ".parquet";
    const size_t len = strlen(name);
    *parquet = len > sizeof ending - 1 && strcmp(name + len - (sizeof ending - 1), ending) == 0;
    return *parquet ? arena_strdup(x->arena, name, len - (sizeof ending - 1)) : name;
}

enum fault opteryx_dataset_file(struct exchange *x, struct problem *why)
{
    const struct validate_bounds bounds = { "path", "number", 1, INT32_MAX };
    struct validate v;
    int64_t number = 0;
    bool parquet = false;
    enum fault f = FAULT_NONE;
    const char *name = without_ending(x, exchange_path(x, 1), &parquet);
    validate_init(&v);
    validate_integer(&v, &bounds, name ? name : "", &number);
    const bool invalid = v.count > 0;
    if (invalid)
        f = opteryx_refuse_invalid(x, &v, why);
    validate_release(&v);
    if (invalid)
        return f;
    return parquet ? opteryx_dataset_parquet(x, number, why)
                   : exchange_reply_content(x, file_find, &number, why);
}

/* ---- going back ---- */

static enum fault back_look(struct db *db, void *ctx, struct problem *why)
{
    struct look *look = ctx;
    const enum fault f = dataset_look_get(db, look, NULL, why);
    return f ? f
             : opteryx_store_dataset_snapshot(db, look->dataset.number, look->commit,
                                              look->x->arena, &look->snapshot, why);
}

static enum fault rollback_checked(struct exchange *x, const char *to, struct problem *why)
{
    struct look look = { .x = x };
    char id[OPTERYX_COMMIT_ID_MAX];
    char current[OPTERYX_COMMIT_ID_MAX];
    enum fault f = dataset_look_target(x, RIGHT_WRITE, &look.target, why);
    if (f)
        return f;
    opteryx_request_commit_id(x, id);
    const struct opteryx_rollback rollback = { .target = &look.target,
                                               .to = to,
                                               .id = id,
                                               .if_match = opteryx_request_if_match(x),
                                               .author = x->who->name,
                                               .now = x->now };
    f = opteryx_store_dataset_rollback(x->db, &rollback, current, why);
    look.commit = current;
    if (!f)
        f = db_read(x->db, back_look, &look, why);
    if (f)
        return f;
    json_object *body = json_object_new_object();
    return dataset_look_answer(x, dataset_look_snapshot(body, &look.snapshot), body, why);
}

enum fault opteryx_dataset_rollback(struct exchange *x, struct problem *why)
{
    struct validate v;
    json_object *body = NULL;
    const char *to = NULL;
    validate_init(&v);
    enum fault f = opteryx_request_json(x, &v, false, &body, why);
    if (!f && v.count == 0)
        validate_rollback(&v, body, &to);
    if (!f)
        f = v.count ? opteryx_refuse_invalid(x, &v, why) : rollback_checked(x, to, why);
    validate_release(&v);
    return f;
}
