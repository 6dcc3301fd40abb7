#include "pinot/single_upload.h"

#include "auth/auth.h"
#include "base/limits.h"
#include "blob/blob.h"
#include "pinot/copy.h"
#include "pinot/deep_store.h"
#include "pinot/mapping.h"
#include "pinot/reply.h"
#include "pinot/request.h"
#include "pinot/segment_archive.h"
#include "pinot/segment_url.h"
#include "pinot/upload.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

/* One upload: the archive is read while it is stored. */
struct single {
    struct upload upload;
    enum upload_mode mode;
    const char *download_uri; /* the header; NULL when absent or empty */
    struct segment_archive *archive;
    struct blob_writer *writer; /* NULL unless the bytes are kept */
    struct blob_ref ref;
    size_t parts;
    struct pinot_segment segment;
    const char *own_table; /* segment.table.name; in the arena */
};

/* ---- the body ---- */

static enum fault part_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    struct single *s = ctx;
    (void)head;
    s->parts++;
    if (s->parts == 1)
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED, "Invalid multi-part form for segment metadata");
}

static enum fault part_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct single *s = ctx;
    enum fault f = segment_archive_feed(s->archive, bytes, len, why);
    if (!f && s->writer)
        f = blob_write(s->writer, bytes, len, why);
    return f;
}

static enum fault part_end(void *ctx, struct problem *why)
{
    (void)ctx;
    (void)why;
    return FAULT_NONE;
}

static enum fault read_body(struct single *s, struct problem *why)
{
    static const struct multipart_sink sink = { part_begin, part_body, part_end };
    const enum fault f = exchange_multipart(s->upload.x, &sink, s, why);
    if (f || s->parts > 0)
        return f;
    return problem_code(why, FAULT_MALFORMED, MULTIPART_INCOMPLETE, "the body has no part");
}

static const char *keep(struct single *s, const char *text)
{
    return text[0] == '\0' ? NULL : arena_strdup(s->upload.x->arena, text, strlen(text));
}

/* What the archive says, as the segment to push. */
static enum fault read_segment(struct single *s, struct problem *why)
{
    struct creation_meta creation = { 0 };
    const struct segment_metadata *m = NULL;
    const enum fault f = segment_archive_end(s->archive, &creation, &m, why);
    if (f)
        return f;
    s->own_table = keep(s, m->table);
    s->segment = (struct pinot_segment){
        .name = keep(s, m->name),
        .url = s->download_uri,
        .start_raw = keep(s, m->start_raw),
        .end_raw = keep(s, m->end_raw),
        .custom = keep(s, text_string(&m->custom)),
        .partitions = keep(s, text_string(&m->partitions)),
        .crc = creation.crc,
        .data_crc = creation.data_crc,
        .created_at = creation.created_at,
        .start_at = m->start_at,
        .end_at = m->end_at,
        .bytes = -1,
        .docs = (int32_t)m->docs,
        .index_version = (int8_t)m->index_version,
        .has_interval = m->has_interval,
    };
    if (!s->segment.name)
        return problem_internal(why, "no memory for a segment");
    return FAULT_NONE;
}

static enum fault seal(struct single *s, struct problem *why)
{
    const enum fault f = blob_seal(s->writer, &s->ref, why);
    s->writer = NULL;
    if (f)
        return f;
    s->segment.blob = &s->ref;
    s->segment.bytes = s->ref.bytes;
    s->segment.url = segment_url(s->upload.x, s->upload.name.raw, s->segment.name);
    return s->segment.url ? FAULT_NONE : problem_internal(why, "no memory for a URL");
}

/* ---- the table ---- */

/* Offline unless the client says so; a suffix must agree. */
static enum fault find_table(struct single *s, struct problem *why)
{
    struct upload *upload = &s->upload;
    char full[NAME_MAX_BYTES];
    enum pinot_type type = PINOT_NO_TYPE;
    bool found = false;
    enum fault f = request_type(upload->x, "tableType", &type, why);
    if (f)
        return f;
    if (type == PINOT_NO_TYPE)
        type = PINOT_OFFLINE;
    if (upload->name.type != PINOT_NO_TYPE && upload->name.type != type)
        return problem_set(why, FAULT_MALFORMED, "Table name: %s does not match table type: %s",
                           upload->name.given, pinot_type_word(type));
    f = upload_find_table(upload, type, &found, why);
    if (f || found)
        return f;
    table_name_full(upload->name.raw, type, full);
    return problem_set(why, FAULT_MALFORMED, "Failed to find table: %s", full);
}

/* ---- the modes ---- */

static enum fault require_uri(struct single *s, const char *mode, struct problem *why)
{
    const char *given = exchange_header(s->upload.x, "DOWNLOAD_URI");
    if (!given || given[0] == '\0') {
        return problem_set(why, FAULT_MALFORMED,
                           "Source download URI is required in header field 'DOWNLOAD_URI' for %s "
                           "upload mode",
                           mode);
    }
    s->download_uri = given;
    return mapping_uri_check(given, "in header field 'DOWNLOAD_URI'", why);
}

/* URI: the archive is read from a file below a configured folder, and must be of the table. */
static enum fault fetch(struct single *s, struct problem *why)
{
    struct exchange *x = s->upload.x;
    const struct deep_store store = upload_deep_store(&s->upload);
    int64_t bytes = 0;
    int fd = -1;
    enum fault f = deep_store_open(&store, s->download_uri, &fd, &bytes, why);
    if (!f)
        f = segment_archive_create((uint64_t)x->config->batch_decoded_max, &s->archive, why);
    if (!f)
        f = blob_begin(x->blobs, (uint64_t)bytes, &s->writer, why);
    if (!f)
        f = copy_stream(fd, bytes, s->archive, s->writer, s->download_uri, why);
    if (fd >= 0)
        (void)close(fd);
    if (!f)
        f = read_segment(s, why);
    if (!f && !(s->own_table && copy_is_of_table(s->own_table, s->upload.name.raw)))
        f = problem_set(why, FAULT_MALFORMED, "the file is no segment of table: %s",
                        s->upload.name.raw);
    return f;
}

