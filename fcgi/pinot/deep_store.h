/*
 * deep_store.h - files that download URIs name: looked at and read below the folders that the setting
 * deep_store_roots has for the table, and nowhere else.
 *
 * "file:/a/b", "file:///a/b" and "file://localhost/a/b" name the path /a/b, percent-decoded.  A path
 * with "." or ".." in it, or one that leads out of its folder through a link, is not below it.
 */
#ifndef PINOT_DEEP_STORE_H
#define PINOT_DEEP_STORE_H

#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>

/* Who asks: an entry TABLES=FOLDER of roots is for tables that the pattern covers, a FOLDER alone for
 * whoever may push to every table.  All borrowed. */
struct deep_store {
    const char *roots;
    const char *table; /* raw name */
    bool every_table;
};

/* Whether uri has the scheme file. */
bool deep_store_is_file(const char *uri);

/* The size of the file that uri names; -1 when it is not below a folder for the table, or cannot be
 * read. */
int64_t deep_store_bytes(const struct deep_store *store, const char *uri);

/* Opens the file; the caller closes *fd.  FAULT_FORBIDDEN, with a text that names the setting, for
 * other schemes and for what is not below a folder for the table; FAULT_MALFORMED when there is no such file. */
MUST_CHECK enum fault deep_store_open(const struct deep_store *store, const char *uri, int *fd,
                                      int64_t *bytes, struct problem *why);

#endif
