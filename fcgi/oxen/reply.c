#include "oxen/reply.h"

#include "oxen/whole.h"
#include "stream/multipart.h"
#include "json/json.h"

#include <stddef.h>
#include <string.h>

enum shape {
    SHAPE_STATUS,    /* 1 */
    SHAPE_SAID,      /* 1, the text in place of the message */
    SHAPE_DESCRIBED, /* 2 */
    SHAPE_BARE,      /* 2 without the version, as the client expects of a credential's refusal */
    SHAPE_ERROR,     /* 3 */
    SHAPE_PLAIN      /* 4 */
};

struct answer {
    const char *code; /* NULL: any */
    enum fault fault; /* FAULT_NONE: any */
    enum shape shape;
    int status;
    const char *message; /* status_message */
    const char *type;    /* shape 3 */
    const char *title;
    const char *text; /* in place of the problem's own; NULL keeps that */
};

#define BAD_REQUEST SHAPE_ERROR, 400, "bad_request", "bad_request", "Bad Request"

static const struct answer answers[] = {
    { OXEN_DESCRIBED, FAULT_MISSING, SHAPE_DESCRIBED, 404, "resource_not_found", 0, 0, 0 },
    { OXEN_DESCRIBED, FAULT_NONE, SHAPE_DESCRIBED, 400, "bad_request", 0, 0, 0 },
    { OXEN_SAID, FAULT_CONFLICT, SHAPE_SAID, 409, NULL, 0, 0, 0 },
    { OXEN_SAID, FAULT_NONE, SHAPE_SAID, 400, NULL, 0, 0, 0 },
    { OXEN_PLAIN, FAULT_NONE, SHAPE_PLAIN, 400, NULL, 0, 0, 0 },
    { OXEN_OUTDATED, FAULT_NONE, SHAPE_ERROR, 426, "update_required", "update_required",
      "Update Required", 0 },
    { OXEN_NO_BRANCH, FAULT_NONE, SHAPE_ERROR, 404, "resource_not_found", "resource_not_found",
      "Branch does not exist", 0 },
    { OXEN_NO_COMMIT, FAULT_NONE, SHAPE_ERROR, 404, "resource_not_found", "resource_not_found",
      "Commit does not exist", 0 },
    { OXEN_NO_REVISION, FAULT_NONE, SHAPE_ERROR, 404, "resource_not_found", "resource_not_found",
      "Revision not found", 0 },
    { OXEN_NO_RESOURCE, FAULT_NONE, SHAPE_ERROR, 404, "resource_not_found", "resource_not_found",
      "Resource not found", 0 },
    { OXEN_NO_PATH, FAULT_NONE, SHAPE_ERROR, 404, "resource_not_found", "resource_not_found",
      "Path does not exist", 0 },
    { OXEN_NOT_IN_REVISION, FAULT_NONE, SHAPE_ERROR, 404, "resource_not_found",
      "resource_not_found", "Path not in revision", 0 },
    { OXEN_NO_WORKSPACE, FAULT_NONE, SHAPE_ERROR, 404, "resource_not_found", "resource_not_found",
      "Workspace does not exist", 0 },
    { OXEN_DEFERRED, FAULT_NONE, SHAPE_ERROR, 429, "too_many_requests", "upload_part_deferred",
      "Upload part deferred", 0 },

    { MULTIPART_NO_TYPE, FAULT_NONE, BAD_REQUEST, "Could not find Content-Type header" },
    { MULTIPART_BAD_TYPE, FAULT_NONE, BAD_REQUEST, "Could not parse Content-Type header" },
    { MULTIPART_NOT_MULTIPART, FAULT_NONE, SHAPE_ERROR, 415, "bad_request", "bad_request",
      "Bad Request", "Parsed Content-Type did not have 'multipart' top-level media type" },
    { MULTIPART_NO_BOUNDARY, FAULT_NONE, BAD_REQUEST, "Multipart boundary is not found" },
    { MULTIPART_BAD_BOUNDARY, FAULT_NONE, BAD_REQUEST, "Multipart boundary is not found" },
    { MULTIPART_INCOMPLETE, FAULT_NONE, BAD_REQUEST, "Multipart stream is incomplete" },
    { MULTIPART_BAD_HEADER, FAULT_NONE, BAD_REQUEST, "Error during field parsing" },
    { MULTIPART_HEADERS, FAULT_NONE, BAD_REQUEST, "Error during field parsing" },
    { MULTIPART_HEADER_BYTES, FAULT_NONE, BAD_REQUEST, "Payload error" },
    { MULTIPART_NO_DISPOSITION, FAULT_NONE, BAD_REQUEST,
      "Content-Disposition header was not found when parsing a \"form-data\" field" },
    { MULTIPART_NO_NAME, FAULT_NONE, BAD_REQUEST,
      "Content-Disposition 'name' parameter was not found when parsing a \"form-data\" field" },

    { NULL, FAULT_MALFORMED, BAD_REQUEST, 0 },
    { NULL, FAULT_UNPROCESSABLE, BAD_REQUEST, 0 },
    { NULL, FAULT_UNAUTHENTIC, SHAPE_BARE, 401, "unauthenticated", 0, 0, "unauthenticated" },
    { NULL, FAULT_FORBIDDEN, SHAPE_BARE, 403, "forbidden", 0, 0, 0 },
    { NULL, FAULT_MISSING, SHAPE_STATUS, 404, "resource_not_found", 0, 0, 0 },
    { NULL, FAULT_GONE, SHAPE_STATUS, 404, "resource_not_found", 0, 0, 0 },
    { NULL, FAULT_METHOD, SHAPE_STATUS, 405, "method_not_allowed", 0, 0, 0 },
    { NULL, FAULT_STALLED, SHAPE_ERROR, 408, "request_timeout", "request_timeout",
      "Request Timeout", 0 },
    { NULL, FAULT_CONFLICT, SHAPE_ERROR, 409, "conflict", "conflict", "Conflict", 0 },
    { NULL, FAULT_PRECONDITION, SHAPE_ERROR, 412, "precondition_failed", "precondition_failed",
      "Precondition Failed", 0 },
    { NULL, FAULT_TOO_LARGE, SHAPE_ERROR, 413, "payload_too_large", "payload_too_large",
      "Payload Too Large", 0 },
    { NULL, FAULT_UNSUPPORTED, SHAPE_ERROR, 415, "bad_request", "bad_request", "Bad Request", 0 },
    { NULL, FAULT_BUSY, SHAPE_ERROR, 503, "service_unavailable", "lock_timeout",
      "Repository is busy", 0 },
    { NULL, FAULT_UNAVAILABLE, SHAPE_ERROR, 503, "service_unavailable", "service_unavailable",
      "Service Unavailable", 0 },
    { NULL, FAULT_STORAGE_FULL, SHAPE_ERROR, 507, "insufficient_storage", "insufficient_storage",
      "Insufficient Storage", 0 },
    { NULL, FAULT_DAMAGED, SHAPE_ERROR, 500, "internal_server_error", "content_damaged",
      "Content Damaged", 0 },
    { NULL, FAULT_NONE, SHAPE_STATUS, 500, "internal_server_error", 0, 0, 0 },
};

