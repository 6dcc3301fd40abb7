#include "tabular/parquet.h"

#include "base/text.h"
#include "tabular/parquet_type.h"

#include <stdio.h>
#include <string.h>

enum {
    MAGIC_LEN = 4,
    LENGTH_LEN = 4, /* of the footer's length, little-endian */
    TAIL_LEN = LENGTH_LEN + MAGIC_LEN,
    FILE_MIN = MAGIC_LEN + TAIL_LEN,
    NESTING_MAX = 32, /* lists in lists */
};

/* The way through a footer. */
struct footer {
    struct thrift thrift;
    struct reading *out;
    uint64_t starts_at; /* pages lie before it */
    uint64_t elements;  /* of the schema that are still to come */
    uint64_t leaves;
    int64_t rows;    /* of the file */
    int64_t grouped; /* of the row groups so far */
    bool has_schema;
};

static bool failed(const struct footer *footer)
{
    return footer->thrift.fault != FAULT_NONE;
}

static void fail(struct footer *footer, const char *what)
{
    thrift_fail(&footer->thrift, what);
}

/* ---- one element of the schema ---- */

/* MILLIS, MICROS or NANOS: the number of the member of a union of empty structs. */
static int64_t unit_read(struct footer *footer)
{
    int64_t unit = 0;
    int16_t id = 0;
    for (enum thrift_type type = thrift_field(&footer->thrift, &id); type != THRIFT_STOP;
         type = thrift_field(&footer->thrift, &id)) {
        unit = id;
        thrift_skip(&footer->thrift, type);
    }
    return unit;
}

/* The members of a logical type that has some: DECIMAL, TIME, TIMESTAMP, INTEGER. */
static void logical_members(struct footer *footer, struct parquet_element *element)
{
    struct thrift *t = &footer->thrift;
    int16_t id = 0;
    for (enum thrift_type type = thrift_field(t, &id); type != THRIFT_STOP;
         type = thrift_field(t, &id)) {
        const bool first = id == 1;
        const bool second = id == 2;
        if (element->logical == PARQUET_LOGICAL_DECIMAL && type == THRIFT_I32 && (first || second))
            *(first ? &element->scale : &element->precision) = thrift_integer(t);
        else if (element->logical == PARQUET_LOGICAL_INTEGER && type == THRIFT_BYTE && first)
            element->width = thrift_byte(t); /* 8 to 64 */
        else if (element->logical == PARQUET_LOGICAL_INTEGER && second)
            element->is_signed = type == THRIFT_TRUE;
        else if (second && type == THRIFT_STRUCT)
            element->unit = unit_read(footer);
        else
            thrift_skip(t, type);
    }
}

static void logical_read(struct footer *footer, struct parquet_element *element)
{
    struct thrift *t = &footer->thrift;
    int16_t id = 0;
    for (enum thrift_type type = thrift_field(t, &id); type != THRIFT_STOP;
         type = thrift_field(t, &id)) {
        element->logical = id;
        if (type == THRIFT_STRUCT)
            logical_members(footer, element);
        else
            thrift_skip(t, type);
    }
}

static void physical_read(struct footer *footer, struct parquet_element *element)
{
    const int64_t raw = thrift_integer(&footer->thrift);
    if (raw < PARQUET_BOOLEAN || raw > PARQUET_FIXED_LEN_BYTE_ARRAY)
        fail(footer, "a column has an unknown type");
    else
        element->physical = (enum parquet_physical)raw;
}

static void repetition_read(struct footer *footer, struct parquet_element *element)
{
    const int64_t raw = thrift_integer(&footer->thrift);
    if (raw < PARQUET_REQUIRED || raw > PARQUET_REPEATED)
        fail(footer, "a column has an unknown repetition");
    else
        element->repetition = (enum parquet_repetition)raw;
}

/* parquet.thrift: SchemaElement */
static void element_field(struct footer *footer, struct parquet_element *element,
                          enum thrift_type type, int16_t id)
{
    enum {
        PHYSICAL = 1,
        REPETITION = 3,
        NAME,
        CHILDREN,
        CONVERTED,
        SCALE,
        PRECISION,
        LOGICAL = 10
    };
    struct thrift *t = &footer->thrift;
    if (id == PHYSICAL && type == THRIFT_I32)
        physical_read(footer, element);
    else if (id == REPETITION && type == THRIFT_I32)
        repetition_read(footer, element);
    else if (id == NAME && type == THRIFT_BINARY)
        thrift_text(t, element->name, sizeof element->name - 1, &element->name_len);
    else if (id == CHILDREN && type == THRIFT_I32)
        element->children = thrift_integer(t);
    else if (id == CONVERTED && type == THRIFT_I32)
        element->converted = thrift_integer(t);
    else if (id == SCALE && type == THRIFT_I32)
        element->scale = thrift_integer(t);
    else if (id == PRECISION && type == THRIFT_I32)
        element->precision = thrift_integer(t);
    else if (id == LOGICAL && type == THRIFT_STRUCT)
        logical_read(footer, element);
    else
        thrift_skip(t, type);
}

