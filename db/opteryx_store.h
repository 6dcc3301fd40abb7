/*
 * opteryx_store.h - upload sessions, their parts, and the commit that makes a dataset's snapshot
 * of them.
 *
 * A session belongs to the token that opened it: to everybody else it does not exist.  Until it is
 * committed it takes parts and expires; afterwards it only repeats its first answer.  Functions that
 * write are a transaction each; those that read may stand in one of the caller's.
 */
#ifndef DB_OPTERYX_STORE_H
#define DB_OPTERYX_STORE_H

#include "base/arena.h"
#include "base/blob_ref.h"
#include "base/limits.h"
#include "base/problem.h"
#include "db/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OPTERYX_SESSION_ID_MAX = 64, /* bytes with the NUL */
    OPTERYX_COMMIT_ID_MAX = 32,
    OPTERYX_SHA256_BYTES = 32,
};

/* problem.code of faults that reply otherwise than their kind says */
#define OPTERYX_NO_SESSION "opteryx_no_session" /* FAULT_MISSING */

struct opteryx_target {
    char workspace[OPTERYX_NAME_MAX + 1];
    char collection[OPTERYX_NAME_MAX + 1];
    char dataset[OPTERYX_NAME_MAX + 1];
};

enum opteryx_mode { OPTERYX_FAIL = 0, OPTERYX_OVERWRITE, OPTERYX_APPEND };

/* For an if_match that any current commit fulfils, if there is one. */
#define OPTERYX_ANY_COMMIT "*"

/* "fail", "overwrite", "append". */
const char *opteryx_store_mode_word(enum opteryx_mode mode);

struct opteryx_session {
    char id[OPTERYX_SESSION_ID_MAX];
    const char *owner;    /* the token's name; only for adding */
    const char *owner_id; /* and its id; only for adding */
    bool has_target;
    struct opteryx_target target;
    int64_t created_at;
    int64_t expires_at;
    int64_t revision;       /* grows with each part stored or deleted */
    int64_t bytes;          /* of all parts */
    bool merged;            /* opteryx_store_merged() has what the parts are together */
    enum opteryx_mode mode; /* of the commit */
    const char *answer;     /* of the commit, in the arena; NULL while the session is open */
};

/* The id must be new. */
MUST_CHECK enum fault opteryx_store_session_add(struct db *db,
                                                const struct opteryx_session *session,
                                                struct problem *why);

/* FAULT_MISSING when there is none of that id or it is another owner's, FAULT_GONE when it expired
 * before it was committed.  arena may be NULL: then out->answer only tells whether there is one. */
MUST_CHECK enum fault opteryx_store_session_get(struct db *db, const char *id, const char *owner_id,
                                                int64_t now, struct arena *arena,
                                                struct opteryx_session *out, struct problem *why);

/* What the parts of a session are together. */
struct opteryx_merged {
    const char *columns; /* JSON, as columns.h writes them */
    const char *notes;   /* JSON: [{"issue","part"}], where parts disagree */
    int64_t noted;       /* how many those are */
    int64_t untold;      /* and how many more there were */
};

/* Of a session that is merged; in the arena. */
MUST_CHECK enum fault opteryx_store_merged(struct db *db, const char *session, struct arena *arena,
                                           struct opteryx_merged *out, struct problem *why);

struct opteryx_part {
    int64_t part;
    struct blob_ref ref; /* of the decoded content; only for putting */
    uint8_t sha256[OPTERYX_SHA256_BYTES];
    const char *kind;
    const char *encoding;  /* only for putting */
    const char *file_name; /* only for putting; may be NULL */
    int64_t rows;
    int64_t bytes;
    const char *columns; /* JSON, as columns.h writes them */
    const char *issues;  /* JSON: [{"issue","column"}] */
    int64_t uploaded_at;
};

/* A part that is put, with what follows from it for its session as it was read before. */
struct opteryx_put {
    const char *session;
    const char *owner_id;
    const struct opteryx_part *part;
    int64_t revision;                    /* of the session that was read */
    int64_t bytes_max;                   /* of all its parts */
    bool keeps;                          /* what was merged stays as it is */
    const struct opteryx_merged *merged; /* otherwise: what takes its place; NULL: not known */
};

/* Stores a part, in place of one with its number.  *overtaken: nothing was written, for the session
 * has changed since it was read, and put->merged is not NULL or put->keeps.  Faults as session_get;
 * FAULT_CONFLICT once the session is committed; FAULT_TOO_LARGE past bytes_max. */