static const struct answer *answer_for(const struct problem *because)
{
    const struct answer *answer = answers;
    for (;; answer++) { /* the last row takes all */
        const bool by_code =
            !answer->code || (because->code && strcmp(answer->code, because->code) == 0);
        if (by_code && (answer->fault == FAULT_NONE || answer->fault == because->fault))
            return answer;
    }
}

static void add_error(struct text *out, const struct answer *answer, const char *text)
{
    text_adds(out, "{\"error\":{");
    oxen_reply_text(out, "detail", text);
    oxen_reply_text(out, "title", answer->title);
    oxen_reply_text(out, "type", answer->type);
    text_adds(out, "},\"status\":\"error\"");
    oxen_reply_text(out, "status_message", answer->message);
    text_addc(out, '}');
}

static void add_status(struct text *out, const struct answer *answer, const char *text)
{
    const bool said = answer->shape == SHAPE_SAID;
    text_adds(out, "{\"status\":\"error\"");
    oxen_reply_text(out, "status_message", said ? text : answer->message);
    if (answer->shape != SHAPE_BARE)
        oxen_reply_text(out, "oxen_version", OXEN_VERSION);
    if (answer->shape == SHAPE_DESCRIBED || answer->shape == SHAPE_BARE)
        oxen_reply_text(out, "status_description", text);
    text_addc(out, '}');
}

/* When to come back, and with what. */
static void add_headers(struct exchange *x, int status)
{
    enum { UNAUTHORIZED = 401, TOO_MANY = 429, UNAVAILABLE = 503 };
    if (status == UNAUTHORIZED)
        exchange_set_header(x, "WWW-Authenticate", "Bearer");
    if (status == TOO_MANY)
        exchange_set_header(x, "Retry-After", "1");
    if (status == UNAVAILABLE)
        exchange_set_header(x, "Retry-After", "5");
}

enum fault oxen_refuse(struct exchange *x, const struct problem *because, struct problem *why)
{
    const struct answer *answer = answer_for(because);
    const char *text = answer->text ? answer->text : because->text;
    const char *type = answer->shape == SHAPE_PLAIN ? "text/plain" : "application/json";
    struct text out;
    text_init(&out, JSON_REPLY_MAX);
    if (answer->shape == SHAPE_PLAIN)
        text_adds(&out, text);
    else if (answer->shape == SHAPE_ERROR)
        add_error(&out, answer, text);
    else
        add_status(&out, answer, text);
    add_headers(x, answer->status);
    enum fault f = text_failed(&out)
                       ? problem_internal(why, "no memory for a refusal")
                       : exchange_reply(x, answer->status, type, out.data, out.len, why);
    text_release(&out);
    return f;
}

