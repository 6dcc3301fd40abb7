#include "opteryx/contract_sample.h"

#include "blob/blob.h"
#include "tabular/parquet.h"

#include <string.h>

enum {
    PENDING_MAX = 1 * MIB,  /* bytes of a record that can be taken back */
    SHOWN_MAX = 200,        /* bytes of a value that is shown */
    SHOWN_FROM = 256 * KIB, /* bytes of a sample in which values are looked for */
};

/* Says which sample it is. */
static enum fault named(const struct contract_sample *sample, enum fault f, struct problem *why)
{
    const struct problem of_sample = *why;
    if (!f || f == FAULT_INTERNAL)
        return f;
    *why = PROBLEM_NONE;
    return problem_code(why, f, of_sample.code, "%.128s: %.800s", sample->name, of_sample.text);
}

/* Keeps the first value of a column. */
static enum fault value_told(void *ctx, size_t column, const char *name, const struct value *value,
                             struct problem *why)
{
    const struct type none = { .kind = TYPE_NULL };
    struct contract_sample *sample = ctx;
    struct contract_values *values = sample->values;
    if (!name || value->form == VALUE_NULL || column >= OPTERYX_COLUMNS_MAX || sample->told[column])
        return FAULT_NONE;
    sample->told[column] = true;
    if (columns_find(&values->names, name))
        return FAULT_NONE;
    const bool word = value->form == VALUE_TRUE || value->form == VALUE_FALSE;
    const char *text = value->form == VALUE_TRUE ? "true" : word ? "false" : value->bytes;
    const size_t len = word ? strlen(text) : value->len;
    const char *copy =
        arena_strdup(values->names.arena, text, len < SHOWN_MAX ? len : (size_t)SHOWN_MAX);
    if (!copy)
        return problem_set(why, FAULT_TOO_LARGE, "the samples have too many columns");
    values->texts[values->names.count] = copy;
    return columns_add(&values->names, name, strlen(name), &none, true, why);
}

static enum fault row_told(void *ctx, struct problem *why)
{
    (void)ctx;
    (void)why;
    return FAULT_NONE;
}

static enum fault header_told(void *ctx, const struct columns *columns, struct problem *why)
{
    (void)ctx;
    (void)columns;
    (void)why;
    return FAULT_NONE;
}

static enum fault text_begin(struct contract_sample *sample, struct problem *why)
{
    sample->told = arena_alloc(sample->arena, OPTERYX_COLUMNS_MAX * sizeof *sample->told);
    sample->sink = (struct value_sink){ .ctx = sample,
                                        .buffer = arena_alloc(sample->arena, CONVERT_VALUE_BYTES),
                                        .room = CONVERT_VALUE_BYTES,
                                        .value = value_told,
                                        .row = row_told,
                                        .header = header_told };
    if (!sample->told || !sample->sink.buffer)
        return problem_internal(why, "no memory for a sample's values");
    enum fault f =
        format_create(sample->source.kind, sample->arena, &sample->sink, &sample->shown, why);
    return f ? f : format_create(sample->source.kind, sample->arena, NULL, &sample->format, why);
}

/* The end of what is read for values: a short text is held back until then. */
static void shown_end(struct contract_sample *sample)
{
    struct problem of_values = PROBLEM_NONE;
    struct reading *reading = sample->shown ? arena_alloc(sample->arena, sizeof *reading) : NULL;
    if (reading && format_end(sample->shown, NULL, reading, &of_values))
        sample->shown = NULL;
}

/* Values are shown where they can be had; what is wrong with a sample is the other reader's to say. */
static enum fault read_text(struct contract_sample *sample, const char *bytes, size_t len,
                            struct problem *why)
{
    struct problem of_values = PROBLEM_NONE;
    if (sample->shown && (sample->shown_bytes + len > SHOWN_FROM ||
                          format_feed(sample->shown, bytes, len, &of_values)))
        sample->shown = NULL;
    sample->shown_bytes += len;
    return format_feed(sample->format, bytes, len, why);
}

static enum fault text_feed(struct contract_sample *sample, const char *bytes, size_t len,
                            struct problem *why)
{
    const char *end = memrchr(bytes, '\n', len);
    const size_t now = end ? (size_t)(end - bytes) + 1 : 0;
    enum fault f = FAULT_NONE;
    if (now || sample->pending.len + len > PENDING_MAX) {
        f = read_text(sample, text_string(&sample->pending), sample->pending.len, why);
        text_clear(&sample->pending);
    }
    if (!f && now)
        f = read_text(sample, bytes, now, why);
    text_add(&sample->pending, bytes + now, len - now);
    return f;
}

