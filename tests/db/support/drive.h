/*
 * drive.h - requests through every surface over memory: a real database and a real store of bytes, no
 * web server.  Beside the connection that serves stands another, as another worker would.
 */
#ifndef DRIVE_H
#define DRIVE_H

#include "base/text.h"
#include "db/db.h"
#include "http/route.h"
#include "support/state.h"
#include "tests/unit/support/memory_io.h"

#include <stdbool.h>
#include <stdint.h>

enum { DRIVE_TEXT = 512, DRIVE_HEADERS = 4, DRIVE_NAMES = 8 };

/* What a body is made of. */
enum drive_body {
    BODY_TEXT,     /* as it stands, with names put in */
    BODY_GZIP,     /* the same, packed */
    BODY_RECORDED, /* text: a file below tests/golden, head and body, which brings headers, too */
    BODY_BATCH,    /* text: names of Pinot segments, with blanks between them */
    BODY_MANY,     /* text: with what the long names of a large batch begin */
    BODY_SEGMENT,  /* text: the name of one, sent whole */
};

struct drive_step {
    const char *method;
    const char *address; /* "$S" is the last text that was remembered by that letter */
    const char *body;    /* NULL: none */
    int status;          /* that is expected; 0: any */
    enum drive_body kind;
    const char *headers[DRIVE_HEADERS]; /* CGI names and values in turn */
};

struct drive {
    struct state state;
    struct db *db;
    struct db *other; /* NULL: no other worker writes */
    struct blob_store *blobs;
    struct arena *arena;
    struct config config;
    char names['Z' + 1][DRIVE_TEXT]; /* what answers gave, by letter: see drive.c */
    uint32_t requests;
    int64_t others; /* rows that the other worker has written */

    /* the request in hand */
    struct memory_io io;
    const struct route *route;
    int status;
    bool asked;     /* it ran a statement */
    uint64_t rests; /* the newest commit that was begun when it last ran one */
    int early;      /* writes of an answer below 500 while that commit was not durable */
};

/* runs: how often each transaction's body is run (db/sqlite/transaction.c).  others: another worker
 * commits before each request and between the pieces of an answer, and leaves it unsynced. */
void drive_begin(struct drive *drive, int runs, bool others);
void drive_end(struct drive *drive);

/* Serves one request; the answer stands in io.reply, route and status until the next. */
void drive_ask(struct drive *drive, const struct drive_step *step);

/* Requests in an order in which they succeed, and with which every route that asks the database for
 * something gets rows to work on. */
const struct drive_step *drive_script(size_t *count);

/* Sends one request to each route of each surface, its {names} being those of what is there
 * (present) or of nothing; calls seen after each. */
void drive_routes(struct drive *drive, bool present, void (*seen)(struct drive *drive));

/* All rows of all tables, as text. */
void drive_dump(const struct drive *drive, struct text *out);

#endif
