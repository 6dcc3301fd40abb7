#include "tabular/format.h"

#include "tabular/csv.h"
#include "tabular/ndjson.h"
#include "tabular/parquet.h"

#include <string.h>
#include <strings.h>

enum { MAGIC_LEN = 4 };

/* parquet-format, "File Format" and Encryption.md */
static const char magic[] = "PAR1";
static const char magic_encrypted[] = "PARE";

struct format {
    enum format_kind kind;
    struct arena *arena;
    uint64_t bytes;
    size_t head_len; /* bytes of a head that tells whether it is Parquet */
    char head[SNIFF_BYTES];
    struct utf8_text text; /* what csv and ndjson are fed through */
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
    }
    *out = kind_of_type(query_type);
    if (*out == FORMAT_UNKNOWN)
        *out = kind_of_type(header_type);
    if (extension && *out == FORMAT_UNKNOWN) {
        return problem_set(why, FAULT_UNPROCESSABLE,
                           "unsupported file type '%.32s': parts are .csv, .ndjson, .jsonl, .json, "
                           ".parquet or .pq",
                           extension);
    }
    return FAULT_NONE;
}

static enum fault reader_create(struct format *format, const struct value_sink *values,
                                struct problem *why)
{
    enum fault f = FAULT_NONE; /* Parquet is read at its end */
    if (format->kind == FORMAT_CSV) {
        f = csv_create(format->arena, values, &format->csv, why);
        utf8_text_init(&format->text, "CSV", false, csv_take, format->csv);
    } else if (format->kind == FORMAT_NDJSON) {
        f = ndjson_create(format->arena, values, &format->ndjson, why);
        utf8_text_init(&format->text, "NDJSON", true, ndjson_take, format->ndjson);
    }
    return f;
}

enum fault format_create(enum format_kind kind, struct arena *arena,
                         const struct value_sink *values, struct format **out, struct problem *why)
{
    struct format *format = arena_alloc(arena, sizeof *format);
    if (!format)
        return problem_internal(why, "no memory for a reader");
    format->kind = kind;
    format->arena = arena;
    *out = format;
    return reader_create(format, values, why);
}

/* The first bytes of what is Parquet, or may turn out to be because nothing said what it is. */
static enum fault head_decide(struct format *format, struct problem *why)
{
    const bool whole = format->head_len >= MAGIC_LEN;
    const char *looks = sniff_binary(format->head, format->head_len);
    if (!looks)
        looks = sniff_text(format->head, format->head_len, false);
    if (whole && memcmp(format->head, magic, MAGIC_LEN) == 0) {
        format->kind = FORMAT_PARQUET;
        return FAULT_NONE;
    }
    if (whole && memcmp(format->head, magic_encrypted, MAGIC_LEN) == 0)
        return problem_set(why, FAULT_UNPROCESSABLE,
                           "the part is not Parquet: its footer is encrypted");
    const char *text =
        format->kind == FORMAT_UNKNOWN
            ? "unsupported file type: neither a file name nor a content type nor the "
              "content says what the part is"
            : "the part is not Parquet: it does not begin with PAR1";
    return problem_set(why, FAULT_UNPROCESSABLE, "%s%s%s", text, looks ? "; it looks like " : "",
                       looks ? looks : "");
}

static enum fault head_feed(struct format *format, const char *bytes, size_t len,
                            struct problem *why)
{
    const size_t room = SNIFF_BYTES - format->head_len;
    const size_t taken = len < room ? len : room;
    memcpy(format->head + format->head_len, bytes, taken);
    format->head_len += taken;
    return taken && taken == room ? head_decide(format, why) : FAULT_NONE;
}

enum fault format_feed(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct format *format = ctx;
    format->bytes += len;
    if (format->csv || format->ndjson)
        return utf8_text_feed(&format->text, bytes, len, why);
    return head_feed(format, bytes, len, why);
}

enum fault format_end(struct format *format, const struct thrift_source *source,
                      struct reading *out, struct problem *why)
{
    enum fault f = FAULT_NONE;
    if (format->csv || format->ndjson)
        f = utf8_text_end(&format->text, why);
    else if (format->head_len < SNIFF_BYTES)
        f = head_decide(format, why);
    if (f)
        return f;
    if (format->csv)
        return csv_end(format->csv, out, why);
    if (format->ndjson)
        return ndjson_end(format->ndjson, out, why);
    return parquet_read(source, format->bytes, format->arena, out, why);
}

enum format_kind format_kind_of(const struct format *format)
{
    return format->kind;
}
