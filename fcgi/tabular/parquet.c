#include "tabular/parquet.h"

#include "base/limits.h"
#include "tabular/parquet_schema.h"

#include <string.h>

enum {
    MAGIC_LEN = 4,
    LENGTH_LEN = 4, /* of the footer's length, little-endian */
    TAIL_LEN = LENGTH_LEN + MAGIC_LEN,
    FILE_MIN = MAGIC_LEN + TAIL_LEN,
};

/* The way through a footer. */
struct footer {
    struct thrift thrift;
    struct reading *out;
    uint64_t starts_at; /* pages lie before it */
    uint64_t leaves;    /* of the schema */
    int64_t rows;       /* of the file */
    int64_t grouped;    /* of the row groups so far */
    bool has_schema;
    bool alone; /* the pages are not there */
};

static bool failed(const struct footer *footer)
{
    return footer->thrift.fault != FAULT_NONE;
}

static void fail(struct footer *footer, const char *what)
{
    thrift_fail(&footer->thrift, what);
}

/* ---- the row groups ---- */

/* Where the pages of one column of a row group lie. */
struct chunk {
    int64_t compressed;
    int64_t data_at;
    int64_t dictionary_at;
};

/* parquet.thrift: ColumnMetaData */
static void metadata_read(struct footer *footer, struct chunk *chunk)
{
    enum { COMPRESSED = 7, DATA_AT = 9, DICTIONARY_AT = 11 };
    struct thrift *t = &footer->thrift;
    int16_t id = 0;
    for (enum thrift_type type = thrift_field(t, &id); type != THRIFT_STOP;
         type = thrift_field(t, &id)) {
        if (id == COMPRESSED && type == THRIFT_I64)
            chunk->compressed = thrift_integer(t);
        else if (id == DATA_AT && type == THRIFT_I64)
            chunk->data_at = thrift_integer(t);
        else if (id == DICTIONARY_AT && type == THRIFT_I64)
            chunk->dictionary_at = thrift_integer(t);
        else
            thrift_skip(t, type);
    }
}

static void chunk_check(struct footer *footer, const struct chunk *chunk)
{
    /* a chunk without rows may have a dictionary and no data page */
    const bool dictionary =
        chunk->dictionary_at > 0 && (chunk->data_at <= 0 || chunk->dictionary_at < chunk->data_at);
    const int64_t start = dictionary ? chunk->dictionary_at : chunk->data_at;
    if (chunk->compressed == 0 || footer->alone)
        return; /* no pages, so nowhere */
    if (chunk->compressed < 0 || start < MAGIC_LEN || (uint64_t)start > footer->starts_at ||
        (uint64_t)chunk->compressed > footer->starts_at - (uint64_t)start)
        fail(footer, "a column's pages lie outside the file");
}

/* parquet.thrift: ColumnChunk */
static void chunk_read(struct footer *footer)
{
    enum { FILE_PATH = 1, METADATA = 3, ENCRYPTION = 8 };
    struct thrift *t = &footer->thrift;
    struct chunk chunk = { .compressed = 0 };
    int16_t id = 0;
    for (enum thrift_type type = thrift_field(t, &id); type != THRIFT_STOP;
         type = thrift_field(t, &id)) {
        if (id == FILE_PATH)
            fail(footer, "a column lies in another file");
        else if (id == ENCRYPTION)
            fail(footer, "it is encrypted");
        else if (id == METADATA && type == THRIFT_STRUCT)
            metadata_read(footer, &chunk);
        else
            thrift_skip(t, type);
    }
    if (!failed(footer))
        chunk_check(footer, &chunk);
}

static void chunks_read(struct footer *footer)
{
    enum thrift_type type = THRIFT_STOP;
    const uint64_t count = thrift_list(&footer->thrift, &type);
    if (!footer->has_schema || count != footer->leaves || (count && type != THRIFT_STRUCT))
        fail(footer, "a row group has other columns than the schema");
    for (uint64_t i = 0; !failed(footer) && i < count; i++)
        chunk_read(footer);
}

/* parquet.thrift: RowGroup */
static void group_read(struct footer *footer)
{
    enum { COLUMNS = 1, ROWS = 3 };
    struct thrift *t = &footer->thrift;
    int64_t rows = 0;
    int16_t id = 0;
    for (enum thrift_type type = thrift_field(t, &id); type != THRIFT_STOP;
         type = thrift_field(t, &id)) {
        if (id == COLUMNS && type == THRIFT_LIST)
            chunks_read(footer);
        else if (id == ROWS && type == THRIFT_I64)
            rows = thrift_integer(t);
        else
            thrift_skip(t, type);
    }
    if (rows < 0 || rows > PARQUET_ROWS_MAX - footer->grouped)
        fail(footer, "its row groups have less than no rows, or more than 2^40");
    else
        footer->grouped += rows;
}