MUST_CHECK enum fault opteryx_store_part_put(struct db *db, const struct opteryx_put *put,
                                             bool *overtaken, struct problem *why);

/* Deletes a part; FAULT_MISSING "Part not found" when there is none. */
MUST_CHECK enum fault opteryx_store_part_drop(struct db *db, const char *session,
                                              const char *owner_id, int64_t part, int64_t now,
                                              struct problem *why);

/* The highest number of a session's parts; -1 when it has none. */
MUST_CHECK enum fault opteryx_store_part_last(struct db *db, const char *session, int64_t *last,
                                              struct problem *why);

typedef enum fault (*opteryx_store_each_part)(void *ctx, const struct opteryx_part *part,
                                              struct problem *why);

/* Calls each for every part, by number; what it gets is borrowed for the call and has no columns. */
MUST_CHECK enum fault opteryx_store_parts(struct db *db, const char *session,
                                          opteryx_store_each_part each, void *ctx,
                                          struct problem *why);

/* The same with part and ref alone. */
MUST_CHECK enum fault opteryx_store_part_places(struct db *db, const char *session,
                                                opteryx_store_each_part each, void *ctx,
                                                struct problem *why);

/* The same with part and columns alone. */
MUST_CHECK enum fault opteryx_store_part_columns(struct db *db, const char *session,
                                                 opteryx_store_each_part each, void *ctx,
                                                 struct problem *why);

struct opteryx_totals {
    int64_t files;
    int64_t rows;
    int64_t bytes;
};

/* Adds to what is there; false when a sum does not fit. */
bool opteryx_store_totals_add(struct opteryx_totals *to, const struct opteryx_totals *more);

/* What a session's parts are: their number, rows and bytes. */
MUST_CHECK enum fault opteryx_store_part_totals(struct db *db, const char *session,
                                                struct opteryx_totals *out, struct problem *why);

/* A commit that the caller has planned on what it read; the transaction finds out whether that
 * still stands. */
struct opteryx_commit {
    const char *session;
    const char *owner_id;
    const char *author; /* for people */
    const struct opteryx_target *target;
    enum opteryx_mode mode;
    int64_t now;
    int64_t revision;      /* of the session that was read */
    const char *structure; /* structure_id of the dataset that was read, NULL without one */
    const char *columns;   /* JSON of the dataset's columns afterwards; NULL: as they are */
    const char *message;   /* may be NULL */
    const char *id;        /* of the commit, new */
    const char *if_match;  /* the commit that must be current; NULL: any or none */
    const char *answer;    /* what the client will read, also when it asks again */
    bool of_contract;      /* the session is a contract's, which need not have any parts */
};

enum opteryx_outcome {
    OPTERYX_COMMITTED,
    OPTERYX_REPEATED,  /* the session was committed like this before: its answer stands */
    OPTERYX_OVERTAKEN, /* parts or structure changed since they were read: plan again */
};

/* One transaction: all of it or nothing.  Faults as session_get; FAULT_CONFLICT when the session
 * was committed otherwise, names another target, or the dataset exists in mode fail;
 * FAULT_PRECONDITION when if_match is not the current commit; FAULT_UNPROCESSABLE without parts, and
 * when the dataset would hold more than can be counted. */
MUST_CHECK enum fault opteryx_store_commit(struct db *db, const struct opteryx_commit *commit,
                                           enum opteryx_outcome *outcome, struct problem *why);

/* Whether a commit of this target and mode may still be made of a session as it was read: repeated
 * is set when it was made already; FAULT_CONFLICT when another was. */
MUST_CHECK enum fault opteryx_store_session_takes(const struct opteryx_session *session,
                                                  const struct opteryx_target *target,
                                                  enum opteryx_mode mode, bool *repeated,
                                                  struct problem *why);

/* Deletes one session, with its parts, that expired before a time; *more is false when there was
 * none.  Committed ones go, too: their files are the dataset's. */
MUST_CHECK enum fault opteryx_store_sweep(struct db *db, int64_t before, bool *more,
                                          struct problem *why);

/* How many sessions opteryx_store_sweep() would take. */
MUST_CHECK enum fault opteryx_store_sweepable(struct db *db, int64_t before, int64_t *count,
                                              struct problem *why);

#endif
