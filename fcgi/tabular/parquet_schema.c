#include "tabular/parquet_schema.h"

#include "base/limits.h"
#include "base/text.h"
#include "tabular/parquet_type.h"
#include "tabular/reading.h"

#include <stdio.h>
#include <string.h>

enum { NESTING_MAX = 32 }; /* lists in lists */

/* A name that is looked at; most elements' are passed over. */
struct name {
    size_t len;
    char text[OPTERYX_COLUMN_NAME_MAX + 1];
};

/* The way through a schema. */
struct schema {
    struct thrift *thrift;
    uint64_t elements; /* that are still to come */
    uint64_t leaves;
    struct name column; /* the child of the root that we are in */
};

static bool failed(const struct schema *schema)
{
    return schema->thrift->fault != FAULT_NONE;
}

static void fail(struct schema *schema, const char *what)
{
    thrift_fail(schema->thrift, what);
}

/* ---- one element ---- */

/* MILLIS, MICROS or NANOS: the number of the member of a union of empty structs. */
static int64_t unit_read(struct thrift *t)
{
    int64_t unit = 0;
    int16_t id = 0;
    for (enum thrift_type type = thrift_field(t, &id); type != THRIFT_STOP;
         type = thrift_field(t, &id)) {
        unit = id;
        thrift_skip(t, type);
    }
    return unit;
}

/* The members of a logical type that has some: DECIMAL, TIME, TIMESTAMP, INTEGER. */
static void logical_members(struct thrift *t, struct parquet_element *element)
{
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
            element->unit = unit_read(t);
        else
            thrift_skip(t, type);
    }
}

static void logical_read(struct thrift *t, struct parquet_element *element)
{
    int16_t id = 0;
    for (enum thrift_type type = thrift_field(t, &id); type != THRIFT_STOP;
         type = thrift_field(t, &id)) {
        element->logical = id;
        if (type == THRIFT_STRUCT)
            logical_members(t, element);
        else
            thrift_skip(t, type);
    }
}

static void physical_read(struct schema *schema, struct parquet_element *element)
{
    const int64_t raw = thrift_integer(schema->thrift);
    if (raw < PARQUET_BOOLEAN || raw > PARQUET_FIXED_LEN_BYTE_ARRAY)
        fail(schema, "a column has an unknown type");
    else
        element->physical = (enum parquet_physical)raw;
}

static void repetition_read(struct schema *schema, struct parquet_element *element)
{
    const int64_t raw = thrift_integer(schema->thrift);
    if (raw < PARQUET_REQUIRED || raw > PARQUET_REPEATED)
        fail(schema, "a column has an unknown repetition");
    else
        element->repetition = (enum parquet_repetition)raw;
}

/* parquet.thrift: SchemaElement; name NULL: it is not looked at */
static void element_field(struct schema *schema, struct parquet_element *element, struct name *name,
                          enum thrift_type type, int16_t id)
{
    enum {
        PHYSICAL = 1,
        LENGTH,
        REPETITION,
        NAME,
        CHILDREN,
        CONVERTED,
        SCALE,
        PRECISION,
        LOGICAL = 10
    };
    struct thrift *t = schema->thrift;
    int64_t *const numbers[] = {
        [LENGTH] = &element->length,       [CHILDREN] = &element->children,
        [CONVERTED] = &element->converted, [SCALE] = &element->scale,
        [PRECISION] = &element->precision,
    };
    if (id == PHYSICAL && type == THRIFT_I32)
        physical_read(schema, element);
    else if (id == REPETITION && type == THRIFT_I32)
        repetition_read(schema, element);
    else if (id == NAME && type == THRIFT_BINARY && name)
        thrift_text(t, name->text, sizeof name->text - 1, &name->len);
    else if (id == LOGICAL && type == THRIFT_STRUCT)
        logical_read(t, element);
    else if (id <= PRECISION && numbers[id] && type == THRIFT_I32)
        *numbers[id] = thrift_integer(t);
    else
        thrift_skip(t, type);
}

/* Children make a group, whatever the type says: some writers give theirs one. */
static void element_settle(struct schema *schema, struct parquet_element *element)
{
    char annotation[PARQUET_WORDS_MAX];
    char bearer[PARQUET_WORDS_MAX];
    if (element->children < 0 || (uint64_t)element->children > schema->elements) {
        fail(schema, "the schema's tree is damaged");
        return;
    }
    if (element->children > 0)
        element->physical = PARQUET_GROUP;
    schema->leaves += element->physical != PARQUET_GROUP;
    parquet_type_settle(element);
    if (parquet_type_fits(element) || failed(schema))
        return;
    parquet_type_words(element, annotation, bearer);
    schema->thrift->fault = problem_set(
        schema->thrift->why, FAULT_UNPROCESSABLE,
        "the part is not Parquet that can be read: column '%.256s' has the annotation %s on the "
        "physical type %s, which cannot hold it",
        schema->column.text, annotation, bearer);
}

static void element_next(struct schema *schema, struct parquet_element *element, struct name *name)
{
    int16_t id = 0;
    *element =
        (struct parquet_element){ .physical = PARQUET_GROUP, .converted = PARQUET_CONVERTED_NONE };
    const bool missing = schema->elements == 0;
    if (name) {
        name->len = 0;
        name->text[0] = '\0';
    }
    if (missing) {
        fail(schema, "the schema has fewer elements than children");
        return;
    }
    schema->elements--;
    for (enum thrift_type type = thrift_field(schema->thrift, &id); type != THRIFT_STOP;
         type = thrift_field(schema->thrift, &id))
        element_field(schema, element, name, type, id);
}

