#include "pinot/reply.h"

#include "pinot/version.h"
#include "json/json.h"

#include <string.h>

enum {
    STATUS_MALFORMED = 400,
    STATUS_UNAUTHENTIC = 401,
    STATUS_FORBIDDEN = 403,
    STATUS_MISSING = 404,
    STATUS_METHOD = 405,
    STATUS_STALLED = 408,
    STATUS_CONFLICT = 409,
    STATUS_GONE = 410,
    STATUS_PRECONDITION = 412,
    STATUS_TOO_LARGE = 413,
    STATUS_UNSUPPORTED = 415,
    STATUS_INTERNAL = 500,
    STATUS_UNAVAILABLE = 503,
    STATUS_FULL = 507,
    ERROR_MAX = 8 * PROBLEM_TEXT_MAX, /* bytes of an error body: every character escaped */
};

static int status_of(enum fault fault)
{
    switch (fault) {
    case FAULT_NONE:
    case FAULT_DAMAGED:
    case FAULT_INTERNAL:
        return STATUS_INTERNAL;
    case FAULT_MALFORMED:
    case FAULT_UNPROCESSABLE:
    case FAULT_ABORTED:
        return STATUS_MALFORMED;
    case FAULT_UNAUTHENTIC:
        return STATUS_UNAUTHENTIC;
    case FAULT_FORBIDDEN:
        return STATUS_FORBIDDEN;
    case FAULT_MISSING:
        return STATUS_MISSING;
    case FAULT_METHOD:
        return STATUS_METHOD;
    case FAULT_GONE:
        return STATUS_GONE;
    case FAULT_CONFLICT:
        return STATUS_CONFLICT;
    case FAULT_PRECONDITION:
        return STATUS_PRECONDITION;
    case FAULT_TOO_LARGE:
        return STATUS_TOO_LARGE;
    case FAULT_UNSUPPORTED:
        return STATUS_UNSUPPORTED;
    case FAULT_STALLED:
        return STATUS_STALLED;
    case FAULT_BUSY:
    case FAULT_UNAVAILABLE:
        return STATUS_UNAVAILABLE;
    case FAULT_STORAGE_FULL:
        return STATUS_FULL;
    }
    return STATUS_INTERNAL;
}

/* Jersey's words, where it answers before the controller's own code does. */
static const char *text_of(const struct exchange *x, const struct problem *because)
{
    static const char multipart[] = "multipart_";
    const bool is_multipart =
        because->code && strncmp(because->code, multipart, sizeof multipart - 1) == 0;
    if (because->fault == FAULT_UNAUTHENTIC || (because->fault == FAULT_FORBIDDEN && !x->who))
        return NULL;
    if (because->fault == FAULT_METHOD)
        return "HTTP 405 Method Not Allowed";
    if (because->fault == FAULT_UNSUPPORTED)
        return "HTTP 415 Unsupported Media Type";
    if (because->fault == FAULT_MISSING && !x->route)
        return "HTTP 404 Not Found";
    if (is_multipart && strcmp(because->code, MULTIPART_NO_TYPE) == 0)
        return "Entity is empty.";
    if (is_multipart && because->fault == FAULT_MALFORMED)
        return "HTTP 400 Bad Request";
    return because->text;
}

enum fault pinot_gate(struct exchange *x, struct problem *why)
{
    const char *host = x->io.param(x->io.ctx, "SERVER_NAME");
    (void)why;
    exchange_set_header(x, "Pinot-Controller-Host", host && host[0] ? host : "localhost");
    exchange_set_header(x, "Pinot-Controller-Version", pinot_version);
    return FAULT_NONE;
}

enum fault pinot_refuse(struct exchange *x, const struct problem *because, struct problem *why)
{
    const int status = status_of(because->fault);
    const char *text = text_of(x, because);
    struct text body;
    text_init(&body, ERROR_MAX);
    text_addf(&body, "{\"code\":%d,\"error\":", status);
    if (text) {
        json_quote(&body, text, strlen(text));
    } else {
        struct text denied;
        text_init(&denied, ERROR_MAX);
        text_addf(&denied, "Permission is denied: %s", because->text);
        json_quote(&body, text_string(&denied), denied.len);
        text_release(&denied);
    }
    text_addc(&body, '}');
    if (status == STATUS_UNAUTHENTIC)
        exchange_set_header(x, "WWW-Authenticate", "Basic realm=\"sluice\"");
    if (status == STATUS_UNAVAILABLE)
        exchange_set_header(x, "Retry-After", "1");
    const enum fault f =
        exchange_reply(x, status, "application/json", text_string(&body), body.len, why);
    text_release(&body);
    return f;
}

enum fault pinot_reply_text(struct exchange *x, const struct text *json, struct problem *why)
{
    if (text_failed(json))
        return problem_internal(why, "an answer has more than %zu bytes", json->max);
    return exchange_reply(x, PINOT_OK, "application/json", text_string(json), json->len, why);
}

enum fault pinot_reply_status(struct exchange *x, const char *status, struct problem *why)
{
    struct text body;
    if (!status)
        return problem_internal(why, "no memory for an answer");
    text_init(&body, JSON_REPLY_MAX);
    text_adds(&body, "{\"status\":");
    json_quote(&body, status, strlen(status));
    text_addc(&body, '}');
    const enum fault f = pinot_reply_text(x, &body, why);
    text_release(&body);
    return f;
}

enum fault pinot_reply_written(struct exchange *x, json_object *unrecognized, const char *status,
                               struct problem *why)
{
    json_object *body = json_object_new_object();
    const bool done = status && body &&
                      json_add(body, "unrecognizedProperties", json_object_get(unrecognized)) &&
                      json_add(body, "status", json_string(status));
    if (done)
        return exchange_reply_json(x, PINOT_OK, body, why);
    json_object_put(body);
    return problem_internal(why, "no memory for an answer");
}
