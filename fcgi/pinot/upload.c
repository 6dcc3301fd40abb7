#include "pinot/upload.h"

#include "auth/auth.h"
#include "base/clock.h"
#include "blob/blob.h"
#include "db/pinot_store_segment.h"
#include "pinot/copy.h"
#include "pinot/deep_store.h"
#include "pinot/refusal.h"
#include "pinot/request.h"
#include "pinot/segment_metadata.h"

#include <string.h>

enum { MS_IN_SECOND = 1000, MS_IN_HOUR = 3600 * MS_IN_SECOND };

void upload_release(struct upload *upload)
{
    custom_modifier_release(&upload->modifier);
}

enum fault upload_authorize(struct upload *upload, const char *given, struct problem *why)
{
    struct exchange *x = upload->x;
    enum fault f = FAULT_NONE;
    if (given && given[0] != '\0') {
        f = table_name_parse(given, exchange_header(x, "database"), &upload->name, why);
        return f ? f : auth_require(x, RIGHT_WRITE, upload->name.raw, why);
    }
    f = auth_require(x, RIGHT_WRITE, NULL, why);
    if (f)
        return f;
    if (given)
        return problem_set(why, FAULT_MALFORMED, "'tableName' cannot be null or empty");
    return problem_set(why, FAULT_MALFORMED,
                       "Could not find paramName tableName in path or query params of the API: "
                       "%s%s%s%s",
                       exchange_base_url(x), x->uri.path, x->uri.query[0] ? "?" : "", x->uri.query);
}

/* Nothing is fed to this parser; it only judges the Content-Type. */
enum fault upload_media_check(struct exchange *x, struct problem *why)
{
    static const struct multipart_sink none = { 0 };
    struct multipart *parser = NULL;
    const char *type = exchange_header(x, "Content-Type");
    if (!type && x->content_length > 0)
        return problem_set(why, FAULT_UNSUPPORTED, "the body has no Content-Type");
    const enum fault f = multipart_create(type, &none, NULL, &parser, why);
    multipart_destroy(parser);
    return f;
}

enum fault upload_find_table(struct upload *upload, enum pinot_type type, bool *found,
                             struct problem *why)
{
    char full[NAME_MAX_BYTES];
    struct exchange *x = upload->x;
    table_name_full(upload->name.raw, type, full);
    return pinot_store_table_get(x->db, full, x->arena, &upload->table, found, why);
}

enum fault upload_mode_of(struct exchange *x, enum upload_mode *mode, const char **word,
                          struct problem *why)
{
    static const char *const words[] = { [UPLOAD_SEGMENT] = "SEGMENT",
                                         [UPLOAD_URI] = "URI",
                                         [UPLOAD_JSON] = "JSON",
                                         [UPLOAD_METADATA] = "METADATA" };
    const char *given = exchange_header(x, "UPLOAD_TYPE");
    *mode = UPLOAD_SEGMENT;
    *word = given ? given : "null";
    if (!given)
        return FAULT_NONE;
    for (int i = UPLOAD_SEGMENT; i <= UPLOAD_METADATA; i++) {
        if (strcmp(given, words[i]) == 0) {
            *mode = (enum upload_mode)i;
            return FAULT_NONE;
        }
    }
    return problem_set(why, FAULT_MALFORMED,
                       "UPLOAD_TYPE '%.64s' is none of SEGMENT, URI, JSON and METADATA", given);
}

enum fault upload_options(struct upload *upload, struct problem *why)
{
    struct exchange *x = upload->x;
    const char *crypter = exchange_header(x, "CRYPTER");
    upload->protect = request_flag(request_query(x, "enableParallelPushProtection"), false);
    upload->allow_refresh = request_flag(request_query(x, "allowRefresh"), true);
    upload->refresh_only = request_flag(exchange_header(x, "REFRESH_ONLY"), false);
    upload->copy = request_flag(exchange_header(x, "COPY_SEGMENT_TO_DEEP_STORE"), false);
    upload->if_match = exchange_header(x, "If-Match");
    if (crypter && crypter[0] != '\0' && strcmp(crypter, "NoOpPinotCrypter") != 0)
        return problem_set(why, FAULT_MALFORMED,
                           "Pinot crypter not configured for class name: %.256s", crypter);
    return custom_modifier_parse(exchange_header(x, "Pinot-SegmentZKMetadataCustomMapModifier"),
                                 x->arena, &upload->modifier, why);
}

static enum fault check_intervals(const struct upload *upload, const struct pinot_segment *segments,
                                  size_t count, struct problem *why)
{
    enum fault f = FAULT_NONE;
    if (!upload->table.time_check)
        return FAULT_NONE;
    for (size_t i = 0; i < count && !f; i++) {
        const struct pinot_segment *s = &segments[i];
        f = segment_interval_check(s->has_interval, s->start_at, s->end_at, s->name,
                                   upload->table.name, upload->table.time_column, why);
    }
    return f;
}