static enum fault check_uri(struct single *s, struct problem *why)
{
    const enum fault f = require_uri(s, s->mode == UPLOAD_JSON ? "JSON" : "URI", why);
    if (f || (s->mode == UPLOAD_URI && deep_store_is_file(s->download_uri)))
        return f;
    return problem_set(why, FAULT_FORBIDDEN,
                       "segments are fetched from file: URIs below SLUICE_DEEP_STORE_ROOTS alone: "
                       "push the segment itself, or its metadata");
}

/* A push by URI: nothing comes in the body but, from some clients, the table's name. */
static enum fault run_uri(struct single *s, bool named, struct problem *why)
{
    enum fault f = check_uri(s, why);
    if (!f && !named)
        f = problem_set(why, FAULT_MALFORMED, "'tableName' cannot be null or empty");
    if (!f)
        f = find_table(s, why);
    if (!f)
        f = upload_options(&s->upload, why);
    if (!f)
        f = fetch(s, why);
    if (!f)
        f = seal(s, why);
    return f ? f : upload_push(&s->upload, &s->segment, 1, why);
}

static enum fault begin_body(struct single *s, struct problem *why)
{
    struct exchange *x = s->upload.x;
    const char *type = exchange_header(x, "Content-Type");
    if (s->mode == UPLOAD_SEGMENT && type && strncasecmp(type, "application/json", 16) == 0) {
        return problem_set(why, FAULT_MALFORMED,
                           "Segment file (as multipart/form-data) is required for SEGMENT upload "
                           "mode");
    }
    enum fault f = upload_media_check(x, why);
    if (!f && s->mode == UPLOAD_METADATA)
        f = require_uri(s, "METADATA", why);
    if (!f)
        f = segment_archive_create((uint64_t)x->config->batch_decoded_max, &s->archive, why);
    if (!f && s->mode == UPLOAD_SEGMENT)
        f = blob_begin(x->blobs, UINT64_MAX, &s->writer, why);
    return f;
}

static enum fault run(struct single *s, bool named, struct problem *why)
{
    struct exchange *x = s->upload.x;
    const char *word = NULL;
    enum fault f = upload_mode_of(x, &s->mode, &word, why);
    if (!f && (s->mode == UPLOAD_URI || s->mode == UPLOAD_JSON))
        return run_uri(s, named, why);
    if (!f)
        f = begin_body(s, why);
    if (!f && named)
        f = find_table(s, why);
    if (!f)
        f = upload_options(&s->upload, why);
    if (!f)
        f = read_body(s, why);
    if (!f)
        f = read_segment(s, why);
    if (!f && !named) {
        f = upload_authorize(&s->upload, s->own_table, why);
        if (!f)
            f = find_table(s, why);
    }
    if (!f && s->writer)
        f = seal(s, why);
    if (!f)
        f = upload_push(&s->upload, &s->segment, 1, why);
    return f;
}

/* The name of the table: of the address, or, as SegmentUriPush sends it, "tableName=..." in the body
 * under any Content-Type. */
static enum fault table_name_of(struct exchange *x, const char **out, struct problem *why)
{
    enum { BODY_MAX = 4 * KIB };
    static const char word[] = "tableName=";
    const char *mode = exchange_header(x, "UPLOAD_TYPE");
    const char *body = NULL;
    struct uri form;
    size_t len = 0;
    *out = request_query(x, "tableName");
    if (*out || !mode || strcmp(mode, "URI") != 0 || x->content_length <= 0)
        return FAULT_NONE;
    enum fault f = auth_require(x, RIGHT_WRITE, NULL, why);
    if (!f)
        f = exchange_body_text(x, BODY_MAX, &body, &len, why);
    if (f || strncmp(body, word, sizeof word - 1) != 0)
        return f;
    const char *address = arena_printf(x->arena, "/?%s", body);
    if (!address)
        return problem_set(why, FAULT_TOO_LARGE, "the request is too large");
    f = uri_parse(address, x->arena, &form, why);
    *out = f ? NULL : form.pairs[0].value;
    return f;
}

static enum fault upload_one(struct exchange *x, bool name_required, struct problem *why)
{
    struct single s = { .upload = { .x = x } };
    const char *given = NULL;
    enum fault f = table_name_of(x, &given, why);
    const bool named = given != NULL || name_required;
    if (!f)
        f = named ? upload_authorize(&s.upload, given, why)
                  : auth_require(x, RIGHT_WRITE, NULL, why);
    if (!f)
        f = run(&s, named, why);
    blob_discard(s.writer);
    segment_archive_destroy(s.archive);
    upload_release(&s.upload);
    if (f)
        return f;
    return pinot_reply_status(x,
                              arena_printf(x->arena,
                                           "Successfully uploaded segment: %s of table: %s",
                                           s.segment.name, s.upload.table.name),
                              why);
}

/* POST /segments */
enum fault pinot_upload(struct exchange *x, struct problem *why)
{
    return upload_one(x, false, why);
}

/* POST /v2/segments */
enum fault pinot_upload_v2(struct exchange *x, struct problem *why)
{
    return upload_one(x, true, why);
}