void oxen_reply_key(struct text *out, const char *name)
{
    const char *last = out->len > 0 ? out->data + out->len - 1 : "{";
    if (*last != '{' && *last != '[')
        text_addc(out, ',');
    json_quote(out, name, strlen(name));
    text_addc(out, ':');
}

void oxen_reply_text(struct text *out, const char *name, const char *value)
{
    oxen_reply_key(out, name);
    if (value)
        json_quote(out, value, strlen(value));
    else
        text_adds(out, "null");
}

void oxen_reply_number(struct text *out, const char *name, int64_t value)
{
    oxen_reply_key(out, name);
    text_addf(out, "%lld", (long long)value);
}

void oxen_reply_truth(struct text *out, const char *name, bool value)
{
    oxen_reply_key(out, name);
    text_adds(out, value ? "true" : "false");
}

void oxen_reply_begin(struct text *out, const char *message, enum oxen_versioned versioned)
{
    text_init(out, JSON_REPLY_MAX);
    text_adds(out, "{\"status\":\"success\"");
    oxen_reply_text(out, "status_message", message);
    if (versioned == OXEN_VERSIONED)
        oxen_reply_text(out, "oxen_version", OXEN_VERSION);
}

enum fault oxen_reply_end(struct exchange *x, struct text *out, struct problem *why)
{
    enum { OK = 200 };
    text_addc(out, '}');
    enum fault f = text_failed(out)
                       ? problem_internal(why, "a reply past JSON_REPLY_MAX, or no memory for it")
                       : exchange_reply(x, OK, "application/json", out->data, out->len, why);
    text_release(out);
    return f;
}

enum fault oxen_reply_missing(struct exchange *x, int64_t count, const struct text *quoted,
                              const struct text *plain, struct problem *why)
{
    enum { NOT_FOUND = 404, PIECES = 5 };
    static const char after[] =
        "],\"title\":\"Version blobs missing on server\",\"type\":\"version_blobs_missing\"},"
        "\"status\":\"error\",\"status_message\":\"resource_not_found\"}";
    if (text_failed(quoted) || text_failed(plain))
        return problem_internal(why, "no memory for a list of hashes");
    const char *first = arena_printf(
        x->arena,
        "{\"error\":{\"detail\":\"Server is missing %lld content blob(s) for this batch download. "
        "Missing hashes: ",
        (long long)count);
    if (!first)
        return problem_internal(why, "no memory for a refusal");
    const char *const pieces[PIECES] = {
        first,
        text_string(plain), /* digits and '+' alone: nothing to escape */
        "\",\"missing_hashes\":[",
        text_string(quoted),
        after,
    };
    size_t length = 0;
    for (size_t i = 0; i < PIECES; i++)
        length += strlen(pieces[i]);
    enum fault f = exchange_stream_begin(x, NOT_FOUND, "application/json", (int64_t)length, why);
    for (size_t i = 0; i < PIECES && !f; i++)
        f = exchange_write(x, pieces[i], strlen(pieces[i]), why);
    return f ? f : exchange_stream_end(x, why);
}

enum fault oxen_reply_unreachable(struct exchange *x, const struct oxen_whole *whole,
                                  struct problem *why)
{
    enum { BAD_REQUEST_STATUS = 400 };
    char commit[OXEN_HASH_TEXT_MAX];
    struct text out;
    text_init(&out, JSON_REPLY_MAX);
    text_adds(&out, "{\"error\":{");
    if (whole->nodes == 0 && whole->versions == 0) {
        oxen_hash_text(&whole->commit, commit);
        oxen_reply_text(&out, "commit", commit);
        oxen_reply_text(&out, "detail", "The directory hashes of a commit have not been received.");
        oxen_reply_text(&out, "title", "Directory hashes missing on server");
        oxen_reply_text(&out, "type", "dir_hash_index_missing");
    } else {
        oxen_reply_text(&out, "detail",
                        "The commit reaches tree nodes or contents that have not been received.");
        oxen_reply_number(&out, "missing_node_count", whole->nodes);
        oxen_reply_number(&out, "missing_version_count", whole->versions);
        oxen_reply_text(&out, "title", "Reachable objects missing on server");
        oxen_reply_text(&out, "type", "reachable_objects_missing");
    }
    text_adds(&out, "},\"status\":\"error\"");
    oxen_reply_text(&out, "status_message", "bad_request");
    text_addc(&out, '}');
    const enum fault f =
        text_failed(&out)
            ? problem_internal(why, "no memory for a refusal")
            : exchange_reply(x, BAD_REQUEST_STATUS, "application/json", out.data, out.len, why);
    text_release(&out);
    return f;
}
