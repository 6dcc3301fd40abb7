#include "stream/zstd_frame.h"

#include <stdlib.h>
#include <zstd.h>

enum { LEVEL = 1 };

struct zstd_frame {
    ZSTD_CCtx *zstd;
    char *room; /* for the frame that is being made; it grows to the largest */
    size_t room_len;
};

struct zstd_frame *zstd_frame_create(void)
{
    struct zstd_frame *frame = calloc(1, sizeof *frame);
    if (frame)
        frame->zstd = ZSTD_createCCtx();
    if (frame && !frame->zstd) {
        free(frame);
        return NULL;
    }
    return frame;
}

void zstd_frame_destroy(struct zstd_frame *frame)
{
    if (!frame)
        return;
    (void)ZSTD_freeCCtx(frame->zstd);
    free(frame->room);
    free(frame);
}

enum fault zstd_frame_add(struct zstd_frame *frame, const void *bytes, size_t len, struct text *out,
                          struct problem *why)
{
    const size_t bound = ZSTD_compressBound(len);
    if (bound > frame->room_len) {
        char *room = realloc(frame->room, bound);
        if (!room)
            return problem_internal(why, "out of memory for zstd");
        frame->room = room;
        frame->room_len = bound;
    }
    const size_t made =
        ZSTD_compressCCtx(frame->zstd, frame->room, frame->room_len, bytes, len, LEVEL);
    if (ZSTD_isError(made))
        return problem_internal(why, "zstd: %s", ZSTD_getErrorName(made));
    text_add(out, frame->room, made);
    return text_failed(out) ? problem_internal(why, "out of memory for zstd") : FAULT_NONE;
}
