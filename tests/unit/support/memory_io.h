/*
 * memory_io.h - an exchange_io over memory: parameters and a body go in, the reply comes out.
 *
 * The body is handed out in pieces of a chosen size, and reading or writing can be made to fail
 * after a chosen number of bytes.
 */
#ifndef TESTS_MEMORY_IO_H
#define TESTS_MEMORY_IO_H

#include "base/text.h"
#include "http/exchange.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { MEMORY_PARAMS_MAX = 32, MEMORY_REPLY_MAX = 4 * MIB };

struct memory_io {
    const char *names[MEMORY_PARAMS_MAX];
    const char *values[MEMORY_PARAMS_MAX];
    size_t param_count;
    const char *body;
    size_t body_len;
    size_t at;
    size_t piece;          /* bytes that one read gives at most; 0: as many as it asks for */
    enum fault read_fault; /* at the end of body instead of the end */
    size_t write_max;      /* bytes after which a write fails; 0: none does */
    struct text reply;
};

static inline void memory_io_param(struct memory_io *io, const char *name, const char *value)
{
    for (size_t i = 0; i < io->param_count; i++) {
        if (strcmp(io->names[i], name) == 0) {
            io->values[i] = value;
            return;
        }
    }
    if (io->param_count == MEMORY_PARAMS_MAX)
        return;
    io->names[io->param_count] = name;
    io->values[io->param_count++] = value;
}

static inline const char *memory_io_get(void *ctx, const char *name)
{
    const struct memory_io *io = ctx;
    for (size_t i = 0; i < io->param_count; i++) {
        if (strcmp(io->names[i], name) == 0)
            return io->values[i];
    }
    return NULL;
}

static inline enum fault memory_io_read(void *ctx, void *bytes, size_t len, size_t *got,
                                        struct problem *why)
{
    struct memory_io *io = ctx;
    size_t take = io->body_len - io->at;
    if (take == 0 && io->read_fault)
        return problem_set(why, io->read_fault, "the body broke off");
    if (take > len)
        take = len;
    if (io->piece > 0 && take > io->piece)
        take = io->piece;
    if (take > 0)
        memcpy(bytes, io->body + io->at, take);
    io->at += take;
    *got = take;
    return FAULT_NONE;
}

static inline enum fault memory_io_write(void *ctx, const void *bytes, size_t len,
                                         struct problem *why)
{
    struct memory_io *io = ctx;
    if (io->write_max > 0 && io->reply.len + len > io->write_max)
        return problem_set(why, FAULT_ABORTED, "nobody takes the answer");
    text_add(&io->reply, bytes, len);
    return text_failed(&io->reply) ? FAULT_ABORTED : FAULT_NONE;
}

/* Starts a request without a body; ended by memory_io_release(). */
static inline void memory_io_init(struct memory_io *io, const char *method, const char *address)
{
    *io = (struct memory_io){ .body = "" };
    text_init(&io->reply, MEMORY_REPLY_MAX);
    memory_io_param(io, "REQUEST_METHOD", method);
    memory_io_param(io, "REQUEST_URI", address);
}

static inline void memory_io_release(struct memory_io *io)
{
    text_release(&io->reply);
}

static inline struct exchange_io memory_io_exchange(struct memory_io *io)
{
    return (struct exchange_io){
        .ctx = io,
        .param = memory_io_get,
        .read = memory_io_read,
        .write = memory_io_write,
    };
}

/* The reply as sent, head and body. */
static inline const char *memory_io_reply(const struct memory_io *io)
{
    return text_string(&io->reply);
}

/* The reply behind its head; "" when there is none. */
static inline const char *memory_io_body(const struct memory_io *io)
{
    static const char end[] = "\r\n\r\n";
    const char *at = strstr(text_string(&io->reply), end);
    return at ? at + sizeof end - 1 : "";
}

#endif
