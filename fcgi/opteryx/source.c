#include "opteryx/source.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *suffix;
    enum coding coding;
} suffixes[] = {
    { ".gz", CODING_GZIP },         { ".gzip", CODING_GZIP }, { ".z", CODING_DEFLATE },
    { ".zz", CODING_DEFLATE },      { ".br", CODING_BR },     { ".zst", CODING_ZSTD },
    { ".deflate", CODING_DEFLATE }, { ".zstd", CODING_ZSTD },
};

/* The file's name without the suffix of a coding, which goes to *coding. */
static const char *name_without(struct arena *arena, const char *name, enum coding *coding)
{
    const char *dot = name ? strrchr(name, '.') : NULL;
    for (size_t i = 0; dot && i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (strcasecmp(dot, suffixes[i].suffix) == 0) {
            *coding = suffixes[i].coding;
            return arena_strdup(arena, name, (size_t)(dot - name));
        }
    }
    return name;
}

enum fault source_init(struct source *source, struct arena *arena, const char *name,
                       const char *type, const char *encoding, struct problem *why)
{
    *source = (struct source){ .coding = CODING_IDENTITY };
    const char *plain = name_without(arena, name, &source->coding);
    source->stated = source->coding != CODING_IDENTITY;
    enum fault f = FAULT_NONE;
    if (encoding && encoding[0]) {
        f = coding_named(encoding, &source->coding, why);
        source->stated = source->coding != CODING_IDENTITY;
    }
    return f ? f : format_named(plain, NULL, type, &source->kind, why);
}

void source_release(struct source *source)
{
    decoder_destroy(source->decoder);
    source->decoder = NULL;
}

/* RFC 1952 section 2.3.1, RFC 8878 section 3.1.1: nothing that is served begins like these. */
static enum coding sniffed(const unsigned char *magic, size_t len)
{
    static const unsigned char gzip[] = { 0x1F, 0x8B };
    static const unsigned char zstd[] = { 0x28, 0xB5, 0x2F, 0xFD };
    if (len >= sizeof gzip && memcmp(magic, gzip, sizeof gzip) == 0)
        return CODING_GZIP;
    if (len >= sizeof zstd && memcmp(magic, zstd, sizeof zstd) == 0)
        return CODING_ZSTD;
    return CODING_IDENTITY;
}

static enum fault begin(struct source *source, struct problem *why)
{
    if (!source->stated)
        source->coding = sniffed(source->magic, source->held);
    enum fault f = decoder_create(source->coding, source->decoded_max, source->sink, source->ctx,
                                  &source->decoder, why);
    return f || source->held == 0 ? f
                                  : decoder_feed(source->decoder, source->magic, source->held, why);
}

enum fault source_feed(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct source *source = ctx;
    const unsigned char *at = bytes;
    source->bytes += len;
    if (!source->decoder) {
        const size_t room = SOURCE_MAGIC - source->held;
        const size_t more = len < room ? len : room;
        memcpy(source->magic + source->held, at, more);
        source->held += more;
        if (source->held < SOURCE_MAGIC)
            return FAULT_NONE;
        const enum fault f = begin(source, why);
        if (f)
            return f;
        at += more;
        len -= more;
    }
    return len ? decoder_feed(source->decoder, at, len, why) : FAULT_NONE;
}

enum fault source_end(struct source *source, bool cut, bool *whole, struct problem *why)
{
    struct problem of_end = PROBLEM_NONE;
    enum fault f = source->decoder ? FAULT_NONE : begin(source, why);
    if (f)
        return f;
    f = decoder_end(source->decoder, &of_end);
    *whole = !f;
    if (f && !(cut && of_end.code && strcmp(of_end.code, CODING_TRUNCATED) == 0))
        *why = of_end;
    else
        f = FAULT_NONE;
    return f;
}

enum format_kind source_guess(const char *bytes, size_t len)
{
    static const char blanks[] = " \t\r\n";
    size_t i = 0;
    while (i < len && bytes[i] && strchr(blanks, bytes[i]))
        i++;
    return i < len && bytes[i] == '{' ? FORMAT_NDJSON : FORMAT_PARQUET;
}