struct deep_store upload_deep_store(const struct upload *upload)
{
    const struct exchange *x = upload->x;
    return (struct deep_store){ .roots = x->config->deep_store_roots,
                                .table = upload->name.raw,
                                .every_table = strcmp(x->who->scope, "*") == 0 };
}

static void look_at_sizes(const struct deep_store *store, struct pinot_segment *segments,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (segments[i].bytes < 0)
            segments[i].bytes = deep_store_bytes(store, segments[i].url);
    }
}

static bool worker_alive(void *ctx, int64_t owner)
{
    return blob_worker_alive(ctx, (uint64_t)owner);
}

static struct pinot_push push_of(struct upload *upload, struct pinot_segment *segments,
                                 size_t count)
{
    const struct exchange *x = upload->x;
    return (struct pinot_push){
        .table = upload->table.name,
        .now = clock_now_ms(), /* the body may have taken a while */
        .protect = upload->protect,
        .allow_refresh = upload->allow_refresh,
        .refresh_only = upload->refresh_only,
        .if_match = upload->if_match,
        .lock_ms = x->config->push_lock_timeout_s * MS_IN_SECOND,
        .lineage_before = clock_now_ms() - x->config->replace_hours * MS_IN_HOUR,
        .segments = segments,
        .count = count,
        .ctx = &upload->modifier,
        .custom = upload->modifier.map ? custom_modifier_apply : NULL,
        .alive_ctx = x->blobs,
        .alive = worker_alive,
    };
}

/* The push of segments whose bytes are to be kept: refused or locked first, then the bytes, then the
 * rows. */
static enum fault push_with_bytes(struct upload *upload, const struct deep_store *store,
                                  struct pinot_push *push, struct problem *why)
{
    struct exchange *x = upload->x;
    struct problem unreleased = PROBLEM_NONE;
    uint64_t owner = 0;
    enum fault f = blob_worker(x->blobs, &owner, why);
    push->owner = (int64_t)owner;
    if (!f)
        f = pinot_store_prepare(x->db, push, why);
    if (!f)
        f = refusal_of(push, why);
    if (!f && upload->copy)
        f = copy_segments(x, store, push->segments, push->count, why);
    if (!f)
        f = blob_flush(x->blobs, why);
    if (!f) {
        push->now = clock_now_ms();
        f = pinot_store_push(x->db, push, why);
    }
    if (!f)
        f = refusal_of(push, why);
    if (f && pinot_store_release(x->db, push, &unreleased))
        (void)unreleased; /* the lease ends the lock: this worker's own death, or the timeout */
    return f;
}

/* A push of metadata may name the copy that is here already: it must still be. */
static enum fault check_copies(struct upload *upload, const struct pinot_segment *segments,
                               size_t count, struct problem *why)
{
    struct exchange *x = upload->x;
    const char *base = exchange_base_url(x);
    const size_t base_len = base ? strlen(base) : 0;
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < count && !f; i++) {
        struct pinot_segment_row row = { .has_blob = false };
        bool found = false;
        if (base_len == 0 || !segments[i].url || strncmp(segments[i].url, base, base_len) != 0)
            continue;
        f = pinot_store_segment_get(x->db, upload->table.id, segments[i].name, x->arena, &row,
                                    &found, why);
        if (!f && found && row.has_blob && strcmp(row.url, segments[i].url) == 0 &&
            !blob_present(x->blobs, &row.blob)) {
            f = problem_set(why, FAULT_DAMAGED,
                            "content_damaged: the copy of segment: %s is gone: push the segment "
                            "itself",
                            segments[i].name);
        }
    }
    return f;
}

enum fault upload_push(struct upload *upload, struct pinot_segment *segments, size_t count,
                       struct problem *why)
{
    bool bytes = upload->copy && count > 0;
    for (size_t i = 0; i < count && !bytes; i++)
        bytes = segments[i].blob != NULL;
    if (count == 0)
        return FAULT_NONE;
    const struct deep_store store = upload_deep_store(upload);
    enum fault f = check_intervals(upload, segments, count, why);
    if (!f && upload->copy)
        f = copy_check(&store, segments, count, why);
    if (f)
        return f;
    look_at_sizes(&store, segments, count);
    struct pinot_push push = push_of(upload, segments, count);
    if (bytes)
        return push_with_bytes(upload, &store, &push, why);
    f = check_copies(upload, segments, count, why);
    if (!f)
        f = pinot_store_push(upload->x->db, &push, why);
    return f ? f : refusal_of(&push, why);
}
