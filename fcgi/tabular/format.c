#include "tabular/format.h"

#include "tabular/csv.h"
#include "tabular/ndjson.h"
#include "tabular/parquet.h"

#include <string.h>
#include <strings.h>

enum { MAGIC_LEN = 4 };

static const char magic[] = "PAR1"; /* parquet-format, "File Format" */

struct format {
    enum format_kind kind;
    struct arena *arena;
    uint64_t bytes;
    size_t held; /* bytes of Parquet's magic that came so far */
    struct csv *csv;
    struct ndjson *ndjson;
};

static const struct {
    const char *word;
    const char *media_type;
} kinds[] = {
    [FORMAT_UNKNOWN] = { "unknown", "application/octet-stream" },
    [FORMAT_CSV] = { "csv", "text/csv; charset=utf-8" },
    [FORMAT_NDJSON] = { "ndjson", "application/x-ndjson" },
    [FORMAT_PARQUET] = { "parquet", "application/vnd.apache.parquet" },
};

static const struct {
    const char *name;
    enum format_kind kind;
} extensions[] = {
    { ".csv", FORMAT_CSV },     { ".ndjson", FORMAT_NDJSON },   { ".jsonl", FORMAT_NDJSON },
    { ".json", FORMAT_NDJSON }, { ".parquet", FORMAT_PARQUET }, { ".pq", FORMAT_PARQUET },
};

static const struct {
    const char *name;
    enum format_kind kind;
} media_types[] = {
    { "text/csv", FORMAT_CSV },
    { "application/csv", FORMAT_CSV },
    { "application/x-ndjson", FORMAT_NDJSON },
    { "application/ndjson", FORMAT_NDJSON },
    { "application/jsonl", FORMAT_NDJSON },
    { "application/json", FORMAT_NDJSON },
    { "application/vnd.apache.parquet", FORMAT_PARQUET },
    { "application/parquet", FORMAT_PARQUET },
    { "application/x-parquet", FORMAT_PARQUET },
};

const char *format_word(enum format_kind kind)
{
    return kinds[kind].word;
}

const char *format_media_type(const char *word)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].word, word) == 0)
            return kinds[i].media_type;
    }
    return kinds[FORMAT_UNKNOWN].media_type;
}

/* The kind of a media type, its parameters left aside. */
static enum format_kind kind_of_type(const char *type)
{
    const size_t len = type ? strcspn(type, "; \t") : 0;
    for (size_t i = 0; len && i < sizeof media_types / sizeof media_types[0]; i++) {
        if (strlen(media_types[i].name) == len && strncasecmp(media_types[i].name, type, len) == 0)
            return media_types[i].kind;
    }
    return FORMAT_UNKNOWN;
}

enum fault format_named(const char *file_name, const char *query_type, const char *header_type,
                        enum format_kind *out, struct problem *why)
{
    const char *slash = file_name ? strrchr(file_name, '/') : NULL;
    const char *base = slash ? slash + 1 : file_name;
    const char *extension = base ? strrchr(base, '.') : NULL;
    if (extension) {
        for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
            if (strcasecmp(extension, extensions[i].name) == 0) {
                *out = extensions[i].kind;
                return FAULT_NONE;
            }
        }
        return problem_set(why, FAULT_UNPROCESSABLE,
                           "unsupported file type '%.32s': parts are .csv, .ndjson, .jsonl, .json, "
                           ".parquet or .pq",
                           extension);
    }
    *out = kind_of_type(query_type);
    if (*out == FORMAT_UNKNOWN)
        *out = kind_of_type(header_type);
    return FAULT_NONE;
}

static enum fault reader_create(struct format *format, struct problem *why)
{
    if (format->kind == FORMAT_CSV)
        return csv_create(format->arena, &format->csv, why);
    if (format->kind == FORMAT_NDJSON)
        return ndjson_create(format->arena, &format->ndjson, why);
    return FAULT_NONE; /* Parquet is read at its end */
}

enum fault format_create(enum format_kind kind, struct arena *arena, struct format **out,
                         struct problem *why)
{
    struct format *format = arena_alloc(arena, sizeof *format);
    if (!format)
        return problem_internal(why, "no memory for a reader");
    format->kind = kind;
    format->arena = arena;
    *out = format;
    return reader_create(format, why);
}

static enum fault unknown(struct problem *why)
{
    return problem_set(why, FAULT_UNPROCESSABLE,
                       "unsupported file type: neither a file name nor a content type nor the "
                       "content says what the part is");
}

/* The first bytes of what is Parquet, or may turn out to be because nothing said what it is. */
static enum fault magic_feed(struct format *format, const char *at, size_t len, struct problem *why)
{
    for (; len && format->held < MAGIC_LEN; at++, len--) {
        const bool last = format->held == MAGIC_LEN - 1;
        if (*at != magic[format->held] && last && *at == 'E')
            return problem_set(why, FAULT_UNPROCESSABLE,
                               "the part is not Parquet: its footer is encrypted");
        if (*at != magic[format->held] && format->kind == FORMAT_UNKNOWN)
            return unknown(why);
        if (*at != magic[format->held]) {
            return problem_set(why, FAULT_UNPROCESSABLE,
                               "the part is not Parquet: it does not begin with PAR1");
        }
        format->held++;
    }
    if (format->held == MAGIC_LEN)
        format->kind = FORMAT_PARQUET;
    return FAULT_NONE;
}

enum fault format_feed(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct format *format = ctx;
    format->bytes += len;
    if (format->csv)
        return csv_feed(format->csv, bytes, len, why);
    if (format->ndjson)
        return ndjson_feed(format->ndjson, bytes, len, why);
    return magic_feed(format, bytes, len, why);
}

enum fault format_end(struct format *format, const struct thrift_source *source,
                      struct reading *out, struct problem *why)
{
    if (format->csv)
        return csv_end(format->csv, out, why);
    if (format->ndjson)
        return ndjson_end(format->ndjson, out, why);
    if (format->kind == FORMAT_UNKNOWN)
        return unknown(why);
    return parquet_read(source, format->bytes, format->arena, out, why);
}

enum format_kind format_kind_of(const struct format *format)
{
    return format->kind;
}
