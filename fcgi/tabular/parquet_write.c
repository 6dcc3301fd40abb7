#include "tabular/parquet_write.h"

#include "base/clock.h"
#include "base/limits.h"
#include "tabular/parquet_chunk.h"
#include "tabular/parquet_physical.h"
#include "tabular/thrift_write.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC "PAR1"

enum {
    MAGIC_LEN = 4,
    LENGTH = 4, /* bytes of the footer's length */
    BYTE_BITS = 8,
    DICTIONARY_COLUMNS_MAX = 1024, /* columns of a table in which texts get dictionaries */
    DESCRIBED_MAX = 64 * MIB,      /* bytes of the schema: names are bounded (limits.h) */
    LOOK_EVERY = 64 * KIB,         /* bytes of values between two looks at what is held */
};

struct parquet_write {
    const struct columns *columns;
    bytes_sink sink;
    void *ctx;
    const struct parquet_write_spool *spool;
    struct zstd_frame *zstd;
    struct parquet_chunk *chunks;
    struct text text; /* of the row groups, on its way to the spool */
    uint64_t spooled; /* bytes */
    uint64_t offset;  /* of the next byte of the file */
    uint64_t rows;    /* of the file */
    uint64_t group_rows;
    uint64_t groups;
    uint64_t seed;         /* of the dictionaries; 0: none */
    size_t row_bytes_seen; /* since the last look at what is held */
};

bool parquet_write_takes(const struct type *type)
{
    return parquet_physical_of(type) != PARQUET_PHYSICAL_NONE;
}

void parquet_write_destroy(struct parquet_write *writer)
{
    if (!writer)
        return;
    for (size_t i = 0; writer->chunks && i < writer->columns->count; i++)
        parquet_chunk_release(&writer->chunks[i]);
    free(writer->chunks);
    zstd_frame_destroy(writer->zstd);
    text_release(&writer->text);
    free(writer);
}

static enum fault put(struct parquet_write *writer, const void *bytes, size_t len,
                      struct problem *why)
{
    if (len == 0)
        return FAULT_NONE;
    writer->offset += len;
    return writer->sink(writer->ctx, bytes, len, why);
}

static enum fault check_types(const struct columns *columns, struct problem *why)
{
    for (size_t i = 0; i < columns->count; i++) {
        char type[TYPE_TEXT_MAX];
        if (parquet_write_takes(&columns->list[i].type))
            continue;
        type_print(&columns->list[i].type, type);
        return problem_set(why, FAULT_UNPROCESSABLE,
                           "column %.200s: values of type %s cannot be written to a file",
                           columns->list[i].name, type);
    }
    return FAULT_NONE;
}

enum fault parquet_write_create(const struct columns *columns, bytes_sink sink, void *ctx,
                                const struct parquet_write_spool *spool, struct parquet_write **out,
                                struct problem *why)
{
    enum fault f = check_types(columns, why);
    if (f)
        return f;
    struct parquet_write *writer = calloc(1, sizeof *writer);
    if (!writer)
        return problem_internal(why, "out of memory for a file");
    writer->columns = columns;
    writer->sink = sink;
    writer->ctx = ctx;
    writer->spool = spool;
    text_init(&writer->text, DESCRIBED_MAX);
    writer->zstd = zstd_frame_create();
    writer->chunks = calloc(columns->count ? columns->count : 1, sizeof *writer->chunks);
    if (columns->count <= DICTIONARY_COLUMNS_MAX) {
        clock_random(&writer->seed, sizeof writer->seed);
        writer->seed |= 1;
    }
    for (size_t i = 0; writer->chunks && i < columns->count; i++)
        parquet_chunk_init(&writer->chunks[i], &columns->list[i]);
    f = writer->zstd && writer->chunks ? put(writer, MAGIC, MAGIC_LEN, why)
                                       : problem_internal(why, "out of memory for a file");
    if (f)
        parquet_write_destroy(writer);
    else
        *out = writer;
    return f;
}

/* ---- row groups ---- */

