#include "http/exchange.h"

#include "base/number.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *param(const struct exchange *x, const char *name)
{
    return x->io.param(x->io.ctx, name);
}

/* A token (RFC 9110 section 5.6.2) of at most METHOD_MAX bytes. */
static bool is_method(const char *text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    size_t len = 0;
    for (; text[len]; len++) {
        if (len == METHOD_MAX || (!isalnum((unsigned char)text[len]) && !strchr(others, text[len])))
            return false;
    }
    return len > 0;
}

static enum fault open_method(struct exchange *x, struct problem *why)
{
    const char *method = param(x, "REQUEST_METHOD");
    x->method = "";
    if (!method || !is_method(method))
        return problem_set(why, FAULT_MALFORMED, "malformed request method");
    x->method = method;
    x->head_only = strcmp(method, "HEAD") == 0;
    return FAULT_NONE;
}

/* An empty CONTENT_LENGTH stands for a request without one (RFC 3875 section 4.1.2). */
static enum fault open_length(struct exchange *x, struct problem *why)
{
    const char *length = exchange_header(x, "Content-Length");
    const char *coding = exchange_header(x, "Transfer-Encoding");
    uint64_t bytes = 0;
    x->content_length = -1;
    if (!length)
        return FAULT_NONE;
    if (coding && coding[0])
        return problem_set(why, FAULT_MALFORMED,
                           "Transfer-Encoding and Content-Length in one request");
    if (!number_u64(length, strlen(length), &bytes) || bytes > INT64_MAX)
        return problem_set(why, FAULT_MALFORMED, "malformed Content-Length");
    x->content_length = (int64_t)bytes;
    return FAULT_NONE;
}

static enum fault open_uri(struct exchange *x, struct problem *why)
{
    const char *raw = param(x, "REQUEST_URI");
    x->uri = (struct uri){ .path = "", .query = "" };
    if (!raw)
        return problem_internal(why, "the web server passed no REQUEST_URI");
    return uri_parse(raw, x->arena, &x->uri, why);
}

enum fault exchange_open(struct exchange *x, struct problem *why)
{
    text_init(&x->reply_headers, REPLY_HEADERS_MAX);
    text_init(&x->held, STREAM_OUT_MAX);
    x->reply_length = -1;
    /* all three, so that a refusal knows as much as can be known */
    const enum fault by_method = open_method(x, why);
    const enum fault by_uri = open_uri(x, why);
    const enum fault by_length = open_length(x, why);
    if (by_method || by_uri || by_length)
        return why->fault;
    if (x->io.headers_too_long)
        return problem_set(why, FAULT_MALFORMED, "a request header is longer than %d bytes",
                           HEADER_VALUE_MAX);
    return FAULT_NONE;
}

void exchange_close(struct exchange *x)
{
    text_release(&x->reply_headers);
    text_release(&x->held);
}

const char *exchange_path(const struct exchange *x, size_t i)
{
    return i < x->capture_count ? x->captures[i] : "";
}

const char *exchange_query(const struct exchange *x, const char *name)
{
    return uri_query(&x->uri, name);
}

const char *exchange_header(const struct exchange *x, const char *name)
{
    enum { NAME_ROOM = 80 };
    char variable[NAME_ROOM];
    const bool plain = text_same(name, "Content-Type") || text_same(name, "Content-Length");
    const int len = snprintf(variable, sizeof variable, "%s%s", plain ? "" : "HTTP_", name);
    if (len < 0 || (size_t)len >= sizeof variable)
        return NULL;
    for (char *at = variable; *at; at++) {
        if (*at == '-')
            *at = '_';
        else
            *at = (char)toupper((unsigned char)*at);
    }
    const char *value = param(x, variable);
    /* web servers pass the two that CGI names of their own empty when they are absent */
    return plain && value && !value[0] ? NULL : value;
}

/* A host, an address or one in brackets, and perhaps a port: nothing that could end a URL's
 * authority (RFC 3986 section 3.2). */
static bool is_host(const char *text)
{
    enum { HOST_MAX = 255 };
    const size_t len = strlen(text);
    if (len == 0 || len > HOST_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr(".-_:[]", text[i]))
            return false;
    }
    return true;
}

const char *exchange_base_url(struct exchange *x)
{
    if (x->config->public_url[0])
        return x->config->public_url;
    const char *https = param(x, "HTTPS");
    const char *scheme = https && https[0] && !text_same(https, "off") ? "https" : "http";
    const char *host = exchange_header(x, "Host");
    if (!host || !is_host(host))
        host = param(x, "SERVER_NAME");
    if (!host || !is_host(host))
        host = "localhost";
    const char *url = arena_printf(x->arena, "%s://%s", scheme, host);
    return url ? url : "";
}
