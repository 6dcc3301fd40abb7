/*
 * problem.h - the one result type of all layers, and the reason that goes with it.
 *
 * A fault is neither an HTTP status nor an SQLite code: db.c maps SQLite to faults, each
 * surface's reply.c maps faults to its own status and body, and no other file knows either.
 */
#ifndef BASE_PROBLEM_H
#define BASE_PROBLEM_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text_at, first_at) __attribute__((format(printf, text_at, first_at)))

enum fault {
    FAULT_NONE = 0,      /* success; the only value that is false */
    FAULT_MALFORMED,     /* the client sent bytes that do not parse */
    FAULT_UNAUTHENTIC,   /* no credential, or one that does not verify */
    FAULT_FORBIDDEN,     /* a good credential without this right, or a rule that says no */
    FAULT_MISSING,       /* the named thing does not exist */
    FAULT_METHOD,        /* the path exists, the method does not */
    FAULT_GONE,          /* it existed and is now closed or expired */
    FAULT_CONFLICT,      /* another writer got there first, or the state does not allow it */
    FAULT_PRECONDITION,  /* a condition that the client set does not hold */
    FAULT_TOO_LARGE,     /* over a limit named in limits.h */
    FAULT_UNSUPPORTED,   /* a media type or coding that is not served */
    FAULT_UNPROCESSABLE, /* parses, but its content cannot be accepted */
    FAULT_STALLED,       /* the body made no progress for the configured time */
    FAULT_ABORTED,       /* the client or the web server went away; nobody reads an answer */
    FAULT_BUSY,          /* the writers' lock stayed held; retrying may help */
    FAULT_UNAVAILABLE,   /* nothing is written until the operator acts (poison mark) */
    FAULT_STORAGE_FULL,  /* ENOSPC, EDQUOT or SQLITE_FULL */
    FAULT_DAMAGED,       /* stored bytes are not there any more, or not those that were stored */
    FAULT_INTERNAL       /* our defect or the machine's; the detail is logged */
};

enum {
    PROBLEM_TEXT_MAX = 1024,  /* bytes with the NUL; longer texts are cut */
    PROBLEM_DETAIL_MAX = 512, /* the same for the log */
};

struct problem {
    enum fault fault;
    const char *code;                /* a surface's own word for it (static), or NULL */
    char text[PROBLEM_TEXT_MAX];     /* for the client; never a path, SQL or a secret */
    char detail[PROBLEM_DETAIL_MAX]; /* for the log alone; may name paths and errno */
};

#define PROBLEM_NONE ((struct problem){ .fault = FAULT_NONE })

/* Records a fault and its text unless one is recorded already (the first reason wins).
 * Returns fault, so that a caller may return the call. */
enum fault problem_set(struct problem *why, enum fault fault, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The same with a code, a static string that the surface's reply.c understands. */
enum fault problem_code(struct problem *why, enum fault fault, const char *code, const char *format,
                        ...) PRINTF_LIKE(4, 5);

/* FAULT_INTERNAL: the client reads "internal error", the log reads the formatted detail. */
enum fault problem_internal(struct problem *why, const char *format, ...) PRINTF_LIKE(2, 3);

/* FAULT_DAMAGED: the client reads "content_damaged" and what that means, the log reads the
 * formatted detail. */
enum fault problem_damaged(struct problem *why, const char *format, ...) PRINTF_LIKE(2, 3);

/* A failed system call: ENOSPC and EDQUOT are FAULT_STORAGE_FULL, EROFS is FAULT_UNAVAILABLE, all else
 * FAULT_INTERNAL.
 * what names the step for the log; code is an errno value. */
enum fault problem_errno(struct problem *why, int code, const char *what);

/* The stable word of a fault for log lines, such as "too_large". */
const char *fault_name(enum fault fault);

#endif
