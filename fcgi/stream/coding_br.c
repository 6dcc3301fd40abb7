/*
 * coding_br.c - Brotli (RFC 7932).
 */
#include "stream/coding_internal.h"

#include <brotli/decode.h>
#include <stdlib.h>

enum { WINDOW_MIB = 16 }; /* RFC 7932 section 9.1 has none above */

struct br_engine {
    BrotliDecoderState *br; /* NULL when it could not be renewed */
};

/* The library cannot go back to the start, so a new decoder takes the place of the old one.  Large
 * windows (up to 1 GiB) are off by default; saying so keeps them off. */
static void br_reset(void *ctx)
{
    struct br_engine *engine = ctx;
    BrotliDecoderDestroyInstance(engine->br);
    engine->br = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    if (engine->br)
        (void)BrotliDecoderSetParameter(engine->br, BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
}

static void br_destroy(void *ctx)
{
    struct br_engine *engine = ctx;
    if (engine)
        BrotliDecoderDestroyInstance(engine->br);
    free(engine);
}

static void *br_create(void)
{
    struct br_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return NULL;
    br_reset(engine);
    if (!engine->br) {
        br_destroy(engine);
        return NULL;
    }
    return engine;
}

static enum fault br_begin(void *ctx, const struct coding_step *step, bool again,
                           struct problem *why)
{
    const struct br_engine *engine = ctx;
    (void)step;
    if (again)
        return coding_trailing("br", why);
    return engine->br ? FAULT_NONE : problem_internal(why, "brotli: out of memory");
}

/* Codes get smaller in the order of decode.h: format, then memory, then the library's own. */
static enum fault br_error(const struct br_engine *engine, struct problem *why)
{
    const BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(engine->br);
    if (code == BROTLI_DECODER_ERROR_FORMAT_WINDOW_BITS)
        return coding_window("br", WINDOW_MIB, why);
    if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES)
        return problem_internal(why, "brotli: %s", BrotliDecoderErrorString(code));
    return coding_corrupt("br", why);
}

static enum fault br_step(void *ctx, struct coding_step *step, struct problem *why)
{
    const struct br_engine *engine = ctx;
    uint8_t *out = step->out;
    size_t left = step->room;
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(engine->br, &step->in_len, &step->in, &left, &out, NULL);
    step->made = step->room - left;
    step->ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    return result == BROTLI_DECODER_RESULT_ERROR ? br_error(engine, why) : FAULT_NONE;
}

const struct coding_engine coding_br_engine = {
    false, br_create, br_destroy, br_reset, br_begin, br_step,
};
