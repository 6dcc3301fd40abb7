/*
 * children.h - the processes of a supervisor: how one is started, and what is known of each.
 */
#ifndef SERVE_CHILDREN_H
#define SERVE_CHILDREN_H

#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum child_kind {
    CHILD_WORKER, /* of a pool */
    CHILD_OLD,    /* a worker of the generation before a reload */
    CHILD_VERB    /* a verb that is asked something */
};

struct child {
    pid_t pid;
    enum child_kind kind;
    size_t pool;      /* of a CHILD_WORKER */
    bool ready;       /* it has said that it serves */
    int64_t ready_at; /* steady milliseconds */
    int64_t kill_at;  /* it was told to end, and is killed then; 0: it was not */
};

struct children {
    struct child *list; /* room of them are allocated */
    size_t count;
    size_t room;
};

/* Adds a process; FAULT_INTERNAL without memory. */
MUST_CHECK enum fault children_add(struct children *children, const struct child *child,
                                   struct problem *why);

/* NULL when no child has the number. */
struct child *children_find(struct children *children, pid_t pid);

/* Forgets one that children_find() gave. */
void children_remove(struct children *children, struct child *child);

void children_release(struct children *children);

/* What a process is started with. */
struct child_start {
    const char *program;
    char *const *arguments;   /* as argv, NULL-terminated */
    char *const *environment; /* as environ */
    int input;                /* becomes descriptor 0; below 0: /dev/null */
    int says;                 /* becomes descriptor CHILD_SAYS; below 0: nothing does */
};

enum { CHILD_SAYS = 3 };

/* Starts a process that gets SIGTERM when this one dies, with no signal blocked. */
MUST_CHECK enum fault child_start(const struct child_start *start, pid_t *out, struct problem *why);

#endif
