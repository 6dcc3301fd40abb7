/*
 * fuzz_pinot_batch.c - the archive of a batch.  The input is the tar; it is gzipped without
 * compression here, so that the fuzzer need not learn to.  Properties: no crash; the verdict does
 * not depend on cuts; what is accepted has good names, each once.
 */
#include "pinot/batch.h"
#include "pinot/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { DECODED_MAX = 1 << 20, GZIP_BITS = 15 + 16, MEMORY = 8, ROOM = 4096, SEED = 1 };

static unsigned char *pack(const uint8_t *data, size_t size, size_t *len)
{
    z_stream z = { 0 };
    unsigned char *out = malloc(size + size / 8 + ROOM);
    assert(out);
    assert(deflateInit2(&z, Z_NO_COMPRESSION, Z_DEFLATED, GZIP_BITS, MEMORY, Z_DEFAULT_STRATEGY) ==
           Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)(size + size / 8 + ROOM);
    assert(deflate(&z, Z_FINISH) == Z_STREAM_END);
    *len = z.total_out;
    (void)deflateEnd(&z);
    return out;
}

static enum fault run(const unsigned char *bytes, size_t len, size_t cut)
{
    struct problem why = PROBLEM_NONE;
    struct batch *batch = NULL;
    struct pinot_segment *segments = NULL;
    size_t count = 0;
    assert(batch_create(DECODED_MAX, SEED, &batch, &why) == FAULT_NONE);
    enum fault f = batch_feed(batch, bytes, cut, &why);
    if (!f)
        f = batch_feed(batch, bytes + cut, len - cut, &why);
    if (!f)
        f = batch_end(batch, &segments, &count, &why);
    assert((f == FAULT_NONE) == (why.fault == FAULT_NONE));
    for (size_t i = 0; i < count && !f; i++) {
        assert(segment_name_check(segments[i].name, &why) == FAULT_NONE);
        assert(segments[i].url && segments[i].index_version >= 1);
        for (size_t k = 0; k < i; k++)
            assert(strcmp(segments[i].name, segments[k].name) != 0);
    }
    batch_destroy(batch);
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len = 0;
    unsigned char *bytes = pack(data, size, &len);
    const enum fault f = run(bytes, len, 0);
    assert(run(bytes, len, len / 2) == f);
    assert(run(bytes, len, len - 1) == f);
    free(bytes);
    return 0;
}
