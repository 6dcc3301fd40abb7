/*
 * oxen_store_push.h - what a push brings besides contents: the files of its archives, kept opaque
 * under the names that they have there, the commits of which everything has come, and branches.
 */
#ifndef DB_OXEN_STORE_PUSH_H
#define DB_OXEN_STORE_PUSH_H

#include "base/blob_ref.h"
#include "base/limits.h"
#include "base/problem.h"
#include "db/db.h"
#include "db/oxen_store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file of an archive, flushed at ref. */
struct oxen_object {
    const char *name;
    struct blob_ref ref;
};

/* Names objects in one transaction of at most OXEN_PIECE_VERSIONS; an object of that name is
 * replaced.  FAULT_MISSING when the repository is gone. */
MUST_CHECK enum fault oxen_store_push_objects_put(struct db *db, int64_t repository,
                                                  const struct oxen_object *objects, size_t count,
                                                  struct problem *why);

/* Where the object of that name lies, if there is one. */
MUST_CHECK enum fault oxen_store_push_object_find(struct db *db, int64_t repository,
                                                  const char *name, struct blob_ref *out,
                                                  bool *found, struct problem *why);

enum {
    OXEN_PAGE_OBJECTS = 64,
    OXEN_PAGE_NAME_MAX = 101, /* of an object that an archive can hold, with the NUL */
};

/* Objects by name, page by page. */
struct oxen_object_page {
    struct oxen_listed {
        char name[OXEN_PAGE_NAME_MAX];
        struct blob_ref ref;
    } objects[OXEN_PAGE_OBJECTS];
    size_t count; /* less than OXEN_PAGE_OBJECTS: the last page */
};

/* The objects with names behind after and before end, in one short read. */
MUST_CHECK enum fault oxen_store_push_objects_page(struct db *db, int64_t repository,
                                                   const char *after, const char *end,
                                                   struct oxen_object_page *out,
                                                   struct problem *why);

enum { OXEN_PART_NAME_MAX = 64 }; /* a hash's digits and a little, with the NUL */

/* A commit that an archive may have completed: its hash, and the names by which its parts are
 * known.  It holds them itself, because an archive may have a hundred thousand. */
struct oxen_commit_parts {
    uint8_t hash[OXEN_KEY_BYTES];
    char node[OXEN_PART_NAME_MAX];    /* the object of its tree node */
    char history[OXEN_PART_NAME_MAX]; /* how its directory hashes' names begin, with a last '/' */
};

/* Adds those commits of which both are there. */
MUST_CHECK enum fault oxen_store_push_commits_add(struct db *db, int64_t repository,
                                                  const struct oxen_commit_parts *commits,
                                                  size_t count, int64_t now, struct problem *why);

/* Whether everything of a commit has been received, its contents too.  A push brings its commits
 * side by side, and contents of one with another, so that a commit is open until its push has ended
 * and oxen_store_push_commits_conclude() says so. */
MUST_CHECK enum fault oxen_store_push_commit_pushed(struct db *db, int64_t repository,
                                                    const uint8_t hash[OXEN_KEY_BYTES], bool *found,
                                                    struct problem *why);

/* Whether both archives of a commit have been received. */
MUST_CHECK enum fault oxen_store_push_commit_exists(struct db *db, int64_t repository,
                                                    const uint8_t hash[OXEN_KEY_BYTES], bool *found,
                                                    struct problem *why);

/* Whether everything that a commit reaches was found stored. */
MUST_CHECK enum fault oxen_store_push_commit_whole(struct db *db, int64_t repository,
                                                   const uint8_t hash[OXEN_KEY_BYTES], bool *whole,
                                                   struct problem *why);

/* Of these commits, one behind the other, all that they reach was found stored. */
MUST_CHECK enum fault oxen_store_push_commits_found_whole(struct db *db, int64_t repository,
                                                          const uint8_t *hashes, size_t count,
                                                          struct problem *why);

/* Calls each for the first most open commits, in the order of their hashes. */
MUST_CHECK enum fault oxen_store_push_commits_open(
    struct db *db, int64_t repository, int64_t most,
    enum fault (*each)(void *ctx, const uint8_t hash[OXEN_KEY_BYTES], struct problem *why),
    void *ctx, struct problem *why);

/* These commits, one behind the other, are open no more. */
MUST_CHECK enum fault oxen_store_push_commits_conclude(struct db *db, int64_t repository,
                                                       const uint8_t *hashes, size_t count,
                                                       struct problem *why);

MUST_CHECK enum fault oxen_store_push_branch_find(struct db *db, int64_t repository,
                                                  const char *name, uint8_t hash[OXEN_KEY_BYTES],
                                                  bool *found, struct problem *why);

/* Calls each for every branch, by name. */
MUST_CHECK enum fault oxen_store_push_branch_each(
    struct db *db, int64_t repository,
    enum fault (*each)(void *ctx, const char *name, const uint8_t hash[OXEN_KEY_BYTES],
                       struct problem *why),
    void *ctx, struct problem *why);

enum oxen_branch_result {
    OXEN_BRANCH_DONE,
    OXEN_BRANCH_EXISTS,    /* added: there is one of that name; nothing has changed */
    OXEN_BRANCH_MISSING,   /* moved or dropped: there is none */
    OXEN_BRANCH_NO_COMMIT, /* not both archives of the commit have been received */
    OXEN_BRANCH_IN_DOUBT,  /* nobody has found whole what the commit reaches */
    OXEN_BRANCH_MOVED      /* moved: it does not stand at old any more */
};

/* Each in one transaction, which changes nothing when the result is another than DONE. */
MUST_CHECK enum fault oxen_store_push_branch_add(struct db *db, int64_t repository,
                                                 const char *name,
                                                 const uint8_t hash[OXEN_KEY_BYTES],
                                                 enum oxen_branch_result *result,
                                                 struct problem *why);
/* old: where it must stand now; NULL: anywhere. */
MUST_CHECK enum fault oxen_store_push_branch_move(struct db *db, int64_t repository,
                                                  const char *name, const uint8_t *old,
                                                  const uint8_t hash[OXEN_KEY_BYTES],
                                                  enum oxen_branch_result *result,
                                                  struct problem *why);
MUST_CHECK enum fault oxen_store_push_branch_drop(struct db *db, int64_t repository,
                                                  const char *name, enum oxen_branch_result *result,
                                                  struct problem *why);

#endif
