/*
 * oxen_store.h - what the Oxen surface keeps: repositories and the contents that they hold.
 *
 * A version is keyed by repository and hash; its row names where its bytes lie.  XXH3 is not
 * cryptographic, so no two repositories ever share a content.
 */
#ifndef DB_OXEN_STORE_H
#define DB_OXEN_STORE_H

#include "base/blob_ref.h"
#include "base/limits.h"
#include "base/problem.h"
#include "db/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OXEN_KEY_BYTES = 16,
    OXEN_UUID_ROOM = 40,
    OXEN_PIECE_VERSIONS = 250,  /* rows a transaction: about 0.6 ms of the writers' lock */
    OXEN_LOOKUP_VERSIONS = 256, /* looked up in one read transaction */
};

struct oxen_repository {
    int64_t id; /* never used twice */
    char namespace[NAME_MAX_BYTES];
    char name[NAME_MAX_BYTES];
    char uuid[OXEN_UUID_ROOM];
    int64_t created_at;
    int64_t versions; /* stored contents */
    int64_t bytes;    /* of them */
    int64_t branches;
};

/* FAULT_CONFLICT "Repo already exists." when there is one of that name. */
MUST_CHECK enum fault oxen_store_repository_add(struct db *db, const char *namespace,
                                                const char *name, const char *uuid, int64_t now,
                                                struct problem *why);

MUST_CHECK enum fault oxen_store_repository_find(struct db *db, const char *namespace,
                                                 const char *name, struct oxen_repository *out,
                                                 bool *found, struct problem *why);

/* Calls each for every repository of a namespace, by name. */
MUST_CHECK enum fault oxen_store_repository_each(
    struct db *db, const char *namespace,
    enum fault (*each)(void *ctx, const struct oxen_repository *repository, struct problem *why),
    void *ctx, struct problem *why);

/* FAULT_MISSING when a repository that was found before is deleted now; in a write transaction. */
MUST_CHECK enum fault oxen_store_repository_check(struct db *db, int64_t repository,
                                                  struct problem *why);

/* Where a version's bytes lie; *found is false when it is not stored. */
MUST_CHECK enum fault oxen_store_version_find(struct db *db, int64_t repository,
                                              const uint8_t hash[OXEN_KEY_BYTES],
                                              struct blob_ref *out, bool *found,
                                              struct problem *why);

/* Only whether it is stored. */
MUST_CHECK enum fault oxen_store_version_exists(struct db *db, int64_t repository,
                                                const uint8_t hash[OXEN_KEY_BYTES], bool *found,
                                                struct problem *why);

/* The length of each of at most OXEN_LOOKUP_VERSIONS contents whose hashes stand one behind the other,
 * or -1 where one is not stored; in one short read transaction. */
MUST_CHECK enum fault oxen_store_versions_measure(struct db *db, int64_t repository,
                                                  const uint8_t *hashes, size_t count,
                                                  int64_t *bytes, struct problem *why);

/* Makes the content of a blob row, which lies at ref and was hashed, a version, and counts it.  One
 * of that hash that is there lies at ref from then on.  In a write transaction.  FAULT_MISSING when
 * the repository is gone. */
MUST_CHECK enum fault oxen_store_version_name(struct db *db, int64_t repository,
                                              const uint8_t hash[OXEN_KEY_BYTES], int64_t blob,
                                              const struct blob_ref *ref, struct problem *why);

/* What an upload knows of one file, and what became of it. */
enum oxen_version_state {
    OXEN_VERSION_ABSENT, /* not stored when it was looked up, and not sealed: nothing may name it */
    OXEN_VERSION_FRESH,  /* sealed and flushed at its place: a row is to name it */
    OXEN_VERSION_RENEWED, /* the same, and the row that may be there names bytes that are not */
    OXEN_VERSION_KNOWN,   /* stored already when it was looked up: verified, nothing written */
    OXEN_VERSION_DONE,    /* out: a row names it */
    OXEN_VERSION_LOST     /* out: it was KNOWN and is not stored any more; send it again */
};

/* Small, for a request may hold a hundred thousand: the hash is the digest of its place, too. */
struct oxen_version {
    uint8_t hash[OXEN_KEY_BYTES];
    int64_t file; /* the place of a FRESH or RENEWED one, and of a KNOWN one that was looked up */
    int64_t start;
    int64_t bytes;
    enum oxen_version_state state;
};

/* Where a version lies, and its hash as the digest. */
struct blob_ref oxen_version_ref(const struct oxen_version *version);

/* The other way round; the hash stays. */
void oxen_version_place(struct oxen_version *version, const struct blob_ref *ref);

/* Sets the state of each of at most OXEN_LOOKUP_VERSIONS to KNOWN, with its place, or ABSENT, in
 * one short read transaction.  Whether the bytes of a KNOWN one are there is the caller's to see.  Reads the least when they are in the order of their hashes. */
MUST_CHECK enum fault oxen_store_versions_look_up(struct db *db, int64_t repository,
                                                  struct oxen_version *const *versions,
                                                  size_t count, struct problem *why);

/* Names a piece of an upload (at most OXEN_PIECE_VERSIONS) in one transaction and sets each state to DONE or LOST; a hash that
 * somebody else has stored meanwhile is DONE, too.  FAULT_MISSING when the repository is gone; after any fault the
 * states are as they were. */
MUST_CHECK enum fault oxen_store_versions_add(struct db *db, int64_t repository,
                                              struct oxen_version *versions, size_t count,
                                              struct problem *why);

#endif