static enum fault spool_text(struct parquet_write *writer, struct problem *why)
{
    if (text_failed(&writer->text))
        return problem_internal(why, "out of memory for a footer");
    const size_t len = writer->text.len;
    if (writer->spooled + len > PARQUET_WRITE_FOOTER_MAX) {
        return problem_set(why, FAULT_TOO_LARGE,
                           "the file's description passes %d bytes: send fewer rows of so many "
                           "columns at once",
                           PARQUET_WRITE_FOOTER_MAX);
    }
    const enum fault f =
        len ? writer->spool->append(writer->spool->ctx, writer->text.data, len, why) : FAULT_NONE;
    writer->spooled += len;
    text_clear(&writer->text);
    return f;
}

/* Writes one column's chunk and describes it. */
static enum fault chunk_write(struct parquet_write *writer, struct parquet_chunk *chunk,
                              uint64_t *uncompressed, struct problem *why)
{
    struct text dictionary;
    const uint64_t offset = writer->offset;
    text_init(&dictionary, DESCRIBED_MAX);
    enum fault f = parquet_chunk_close_page(chunk, writer->zstd, why);
    if (!f)
        f = parquet_chunk_dictionary(chunk, writer->zstd, &dictionary, why);
    if (!f)
        f = put(writer, text_string(&dictionary), dictionary.len, why);
    if (!f)
        f = put(writer, text_string(&chunk->done), chunk->done.len, why);
    if (!f) {
        parquet_chunk_describe(chunk, offset, dictionary.len, &writer->text);
        *uncompressed += chunk->uncompressed;
        if (writer->text.len >= LOOK_EVERY)
            f = spool_text(writer, why);
    }
    text_release(&dictionary);
    parquet_chunk_release(chunk);
    parquet_chunk_init(chunk, chunk->column);
    return f;
}

static enum fault group_end(struct parquet_write *writer, struct problem *why)
{
    enum { COLUMNS = 1, BYTES = 2, ROWS = 3 };
    uint64_t uncompressed = 0;
    int16_t id = 0;
    enum fault f = FAULT_NONE;
    if (writer->group_rows == 0)
        return FAULT_NONE;
    thrift_write_list(&writer->text, &id, COLUMNS, THRIFT_STRUCT, writer->columns->count);
    for (size_t i = 0; !f && i < writer->columns->count; i++)
        f = chunk_write(writer, &writer->chunks[i], &uncompressed, why);
    thrift_write_i64(&writer->text, &id, BYTES, (int64_t)uncompressed);
    thrift_write_i64(&writer->text, &id, ROWS, (int64_t)writer->group_rows);
    thrift_write_stop(&writer->text);
    writer->groups++;
    writer->group_rows = 0;
    return f ? f : spool_text(writer, why);
}

/* ---- rows ---- */

/* Compresses what is open when it is much, and ends the group when what is finished is. */
static enum fault bound_held(struct parquet_write *writer, struct problem *why)
{
    size_t open = 0;
    size_t done = 0;
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < writer->columns->count; i++)
        open += parquet_chunk_open_bytes(&writer->chunks[i]);
    const bool all = open > PARQUET_WRITE_HELD / 2;
    for (size_t i = 0; !f && i < writer->columns->count; i++) {
        struct parquet_chunk *chunk = &writer->chunks[i];
        if (all || chunk->page.len >= PARQUET_WRITE_PAGE)
            f = parquet_chunk_close_page(chunk, writer->zstd, why);
        done += chunk->done.len + (chunk->dictionary ? chunk->dictionary->page.len : 0);
    }
    return !f && done > PARQUET_WRITE_HELD / 2 ? group_end(writer, why) : f;
}

static enum fault group_begin(struct parquet_write *writer, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; !f && i < writer->columns->count; i++)
        f = parquet_chunk_begin(&writer->chunks[i], writer->seed, why);
    return f;
}

enum fault parquet_write_row(struct parquet_write *writer, const struct cell *cells,
                             struct problem *why)
{
    enum fault f = writer->group_rows == 0 ? group_begin(writer, why) : FAULT_NONE;
    for (size_t i = 0; !f && i < writer->columns->count; i++) {
        f = parquet_chunk_add(&writer->chunks[i], &cells[i], why);
        writer->row_bytes_seen +=
            cells[i].kind == CELL_BYTES ? cells[i].as.bytes.len + LENGTH : sizeof(int64_t);
    }
    if (f)
        return f;
    writer->rows++;
    writer->group_rows++;
    if (writer->group_rows == PARQUET_WRITE_GROUP_ROWS)
        return group_end(writer, why);
    if (writer->row_bytes_seen < LOOK_EVERY)
        return FAULT_NONE;
    writer->row_bytes_seen = 0;
    return bound_held(writer, why);
}

