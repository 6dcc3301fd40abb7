#include "base/problem.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void put_text(char *out, size_t max, const char *format, va_list values) PRINTF_LIKE(3, 0);

/* Prints and cuts, between characters: a reply in JSON must stay well-formed UTF-8. */
static void put_text(char *out, size_t max, const char *format, va_list values)
{
    const int whole = vsnprintf(out, max, format, values);
    if (whole < 0 || (size_t)whole < max)
        return;
    size_t end = max - 1;
    size_t last = end; /* the start of the last character */
    while (last > 0 && ((unsigned char)out[last - 1] & 0xC0) == 0x80)
        last--;
    if (last > 0)
        last--;
    if (!text_is_utf8(out + last, end - last))
        end = last;
    out[end] = '\0';
}

enum fault problem_set(struct problem *why, enum fault fault, const char *format, ...)
{
    va_list values;
    if (why->fault != FAULT_NONE)
        return fault;
    why->fault = fault;
    why->code = NULL;
    why->detail[0] = '\0';
    va_start(values, format);
    put_text(why->text, sizeof why->text, format, values);
    va_end(values);
    return fault;
}

enum fault problem_code(struct problem *why, enum fault fault, const char *code, const char *format,
                        ...)
{
    va_list values;
    if (why->fault != FAULT_NONE)
        return fault;
    why->fault = fault;
    why->code = code;
    why->detail[0] = '\0';
    va_start(values, format);
    put_text(why->text, sizeof why->text, format, values);
    va_end(values);
    return fault;
}

enum fault problem_internal(struct problem *why, const char *format, ...)
{
    va_list values;
    if (why->fault != FAULT_NONE)
        return FAULT_INTERNAL;
    why->fault = FAULT_INTERNAL;
    why->code = NULL;
    (void)snprintf(why->text, sizeof why->text, "internal error");
    va_start(values, format);
    put_text(why->detail, sizeof why->detail, format, values);
    va_end(values);
    return FAULT_INTERNAL;
}

enum fault problem_damaged(struct problem *why, const char *format, ...)
{
    va_list values;
    if (why->fault != FAULT_NONE)
        return FAULT_DAMAGED;
    (void)problem_set(why, FAULT_DAMAGED,
                      "content_damaged: the stored bytes are not those that were uploaded");
    va_start(values, format);
    put_text(why->detail, sizeof why->detail, format, values);
    va_end(values);
    return FAULT_DAMAGED;
}

enum fault problem_errno(struct problem *why, int code, const char *what)
{
    enum fault fault = FAULT_INTERNAL;
    const char *text = "internal error";
    if (code == ENOSPC || code == EDQUOT) {
        fault = FAULT_STORAGE_FULL;
        text = "the storage is full";
    } else if (code == EROFS) {
        fault = FAULT_UNAVAILABLE;
        text = "the storage is read-only";
    }
    if (why->fault != FAULT_NONE)
        return fault;
    (void)problem_set(why, fault, "%s", text);
    (void)snprintf(why->detail, sizeof why->detail, "%s: %s", what, strerror(code));
    return fault;
}

const char *fault_name(enum fault fault)
{
    switch (fault) {
    case FAULT_NONE:
        return "none";
    case FAULT_MALFORMED:
        return "malformed";
    case FAULT_UNAUTHENTIC:
        return "unauthentic";
    case FAULT_FORBIDDEN:
        return "forbidden";
    case FAULT_MISSING:
        return "missing";
    case FAULT_METHOD:
        return "method";
    case FAULT_GONE:
        return "gone";
    case FAULT_CONFLICT:
        return "conflict";
    case FAULT_PRECONDITION:
        return "precondition";
    case FAULT_TOO_LARGE:
        return "too_large";
    case FAULT_UNSUPPORTED:
        return "unsupported";
    case FAULT_UNPROCESSABLE:
        return "unprocessable";
    case FAULT_STALLED:
        return "stalled";
    case FAULT_ABORTED:
        return "aborted";
    case FAULT_BUSY:
        return "busy";
    case FAULT_UNAVAILABLE:
        return "unavailable";
    case FAULT_STORAGE_FULL:
        return "storage_full";
    case FAULT_DAMAGED:
        return "content_damaged";
    case FAULT_INTERNAL:
        return "internal";
    }
    return "unknown";
}
