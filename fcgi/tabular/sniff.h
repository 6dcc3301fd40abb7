/*
 * sniff.h - what a content looks like by its first bytes.
 */
#ifndef TABULAR_SNIFF_H
#define TABULAR_SNIFF_H

#include <stdbool.h>
#include <stddef.h>

enum { SNIFF_BYTES = 64 }; /* of the beginning are enough */

/* What the first bytes, SNIFF_BYTES or the whole content, look like when that is no text in UTF-8:
 * "gzip; send it with Content-Encoding: gzip".  NULL: they may be text. */
const char *sniff_binary(const char *bytes, size_t len);

/* The same of texts that are neither CSV nor, json, NDJSON: HTML, XML and JSON of other shapes.  A
 * byte order mark has been skipped. */
const char *sniff_text(const char *bytes, size_t len, bool json);

#endif