/* ---- the end ---- */

/* What stands in front of the row groups: version, schema, rows, the head of their list. */
static void footer_begin(const struct parquet_write *writer, int16_t *id, struct text *out)
{
    enum { VERSION = 1, SCHEMA = 2, ROWS = 3, GROUPS = 4, FORMAT = 2 };
    enum { ELEMENT_NAME = 4, ELEMENT_CHILDREN = 5 };
    static const char root[] = "schema";
    int16_t of_root = 0;
    thrift_write_i32(out, id, VERSION, FORMAT);
    thrift_write_list(out, id, SCHEMA, THRIFT_STRUCT, writer->columns->count + 1);
    thrift_write_binary(out, &of_root, ELEMENT_NAME, root, sizeof root - 1);
    thrift_write_i32(out, &of_root, ELEMENT_CHILDREN, (int32_t)writer->columns->count);
    thrift_write_stop(out);
    for (size_t i = 0; i < writer->columns->count; i++)
        parquet_physical_schema(&writer->columns->list[i], out);
    thrift_write_i64(out, id, ROWS, (int64_t)writer->rows);
    thrift_write_list(out, id, GROUPS, THRIFT_STRUCT, writer->groups);
}

/* What stands behind them: who wrote it, and that min and max are ordered as the types are. */
static void footer_end(const struct parquet_write *writer, int16_t *id, struct text *out)
{
    enum { CREATED_BY = 6, ORDERS = 7, TYPE_ORDER = 1 };
    static const char creator[] = "sluice version " SLUICE_VERSION;
    thrift_write_binary(out, id, CREATED_BY, creator, sizeof creator - 1);
    thrift_write_list(out, id, ORDERS, THRIFT_STRUCT, writer->columns->count);
    for (size_t i = 0; i < writer->columns->count; i++) {
        int16_t member = 0;
        thrift_write_field(out, &member, TYPE_ORDER, THRIFT_STRUCT);
        thrift_write_stop(out);
        thrift_write_stop(out);
    }
    thrift_write_stop(out);
}

static enum fault put_text(struct parquet_write *writer, struct text *text, struct problem *why)
{
    if (text_failed(text))
        return problem_internal(why, "out of memory for a footer");
    const enum fault f = put(writer, text_string(text), text->len, why);
    text_clear(text);
    return f;
}

static enum fault put_spooled(struct parquet_write *writer, struct problem *why)
{
    enum fault f = FAULT_NONE;
    char *bytes = malloc(IO_CHUNK);
    if (!bytes)
        return problem_internal(why, "out of memory for a footer");
    for (uint64_t at = 0; !f && at < writer->spooled;) {
        const uint64_t left = writer->spooled - at;
        const size_t take = left < IO_CHUNK ? (size_t)left : IO_CHUNK;
        f = writer->spool->read(writer->spool->ctx, at, bytes, take, why);
        if (!f)
            f = put(writer, bytes, take, why);
        at += take;
    }
    free(bytes);
    return f;
}

enum fault parquet_write_end(struct parquet_write *writer, uint64_t *rows, uint64_t *bytes,
                             struct problem *why)
{
    int16_t id = 0;
    char tail[LENGTH + MAGIC_LEN + 1] = "";
    enum fault f = group_end(writer, why);
    const uint64_t begins = writer->offset;
    if (!f) {
        footer_begin(writer, &id, &writer->text);
        f = put_text(writer, &writer->text, why);
    }
    if (!f)
        f = put_spooled(writer, why);
    if (!f) {
        footer_end(writer, &id, &writer->text);
        f = put_text(writer, &writer->text, why);
    }
    for (unsigned i = 0; i < LENGTH; i++)
        tail[i] = (char)((writer->offset - begins) >> (i * BYTE_BITS));
    memcpy(tail + LENGTH, MAGIC, MAGIC_LEN);
    if (!f)
        f = put(writer, tail, LENGTH + MAGIC_LEN, why);
    *rows = writer->rows;
    *bytes = writer->offset;
    return f;
}
