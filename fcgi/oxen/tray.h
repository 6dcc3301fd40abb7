/*
 * tray.h - where the small files of an upload wait, verified, until many of them are looked up and
 * sealed together.
 *
 * A file that is stored already is not written again, so each has to be looked up; doing that for a
 * whole tray in one read transaction, in the order of the index, takes the database's locks once
 * and each page of the index once, and no transaction is open while the client is read from.
 *
 * Memory: 512 KiB for bytes, and a little.  A file that reaches BLOB_PACK_BELOW is none for the
 * tray: it gets a file of its own.
 */
#ifndef OXEN_TRAY_H
#define OXEN_TRAY_H

#include "base/problem.h"
#include "blob/blob.h"
#include "db/oxen_store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oxen_tray;

/* For files of one repository; db and blobs are borrowed.  NULL without memory. */
struct oxen_tray *oxen_tray_create(struct db *db, struct blob_store *blobs, int64_t repository);

/* tray may be NULL; what waits in it is forgotten. */
void oxen_tray_destroy(struct oxen_tray *tray);

/* More bytes of the file in hand.  *fits is false, and nothing was taken, when it is no small file
 * any more: then oxen_tray_held() has the bytes before these. */
MUST_CHECK enum fault oxen_tray_write(struct oxen_tray *tray, const void *bytes, size_t len,
                                      bool *fits, struct problem *why);

/* The bytes of the file in hand so far; until it is forgotten. */
const void *oxen_tray_held(const struct oxen_tray *tray, size_t *len);

/* Forgets the file in hand. */
void oxen_tray_discard(struct oxen_tray *tray);

/* The file in hand is whole and verified.  version: has its hash, is ABSENT, no duplicate of another
 * one that waits, and stays where it is; by the next oxen_tray_pour() it is KNOWN, with
 * bytes that were compared, or FRESH or RENEWED with its place. */
MUST_CHECK enum fault oxen_tray_keep(struct oxen_tray *tray, struct oxen_version *version,
                                     struct problem *why);

/* Looks up and seals all files that wait. */
MUST_CHECK enum fault oxen_tray_pour(struct oxen_tray *tray, struct problem *why);

#endif