static void element_read(struct schema *schema, struct parquet_element *element, struct name *name)
{
    element_next(schema, element, name);
    if (!failed(schema))
        element_settle(schema, element);
}

/* ---- lists ---- */

/* Passes over what is below an element. */
static void below_skip(struct schema *schema, int64_t children)
{
    struct parquet_element element;
    for (; !failed(schema) && children > 0; children--) {
        element_read(schema, &element, NULL);
        children += element.children; /* bounded by the elements left */
    }
}

static struct type element_type(struct schema *schema, const struct parquet_element *element,
                                const struct name *name, unsigned depth);

static bool is_list(const struct parquet_element *element)
{
    return element->logical == PARQUET_LOGICAL_LIST && element->children == 1;
}

/* Whether the repeated group of a LIST is its element itself by what is seen of it alone
 * (parquet-format, LogicalTypes.md, "Backward-compatibility rules"). */
static bool is_own_element(const struct parquet_element *repeated, const struct name *name,
                           const struct name *of_list)
{
    static const char suffix[] = "_tuple";
    const size_t len = sizeof suffix - 1;
    const bool tuple = name->len == of_list->len + len &&
                       memcmp(name->text, of_list->text, of_list->len) == 0 &&
                       memcmp(name->text + of_list->len, suffix, len) == 0;
    return repeated->children != 1 || strcmp(name->text, "array") == 0 || tuple ||
           repeated->logical == PARQUET_LOGICAL_LIST || repeated->logical == PARQUET_LOGICAL_MAP;
}

/* What a LIST holds, whose only child is repeated; all below that is read. */
static struct type list_type(struct schema *schema, const struct parquet_element *repeated,
                             const struct name *name, const struct name *of_list, unsigned depth)
{
    struct parquet_element element;
    struct name below;
    struct type type = { .kind = TYPE_NVARCHAR };
    if (repeated->physical != PARQUET_GROUP || is_own_element(repeated, name, of_list)) {
        element = *repeated;
        element.repetition = PARQUET_REQUIRED;
        return element_type(schema, &element, name, depth + 1);
    }
    element_read(schema, &element, &below);
    const bool own = element.repetition == PARQUET_REPEATED; /* a struct of one list */
    const struct type inner = element_type(schema, &element, &below, depth + 1);
    return own ? type : inner;
}

/* ---- types ---- */

/* The type of an element; all below it is read. */
static struct type element_type(struct schema *schema, const struct parquet_element *element,
                                const struct name *name, unsigned depth)
{
    struct type type = { .kind = TYPE_NVARCHAR }; /* Opteryx keeps structs as text */
    bool array = element->repetition == PARQUET_REPEATED;
    if (depth == NESTING_MAX) {
        fail(schema, "the schema is nested too deep");
        return type;
    }
    if (element->physical != PARQUET_GROUP) {
        type = parquet_type_leaf(element);
    } else if (is_list(element)) {
        struct parquet_element child;
        struct name of_child;
        element_read(schema, &child, &of_child);
        if (child.repetition == PARQUET_REPEATED) {
            type = list_type(schema, &child, &of_child, name, depth);
            array = true;
        } else {
            below_skip(schema, child.children); /* no list, whatever it is annotated */
        }
    } else {
        below_skip(schema, element->children);
        if (element->logical == PARQUET_LOGICAL_VARIANT)
            type.kind = TYPE_VARIANT;
    }
    if (array && type.arrays < TYPE_ARRAYS_MAX)
        type.arrays++;
    return type;
}

static void column_read(struct schema *schema, struct columns *columns)
{
    struct parquet_element element;
    element_next(schema, &element, &schema->column);
    if (!failed(schema) && !text_is_utf8(schema->column.text, schema->column.len))
        fail(schema, "a column's name is not UTF-8");
    if (failed(schema))
        return;
    element_settle(schema, &element);
    const bool nullable = element.repetition == PARQUET_OPTIONAL;
    const struct type type = element_type(schema, &element, &schema->column, 0);
    if (failed(schema))
        return;
    const enum fault f = columns_add(columns, schema->column.text, schema->column.len, &type,
                                     nullable, schema->thrift->why);
    schema->thrift->fault = reading_refused("Parquet", f, "", schema->thrift->why);
}

void parquet_schema_read(struct thrift *thrift, struct columns *columns, uint64_t *leaves)
{
    struct schema schema = { .thrift = thrift };
    struct parquet_element root;
    enum thrift_type type = THRIFT_STOP;
    schema.elements = thrift_list(thrift, &type);
    if (type != THRIFT_STRUCT)
        fail(&schema, "the schema is damaged");
    if (schema.elements > PARQUET_ELEMENTS_MAX)
        fail(&schema, "the schema has more than 1048576 elements");
    element_next(&schema, &root, NULL);
    if (root.children < 0 || (uint64_t)root.children > schema.elements)
        fail(&schema, "the schema's tree is damaged");
    for (int64_t i = 0; !failed(&schema) && i < root.children; i++)
        column_read(&schema, columns);
    if (schema.elements != 0)
        fail(&schema, "the schema has more elements than children");
    *leaves = schema.leaves;
}