static void element_read(struct footer *footer, struct parquet_element *element)
{
    int16_t id = 0;
    *element = (struct parquet_element){ .physical = PARQUET_NO_TYPE,
                                         .converted = PARQUET_CONVERTED_NONE };
    if (footer->elements == 0) {
        fail(footer, "the schema has fewer elements than children");
        return;
    }
    footer->elements--;
    for (enum thrift_type type = thrift_field(&footer->thrift, &id); type != THRIFT_STOP;
         type = thrift_field(&footer->thrift, &id))
        element_field(footer, element, type, id);
    const bool leaf = element->physical != PARQUET_NO_TYPE;
    footer->leaves += leaf;
    if (element->children < 0 || (uint64_t)element->children > footer->elements ||
        (leaf && element->children > 0))
        fail(footer, "the schema's tree is damaged");
}

/* ---- the schema ---- */

/* Passes over what is below an element. */
static void below_skip(struct footer *footer, int64_t children)
{
    struct parquet_element element;
    for (; !failed(footer) && children > 0; children--) {
        element_read(footer, &element);
        children += element.children; /* bounded by the elements left */
    }
}

/* The repeated child of a LIST is its element itself in files of old writers (parquet-format,
 * LogicalTypes.md, "Backward-compatibility rules"). */
static bool is_own_element(const struct parquet_element *repeated, const char *list_name)
{
    char tuple[sizeof repeated->name + sizeof "_tuple"];
    (void)snprintf(tuple, sizeof tuple, "%s_tuple", list_name);
    return repeated->children != 1 || strcmp(repeated->name, "array") == 0 ||
           strcmp(repeated->name, tuple) == 0;
}

static struct type element_type(struct footer *footer, const struct parquet_element *element,
                                unsigned depth);

/* What is in a LIST; all below it is read. */
static struct type list_type(struct footer *footer, const struct parquet_element *list,
                             unsigned depth)
{
    struct parquet_element element;
    struct type type = { .kind = TYPE_NVARCHAR };
    element_read(footer, &element);
    if (element.physical != PARQUET_NO_TYPE) {
        type = parquet_type_leaf(&element);
    } else if (is_own_element(&element, list->name)) {
        below_skip(footer, element.children);
    } else {
        element_read(footer, &element);
        type = element_type(footer, &element, depth + 1);
    }
    return type;
}

/* The type of an element; all below it is read. */
static struct type element_type(struct footer *footer, const struct parquet_element *element,
                                unsigned depth)
{
    struct type type = { .kind = TYPE_NVARCHAR }; /* Opteryx keeps structs as text */
    bool array = element->repetition == PARQUET_REPEATED;
    if (depth == NESTING_MAX) {
        fail(footer, "the schema is nested too deep");
        return type;
    }
    if (element->physical != PARQUET_NO_TYPE) {
        type = parquet_type_leaf(element);
    } else if (parquet_type_is_list(element) && element->children == 1) {
        type = list_type(footer, element, depth);
        array = true;
    } else {
        below_skip(footer, element->children);
        if (parquet_type_is_variant(element))
            type.kind = TYPE_VARIANT;
    }
    if (array && type.arrays < TYPE_ARRAYS_MAX)
        type.arrays++;
    return type;
}

static void column_read(struct footer *footer)
{
    struct parquet_element element;
    element_read(footer, &element);
    const bool nullable = element.repetition == PARQUET_OPTIONAL;
    const struct type type = element_type(footer, &element, 0);
    if (!failed(footer) && !text_is_utf8(element.name, element.name_len))
        fail(footer, "a column's name is not UTF-8");
    if (!failed(footer))
        footer->thrift.fault = columns_add(&footer->out->columns, element.name, element.name_len,
                                           &type, nullable, footer->thrift.why);
}

static void schema_read(struct footer *footer)
{
    struct parquet_element root;
    enum thrift_type type = THRIFT_STOP;
    footer->elements = thrift_list(&footer->thrift, &type);
    if (footer->has_schema || type != THRIFT_STRUCT)
        fail(footer, "the schema is damaged");
    footer->has_schema = true;
    element_read(footer, &root);
    for (int64_t i = 0; !failed(footer) && i < root.children; i++)
        column_read(footer);
    if (footer->elements != 0)
        fail(footer, "the schema has more elements than children");
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
    if (chunk->compressed == 0)
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
    if (rows < 0 || __builtin_add_overflow(footer->grouped, rows, &footer->grouped) ||
        footer->grouped > OPTERYX_ROWS_MAX)
        fail(footer, "a row group has an impossible number of rows");
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
    if (!failed(footer) && footer->rows != footer->grouped)
        fail(footer, "its row groups have other rows than the file");
    footer->out->rows = footer->rows;
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

enum fault parquet_read(const struct thrift_source *source, uint64_t bytes, struct arena *arena,
                        struct reading *out, struct problem *why)
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
    columns_init(&out->columns, arena);
    issues_init(&out->issues, arena);
    thrift_init(&footer->thrift, source, starts_at, bytes - TAIL_LEN, why);
    return footer_read(footer);
}
