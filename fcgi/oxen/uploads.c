/*
 * uploads.c - POST .../versions/uploads: begins, or goes on with, a content that comes in parts.
 */
#include "oxen/uploads.h"

#include "base/limits.h"
#include "blob/blob.h"
#include "db/oxen_store_upload.h"
#include "oxen/hash.h"
#include "oxen/reply.h"
#include "oxen/repository.h"
#include "json/json.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { MS_AN_HOUR = 3600 * 1000 };

/* ---- what is asked ---- */

static enum fault refused(struct problem *why, const char *reason)
{
    return problem_code(why, FAULT_MALFORMED, OXEN_DESCRIBED, "Version upload refused: %s", reason);
}

/* What serde says of a body that it cannot read. */
static enum fault unreadable(struct problem *why, const char *reason, size_t len)
{
    return problem_code(why, FAULT_MALFORMED, OXEN_PLAIN,
                        "Json deserialize error: %s at line 1 column %zu", reason, len);
}

static void put_object(void *object)
{
    json_object_put(object);
}

static enum fault read_body(struct exchange *x, json_object **out, size_t *len, struct problem *why)
{
    static const char json[] = "application/json";
    const char *type = exchange_header(x, "Content-Type");
    const char *text = NULL;
    json_object *body = NULL;
    struct problem of_json = PROBLEM_NONE;
    if (!type || strncasecmp(type, json, sizeof json - 1) != 0)
        return problem_code(why, FAULT_MALFORMED, OXEN_PLAIN, "Content type error");
    enum fault f = exchange_body_text(x, JSON_BODY_MAX, &text, len, why);
    if (f)
        return f;
    struct json_error at = { 0, "" };
    if (json_parse(text, *len, &body, &at, &of_json))
        return unreadable(why, at.reason ? at.reason : "invalid value", at.offset);
    if (!arena_defer(x->arena, put_object, body))
        return problem_internal(why, "no memory for a body");
    *out = body;
    return FAULT_NONE;
}

/* A destination is a place in a workspace; there are none here. */
static enum fault check_destination(json_object *body, struct problem *why)
{
    json_object *destination = NULL;
    if (!json_object_object_get_ex(body, "destination", &destination) || !destination)
        return FAULT_NONE;
    const char *workspace = json_text_of(destination, "workspace_id");
    return problem_code(why, FAULT_MISSING, OXEN_NO_WORKSPACE, "Could not find workspace: %s",
                        workspace ? workspace : "");
}

static enum fault check_size(int64_t bytes, struct problem *why)
{
    if (bytes == 0)
        return refused(why, "a file of zero bytes has no parts");
    if (bytes <= OXEN_UPLOAD_BYTES_MAX)
        return FAULT_NONE;
    return problem_code(why, FAULT_MALFORMED, OXEN_DESCRIBED,
                        "Version upload refused: a file of %lld bytes is larger than the %lld "
                        "bytes an upload takes",
                        (long long)bytes, (long long)OXEN_UPLOAD_BYTES_MAX);
}

static enum fault read_request(struct exchange *x, struct oxen_upload *out, struct problem *why)
{
    struct oxen_hash hash = { { 0 } };
    struct problem of_hash = PROBLEM_NONE;
    json_object *body = NULL;
    json_object *size = NULL;
    size_t len = 0;
    enum fault f = read_body(x, &body, &len, why);
    if (f)
        return f;
    const char *name = json_text_of(body, "hash");
    if (!name)
        return unreadable(why, "missing field `hash`", len);
    if (!json_object_object_get_ex(body, "size", &size))
        return unreadable(why, "missing field `size`", len);
    if (json_object_get_type(size) != json_type_int || json_object_get_int64(size) < 0)
        return unreadable(why, "invalid field `size`, expected u64", len);
    if (oxen_hash_parse(name, &hash, &of_hash)) {
        return problem_code(why, FAULT_MALFORMED, OXEN_DESCRIBED,
                            "Version upload refused: '%.*s' is not a version file hash",
                            NAME_MAX_BYTES, name);
    }
    memcpy(out->hash, hash.bytes, sizeof out->hash);
    out->ref.bytes = json_object_get_int64(size);
    f = check_size(out->ref.bytes, why);
    return f ? f : check_destination(body, why);
}

