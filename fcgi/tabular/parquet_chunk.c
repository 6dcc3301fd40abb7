#include "tabular/parquet_chunk.h"

#include "tabular/parquet_physical.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LENGTH = 4, /* bytes of a text's length in PLAIN */
    BYTE_BITS = 8,
    LEVEL_BITS = 1,  /* of a definition level: there, or null */
    PAYS_FROM = 512, /* values after which a dictionary must have paid */
};

#define PAGE_MAX ((size_t)1 << 30) /* bytes of one page: its size is an i32 */

void parquet_chunk_init(struct parquet_chunk *chunk, const struct column *column)
{
    *chunk =
        (struct parquet_chunk){ .column = column, .physical = parquet_physical_of(&column->type) };
    text_init(&chunk->page, PAGE_MAX);
    text_init(&chunk->done, PAGE_MAX);
    parquet_runs_init(&chunk->levels, LEVEL_BITS, PAGE_MAX);
}

static void dictionary_drop(struct parquet_chunk *chunk)
{
    if (chunk->dictionary)
        parquet_dictionary_release(chunk->dictionary);
    free(chunk->dictionary);
    chunk->dictionary = NULL;
}

void parquet_chunk_release(struct parquet_chunk *chunk)
{
    text_release(&chunk->page);
    text_release(&chunk->done);
    parquet_runs_release(&chunk->levels);
    dictionary_drop(chunk);
    free(chunk->least.text);
    free(chunk->greatest.text);
}

enum fault parquet_chunk_begin(struct parquet_chunk *chunk, uint64_t seed, struct problem *why)
{
    const struct column *column = chunk->column;
    parquet_chunk_release(chunk);
    parquet_chunk_init(chunk, column);
    if (seed == 0 || chunk->physical != PARQUET_BYTE_ARRAY)
        return FAULT_NONE;
    chunk->dictionary = malloc(sizeof *chunk->dictionary);
    if (!chunk->dictionary)
        return problem_internal(why, "out of memory for a dictionary");
    parquet_dictionary_init(chunk->dictionary, seed);
    chunk->in_dictionary = true;
    return FAULT_NONE;
}

size_t parquet_chunk_open_bytes(const struct parquet_chunk *chunk)
{
    return chunk->page.len + chunk->levels.out.len +
           (chunk->dictionary ? chunk->dictionary->page.len : 0);
}

/* ---- statistics ---- */

/* Remembers a value as the least or the greatest; false when it is too long. */
static bool extreme_set(struct parquet_extreme *extreme, const struct cell *cell)
{
    if (cell->kind != CELL_BYTES) {
        extreme->cell = *cell;
        return true;
    }
    if (cell->as.bytes.len > PARQUET_CHUNK_EXTREME_MAX)
        return false;
    if (!extreme->text)
        extreme->text = malloc(PARQUET_CHUNK_EXTREME_MAX);
    if (!extreme->text)
        return false;
    if (cell->as.bytes.len > 0)
        memcpy(extreme->text, cell->as.bytes.data, cell->as.bytes.len);
    extreme->cell = *cell;
    extreme->cell.as.bytes.data = extreme->text;
    return true;
}

static void extremes_note(struct parquet_chunk *chunk, const struct cell *cell)
{
    if (chunk->no_extremes || (cell->kind == CELL_REAL && isnan(cell->as.real)))
        return;
    const bool first = chunk->least.cell.kind == CELL_NULL;
    bool kept = true;
    if (first || parquet_physical_compare(cell, &chunk->least.cell) < 0)
        kept = extreme_set(&chunk->least, cell);
    if (kept && (first || parquet_physical_compare(cell, &chunk->greatest.cell) > 0))
        kept = extreme_set(&chunk->greatest, cell);
    chunk->no_extremes = !kept;
}

/* ---- values ---- */

