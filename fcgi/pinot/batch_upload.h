/*
 * batch_upload.h - POST /segments/batchUpload.
 */
#ifndef PINOT_BATCH_UPLOAD_H
#define PINOT_BATCH_UPLOAD_H

#include "http/exchange.h"

MUST_CHECK enum fault pinot_batch_upload(struct exchange *x, struct problem *why);

#endif