static void groups_read(struct footer *footer)
{
    enum thrift_type type = THRIFT_STOP;
    const uint64_t count = thrift_list(&footer->thrift, &type);
    if (count && type != THRIFT_STRUCT)
        fail(footer, "the row groups are damaged");
    for (uint64_t i = 0; !failed(footer) && i < count; i++)
        group_read(footer);
}

/* ---- the footer ---- */

static void schema_read(struct footer *footer)
{
    if (footer->has_schema)
        fail(footer, "the schema is damaged");
    footer->has_schema = true;
    parquet_schema_read(&footer->thrift, &footer->out->columns, &footer->leaves);
}

/* parquet.thrift: FileMetaData */
static enum fault footer_read(struct footer *footer)
{
    enum { SCHEMA = 2, ROWS, GROUPS, ENCRYPTION = 8 };
    struct thrift *t = &footer->thrift;
    int16_t id = 0;
    for (enum thrift_type type = thrift_field(t, &id); type != THRIFT_STOP;
         type = thrift_field(t, &id)) {
        if (id == SCHEMA && type == THRIFT_LIST)
            schema_read(footer);
        else if (id == ROWS && type == THRIFT_I64)
            footer->rows = thrift_integer(t);
        else if (id == GROUPS && type == THRIFT_LIST)
            groups_read(footer);
        else if (id == ENCRYPTION)
            fail(footer, "it is encrypted");
        else
            thrift_skip(t, type);
    }
    if (!failed(footer) && !footer->has_schema)
        fail(footer, "it has no schema");
    /* some writers give the file no number, or 0, and only its groups theirs */
    if (!failed(footer) && footer->rows != 0 && footer->rows != footer->grouped)
        fail(footer, "its row groups have other rows than the file");
    footer->out->rows = footer->grouped;
    return footer->thrift.fault;
}

/* Reads exactly len bytes. */
static enum fault exactly(const struct thrift_source *source, uint64_t offset, unsigned char *out,
                          size_t len, struct problem *why)
{
    while (len > 0) {
        size_t got = 0;
        const enum fault f = source->read(source->ctx, offset, out, len, &got, why);
        if (f)
            return f;
        if (got == 0)
            return problem_internal(why, "a content is shorter than it was");
        out += got;
        offset += got;
        len -= got;
    }
    return FAULT_NONE;
}

static enum fault refuse(struct problem *why, const char *what)
{
    return problem_set(why, FAULT_UNPROCESSABLE, "the part is not Parquet: %s", what);
}

/* Looks at both ends of the file; *starts_at is where the footer begins. */
static enum fault ends_check(const struct thrift_source *source, uint64_t bytes,
                             uint64_t *starts_at, struct problem *why)
{
    unsigned char head[MAGIC_LEN];
    unsigned char tail[TAIL_LEN];
    if (bytes < FILE_MIN)
        return refuse(why, "it is too short");
    enum fault f = exactly(source, 0, head, sizeof head, why);
    if (!f)
        f = exactly(source, bytes - TAIL_LEN, tail, sizeof tail, why);
    if (f)
        return f;
    if (memcmp(tail + LENGTH_LEN, "PARE", MAGIC_LEN) == 0)
        return refuse(why, "its footer is encrypted");
    if (memcmp(head, "PAR1", MAGIC_LEN) != 0)
        return refuse(why, "it does not begin with PAR1");
    if (memcmp(tail + LENGTH_LEN, "PAR1", MAGIC_LEN) != 0)
        return refuse(why, "it does not end with PAR1");
    uint64_t len = 0;
    for (size_t i = LENGTH_LEN; i-- > 0;) {
        enum { BYTE_BITS = 8 };
        len = len << BYTE_BITS | tail[i];
    }
    if (len > bytes - FILE_MIN)
        return refuse(why, "its footer is longer than the file");
    *starts_at = bytes - TAIL_LEN - len;
    return FAULT_NONE;
}

static enum fault ends_read(const struct thrift_source *source, uint64_t bytes, bool alone,
                            struct arena *arena, struct reading *out, struct problem *why)
{
    uint64_t starts_at = 0;
    enum fault f = ends_check(source, bytes, &starts_at, why);
    if (f)
        return f;
    struct footer *footer = arena_alloc(arena, sizeof *footer);
    if (!footer)
        return problem_internal(why, "no memory for a Parquet reader");
    footer->out = out;
    footer->starts_at = starts_at;
    footer->alone = alone;
    columns_init(&out->columns, arena);
    issues_init(&out->issues, arena);
    thrift_init(&footer->thrift, source, starts_at, bytes - TAIL_LEN, why);
    return footer_read(footer);
}

enum fault parquet_read(const struct thrift_source *source, uint64_t bytes, struct arena *arena,
                        struct reading *out, struct problem *why)
{
    return ends_read(source, bytes, false, arena, out, why);
}

enum fault parquet_read_footer(const struct thrift_source *source, uint64_t bytes,
                               struct arena *arena, struct reading *out, struct problem *why)
{
    return ends_read(source, bytes, true, arena, out, why);
}