static enum fault first(struct contract_sample *sample, const char *bytes, size_t len,
                        struct problem *why)
{
    if (sample->source.kind == FORMAT_UNKNOWN)
        sample->source.kind = source_guess(bytes, len);
    if (sample->source.kind == FORMAT_PARQUET)
        return blob_begin(sample->x->blobs, OPTERYX_SAMPLE_DECODED_MAX, &sample->writer, why);
    return text_begin(sample, why);
}

static enum fault take(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct contract_sample *sample = ctx;
    enum fault f = FAULT_NONE;
    if (!sample->format && !sample->writer)
        f = first(sample, bytes, len, why);
    sample->decoded += len;
    if (f)
        return f;
    return sample->writer ? blob_write(sample->writer, bytes, len, why)
                          : text_feed(sample, bytes, len, why);
}

enum fault contract_sample_begin(struct contract_sample *sample, struct exchange *x,
                                 struct arena *arena, struct contract_values *values,
                                 const struct multipart_head *head, struct problem *why)
{
    const char *name = head->filename ? head->filename : "";
    *sample = (struct contract_sample){ .x = x, .arena = arena, .values = values };
    text_init(&sample->pending, PENDING_MAX + IO_CHUNK);
    sample->name = arena_strdup(arena, name, strlen(name));
    if (!sample->name)
        return problem_internal(why, "no memory for a sample");
    enum fault f = source_init(&sample->source, arena, sample->name, head->content_type,
                               head->content_encoding, why);
    sample->source.decoded_max = OPTERYX_SAMPLE_DECODED_MAX;
    sample->source.sink = take;
    sample->source.ctx = sample;
    return named(sample, f, why);
}

void contract_sample_release(struct contract_sample *sample)
{
    source_release(&sample->source);
    blob_discard(sample->writer);
    text_release(&sample->pending);
    *sample = (struct contract_sample){ .x = NULL };
}

enum fault contract_sample_feed(struct contract_sample *sample, const void *bytes, size_t len,
                                struct problem *why)
{
    if (sample->full)
        return FAULT_NONE;
    if (sample->source.bytes + len > OPTERYX_SAMPLE_MAX) {
        return problem_set(why, FAULT_TOO_LARGE, "%.128s: a sample has at most %d bytes",
                           sample->name, OPTERYX_SAMPLE_MAX);
    }
    enum fault f = source_feed(&sample->source, bytes, len, why);
    if (f && why->code && strcmp(why->code, CODING_TOO_LARGE) == 0) {
        *why = PROBLEM_NONE;
        sample->full = true;
        f = FAULT_NONE;
    }
    return named(sample, f, why);
}

/* The stored footer, for its reader. */
struct stored {
    struct blob_store *blobs;
    struct blob_ref ref;
};

static enum fault read_back(void *ctx, uint64_t offset, void *bytes, size_t len, size_t *got,
                            struct problem *why)
{
    const struct stored *stored = ctx;
    return blob_read(stored->blobs, &stored->ref, offset, bytes, len, got, why);
}

static enum fault parquet_end(struct contract_sample *sample, struct reading *out,
                              struct problem *why)
{
    struct stored stored = { .blobs = sample->x->blobs };
    const struct thrift_source source = { &stored, read_back };
    struct blob_writer *writer = sample->writer;
    sample->writer = NULL;
    enum fault f = blob_seal(writer, &stored.ref, why);
    if (!f)
        f = blob_flush(stored.blobs, why);
    return f ? f : parquet_read_footer(&source, sample->decoded, sample->arena, out, why);
}

/* Whether the last line of NDJSON breaks off: callers cut samples of their own anywhere. */
static bool is_cut(const struct contract_sample *sample)
{
    const char *text = text_string(&sample->pending);
    size_t len = sample->pending.len;
    while (len && strchr(" \t\r", text[len - 1]))
        len--;
    return sample->source.kind == FORMAT_NDJSON && sample->decoded > sample->pending.len && len &&
           text[len - 1] != '}';
}

enum fault contract_sample_end(struct contract_sample *sample, struct reading *out, bool *parquet,
                               struct problem *why)
{
    bool whole = !sample->full;
    enum fault f = FAULT_NONE;
    if (!sample->full)
        f = source_end(&sample->source, true, &whole, why);
    if (!f && !sample->format && !sample->writer)
        f = first(sample, "", 0, why);
    *parquet = sample->writer != NULL;
    if (!f && *parquet)
        return named(sample, parquet_end(sample, out, why), why);
    whole = whole && sample->source.bytes <= OPTERYX_SAMPLE_WHOLE && !is_cut(sample);
    if (!f && whole)
        f = read_text(sample, text_string(&sample->pending), sample->pending.len, why);
    shown_end(sample);
    if (!f)
        f = format_end(sample->format, NULL, out, why);
    return named(sample, f, why);
}