/* ---- beginning ---- */

/* Parts are as small as the number of parts allows. */
static int64_t part_bytes_for(int64_t bytes)
{
    const int64_t least = (bytes + OXEN_UPLOAD_PARTS_MAX - 1) / OXEN_UPLOAD_PARTS_MAX;
    return least > OXEN_PART_BYTES ? least : OXEN_PART_BYTES;
}

/* An upload to go on with; one whose file is gone is ended.  *found is false for none. */
static enum fault find_same(struct exchange *x, int64_t repository, struct oxen_upload *upload,
                            int64_t since, bool *found, struct problem *why)
{
    struct oxen_upload same = { .part_bytes = 0 };
    enum fault f = oxen_store_upload_same(x->db, repository, upload, since, upload->id, found, why);
    if (!f && *found)
        f = oxen_store_upload_find(x->db, repository, upload->id, since, &same, found, why);
    if (f || !*found || blob_present(x->blobs, &same.ref))
        return f;
    *found = false;
    return oxen_store_upload_drop(x->db, upload->id, why);
}

static enum fault begin(struct exchange *x, int64_t repository, struct oxen_upload *upload,
                        struct problem *why)
{
    const int64_t since = x->now - (int64_t)OXEN_UPLOAD_IDLE_HOURS * MS_AN_HOUR;
    bool found = false;
    enum fault f = find_same(x, repository, upload, since, &found, why);
    if (f || found)
        return f;
    oxen_repository_uuid(x, upload->id);
    f = blob_reserve(x->blobs, (uint64_t)upload->ref.bytes, &upload->ref, why);
    if (!f)
        f = blob_flush(x->blobs, why);
    if (f)
        return f;
    const struct oxen_upload_bounds bounds = { OXEN_UPLOADS_OPEN_MAX,
                                               x->config->upload_reserved_max };
    return oxen_store_upload_add(x->db, repository, upload, x->now, since, &bounds, why);
}

static enum fault reply_begun(struct exchange *x, const struct oxen_upload *upload,
                              struct problem *why)
{
    const int64_t part = upload->part_bytes;
    const int64_t window = OXEN_WINDOW_BYTES / part;
    struct text out;
    oxen_reply_begin(&out, "resource_created", OXEN_VERSIONED);
    oxen_reply_text(&out, "file", "awaiting_parts");
    oxen_reply_text(&out, "upload_id", upload->id);
    oxen_reply_number(&out, "part_size", part);
    oxen_reply_number(&out, "num_parts", (upload->ref.bytes + part - 1) / part);
    oxen_reply_number(&out, "part_window", window > 0 ? window : 1);
    return oxen_reply_end(x, &out, why);
}

static enum fault reply_stored(struct exchange *x, struct problem *why)
{
    struct text out;
    oxen_reply_begin(&out, "resource_found", OXEN_VERSIONED);
    oxen_reply_text(&out, "file", "already_stored");
    return oxen_reply_end(x, &out, why);
}

/* POST /api/repos/{namespace}/{repo_name}/versions/uploads */
enum fault oxen_uploads_begin(struct exchange *x, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    struct oxen_upload upload = { .part_bytes = 0 };
    struct blob_ref ref = { 0 };
    bool stored = false;
    enum fault f = oxen_repository_open(x, &repository, why);
    if (!f)
        f = read_request(x, &upload, why);
    if (!f)
        f = oxen_store_version_find(x->db, repository.id, upload.hash, &ref, &stored, why);
    if (f)
        return f;
    if (stored && blob_present(x->blobs, &ref))
        return reply_stored(x, why);
    upload.part_bytes = part_bytes_for(upload.ref.bytes);
    f = begin(x, repository.id, &upload, why);
    if (f == FAULT_MISSING)
        return oxen_repository_missing(x, why);
    return f ? f : reply_begun(x, &upload, why);
}
