/*
 * fuzz_csv.c - the CSV reader gives the same at every cut of any bytes.
 */
#include "fuzz_reading.h"
#include "tabular/csv.h"

static void read(const uint8_t *bytes, size_t len, struct fuzz_pieces pieces, struct arena *arena,
                 struct fuzz_result *result)
{
    struct csv *reader = NULL;
    struct utf8_text text;
    struct reading reading = { .rows = 0 };
    enum fault f = csv_create(arena, NULL, &reader, &result->why);
    utf8_text_init(&text, "CSV", false, csv_take, reader);
    text.begun = len && bytes[0] & 1; /* a head that is held back hides the cuts in it */
    for (size_t at = 0; !f && at < len;) {
        const size_t piece = fuzz_piece(&pieces, len - at);
        f = utf8_text_feed(&text, bytes + at, piece, &result->why);
        at += piece;
    }
    if (!f)
        f = utf8_text_end(&text, &result->why);
    if (!f)
        f = csv_end(reader, &reading, &result->why);
    if (!f)
        fuzz_reading_write(&reading, &result->events);
    result->fault = f;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_reading_runs(read, bytes, len);
    return 0;
}
