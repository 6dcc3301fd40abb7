/*
 * upload.h - what all uploads of segments have in common: whose table, which headers, and the push
 * at the end.
 *
 * The checks come in the order that was recorded from Pinot (section 2 of the API page): table name
 * and right, Content-Type, table type, table, UPLOAD_TYPE, then the body.
 */
#ifndef PINOT_UPLOAD_H
#define PINOT_UPLOAD_H

#include "db/pinot_store_config.h"
#include "db/pinot_store_push.h"
#include "http/exchange.h"
#include "pinot/custom_map.h"
#include "pinot/deep_store.h"
#include "pinot/names.h"

#include <stdbool.h>
#include <stddef.h>

enum upload_mode { UPLOAD_SEGMENT = 0, UPLOAD_URI, UPLOAD_JSON, UPLOAD_METADATA };

struct upload {
    struct exchange *x;
    struct table_name name;
    struct pinot_table table;
    bool protect;
    bool allow_refresh;
    bool refresh_only;
    bool copy; /* COPY_SEGMENT_TO_DEEP_STORE */
    const char *if_match;
    struct custom_modifier modifier;
};

/* Ends what upload_options() began; harmless before it. */
void upload_release(struct upload *upload);

/* The name of a table from a request and the right to write there.  given NULL: FAULT_MALFORMED with
 * Pinot's text, after the credential has been looked at. */
MUST_CHECK enum fault upload_authorize(struct upload *upload, const char *given,
                                       struct problem *why);

/* FAULT_UNSUPPORTED and FAULT_MALFORMED for bodies that are not multipart, before any is read. */
MUST_CHECK enum fault upload_media_check(struct exchange *x, struct problem *why);

/* Looks up the table; *found is false when there is none. */
MUST_CHECK enum fault upload_find_table(struct upload *upload, enum pinot_type type, bool *found,
                                        struct problem *why);

/* The header UPLOAD_TYPE; absent is UPLOAD_SEGMENT, with *word "null". */
MUST_CHECK enum fault upload_mode_of(struct exchange *x, enum upload_mode *mode, const char **word,
                                     struct problem *why);

/* Reads the other parameters and headers. */
MUST_CHECK enum fault upload_options(struct upload *upload, struct problem *why);

/* The files that may be read for the table, once it is authorised. */
struct deep_store upload_deep_store(const struct upload *upload);

/* Checks what depends on the table (intervals), looks at sizes, copies what is to be copied, and
 * pushes.  Segments that have a blob already (sealed, not flushed) are flushed first. */
MUST_CHECK enum fault upload_push(struct upload *upload, struct pinot_segment *segments,
                                  size_t count, struct problem *why);

#endif