static void plain_add(struct parquet_chunk *chunk, const struct parquet_physical_value *value)
{
    if (chunk->physical == PARQUET_BYTE_ARRAY) {
        char length[LENGTH];
        for (unsigned i = 0; i < LENGTH; i++)
            length[i] = (char)(value->len >> (i * BYTE_BITS));
        text_add(&chunk->page, length, sizeof length);
    } else if (chunk->physical == PARQUET_BOOLEAN) { /* eight to a byte, the lowest bit first */
        if (chunk->bits == 0)
            text_addc(&chunk->page, 0);
        if (!text_failed(&chunk->page))
            chunk->page.data[chunk->page.len - 1] =
                (char)(chunk->page.data[chunk->page.len - 1] | value->room[0] << chunk->bits);
        chunk->bits = (uint8_t)((chunk->bits + 1) % BYTE_BITS);
        return;
    }
    text_add(&chunk->page, value->bytes, value->len);
}

/* The open page, which holds numbers, as values. */
static void numbers_to_values(struct parquet_chunk *chunk)
{
    struct text values;
    text_init(&values, PAGE_MAX);
    for (size_t at = 0; at < chunk->page.len; at += sizeof(uint16_t)) {
        uint16_t number = 0;
        size_t len = 0;
        memcpy(&number, chunk->page.data + at, sizeof number);
        const char *plain = parquet_dictionary_plain(chunk->dictionary, number, &len);
        text_add(&values, plain, len);
    }
    text_release(&chunk->page);
    chunk->page = values;
}

/* The values from here on are PLAIN; the dictionary stays for the pages that need it. */
static void dictionary_leave(struct parquet_chunk *chunk)
{
    numbers_to_values(chunk);
    chunk->in_dictionary = false;
    if (!chunk->dictionary_pages)
        dictionary_drop(chunk);
}

static bool dictionary_pays(const struct parquet_chunk *chunk)
{
    return chunk->dictionary->count <= (chunk->rows - chunk->nulls) / 2;
}

static void value_add(struct parquet_chunk *chunk, const struct parquet_physical_value *value)
{
    uint16_t number = 0;
    if (chunk->in_dictionary && chunk->rows - chunk->nulls == PAYS_FROM && !dictionary_pays(chunk))
        dictionary_leave(chunk);
    if (chunk->in_dictionary &&
        parquet_dictionary_number(chunk->dictionary, value->bytes, value->len, &number)) {
        text_add(&chunk->page, &number, sizeof number);
        return;
    }
    if (chunk->in_dictionary)
        dictionary_leave(chunk);
    plain_add(chunk, value);
}

static enum fault null_add(struct parquet_chunk *chunk, struct problem *why)
{
    if (!chunk->column->nullable)
        return problem_set(why, FAULT_UNPROCESSABLE, "column %.200s takes no nulls",
                           chunk->column->name);
    parquet_runs_add(&chunk->levels, 0);
    chunk->nulls++;
    return FAULT_NONE;
}

static enum fault value_of(const struct parquet_chunk *chunk, const struct cell *cell,
                           struct parquet_physical_value *value, struct problem *why)
{
    const char *name = chunk->column->name;
    bool fits = true;
    if (!parquet_physical_value(&chunk->column->type, cell, value, &fits)) {
        return problem_internal(why, "a cell of kind %d in column %.200s", (int)cell->kind, name);
    }
    if (!fits) {
        return problem_set(why, FAULT_UNPROCESSABLE,
                           "column %.200s: a timestamp past what Parquet's unit holds", name);
    }
    if (value->len > PAGE_MAX / 2) {
        return problem_set(why, FAULT_TOO_LARGE, "column %.200s: a value of %zu bytes", name,
                           value->len);
    }
    return FAULT_NONE;
}

enum fault parquet_chunk_add(struct parquet_chunk *chunk, const struct cell *cell,
                             struct problem *why)
{
    struct parquet_physical_value value = { .bytes = "" };
    if (cell->kind == CELL_NULL) {
        const enum fault f = null_add(chunk, why);
        if (f)
            return f;
    } else {
        const enum fault f = value_of(chunk, cell, &value, why);
        if (f)
            return f;
        value_add(chunk, &value);
        extremes_note(chunk, cell);
        if (chunk->column->nullable)
            parquet_runs_add(&chunk->levels, 1);
    }
    chunk->rows++;
    chunk->page_rows++;
    return text_failed(&chunk->page) || text_failed(&chunk->levels.out)
               ? problem_internal(why, "out of memory for a page")
               : FAULT_NONE;
}
