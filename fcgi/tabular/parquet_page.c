/* The half of parquet_chunk.h that makes bytes of a file: pages and what the footer says of them. */
#include "tabular/parquet_chunk.h"

#include "tabular/parquet_physical.h"
#include "tabular/thrift_write.h"

#include <string.h>

/* parquet.thrift */
enum {
    ENCODING_PLAIN = 0,
    ENCODING_RLE = 3,
    ENCODING_RLE_DICTIONARY = 8,
    CODEC_ZSTD = 6,
    PAGE_DATA = 0,
    PAGE_DICTIONARY = 2,
};

enum { BYTE_BITS = 8, LEVELS_LENGTH = 4 };

/* ---- pages ---- */

/* A PageHeader; its last member, a struct of its own, depends on the type. */
static void page_header(struct text *out, int type, size_t uncompressed, size_t compressed,
                        uint32_t values, int encoding)
{
    enum { TYPE = 1, UNCOMPRESSED = 2, COMPRESSED = 3, DATA = 5, DICTIONARY = 7 };
    enum { VALUES = 1, ENCODING = 2, DEFINITIONS = 3, REPETITIONS = 4 };
    int16_t id = 0;
    int16_t of_member = 0;
    thrift_write_i32(out, &id, TYPE, type);
    thrift_write_i32(out, &id, UNCOMPRESSED, (int32_t)uncompressed);
    thrift_write_i32(out, &id, COMPRESSED, (int32_t)compressed);
    thrift_write_field(out, &id, type == PAGE_DATA ? DATA : DICTIONARY, THRIFT_STRUCT);
    thrift_write_i32(out, &of_member, VALUES, (int32_t)values);
    thrift_write_i32(out, &of_member, ENCODING, encoding);
    if (type == PAGE_DATA) {
        thrift_write_i32(out, &of_member, DEFINITIONS, ENCODING_RLE);
        thrift_write_i32(out, &of_member, REPETITIONS, ENCODING_RLE);
    }
    thrift_write_stop(out);
    thrift_write_stop(out);
}

/* What a page is made of. */
struct page {
    const struct text *body;
    int type;
    int encoding;
    uint32_t values;
};

/* Compresses a page and appends it with its header to out.  *uncompressed grows by what it would be
 * without compression. */
static enum fault page_add(struct text *out, struct zstd_frame *zstd, const struct page *page,
                           uint64_t *uncompressed, struct problem *why)
{
    const struct text *body = page->body;
    struct text packed;
    text_init(&packed, out->max);
    enum fault f = text_failed(body)
                       ? problem_internal(why, "out of memory for a page")
                       : zstd_frame_add(zstd, text_string(body), body->len, &packed, why);
    const size_t before = out->len;
    if (!f) {
        page_header(out, page->type, body->len, packed.len, page->values, page->encoding);
        *uncompressed += out->len - before + body->len;
        text_add(out, packed.data, packed.len);
    }
    text_release(&packed);
    if (!f && text_failed(out))
        f = problem_internal(why, "out of memory for a page");
    return f;
}

/* Levels stand in front of the values with their length (Encodings.md, RLE). */
static void levels_add(struct parquet_chunk *chunk, struct text *body)
{
    if (!chunk->column->nullable)
        return;
    parquet_runs_end(&chunk->levels);
    const size_t len = chunk->levels.out.len;
    for (unsigned i = 0; i < LEVELS_LENGTH; i++)
        text_addc(body, (char)(len >> (i * BYTE_BITS)));
    text_add(body, text_string(&chunk->levels.out), len);
    if (text_failed(&chunk->levels.out))
        body->failed = true;
}

/* The bits that the numbers up to the dictionary's last need; at least one. */
static unsigned number_bits(const struct parquet_chunk *chunk)
{
    unsigned bits = 1;
    while ((chunk->dictionary->count - 1) >> bits)
        bits++;
    return bits;
}

static void numbers_add(struct parquet_chunk *chunk, struct text *body)
{
    const unsigned bits = chunk->dictionary->count > 0 ? number_bits(chunk) : 1;
    struct parquet_runs runs;
    parquet_runs_init(&runs, bits, body->max);
    for (size_t at = 0; at < chunk->page.len; at += sizeof(uint16_t)) {
        uint16_t number = 0;
        memcpy(&number, chunk->page.data + at, sizeof number);
        parquet_runs_add(&runs, number);
    }
    parquet_runs_end(&runs);
    text_addc(body, (char)bits);
    text_add(body, text_string(&runs.out), runs.out.len);
    if (text_failed(&runs.out))
        body->failed = true;
    parquet_runs_release(&runs);
}

enum fault parquet_chunk_close_page(struct parquet_chunk *chunk, struct zstd_frame *zstd,
                                    struct problem *why)
{
    if (chunk->page_rows == 0)
        return FAULT_NONE;
    struct text body;
    text_init(&body, chunk->page.max);
    levels_add(chunk, &body);
    if (chunk->in_dictionary)
        numbers_add(chunk, &body);
    else
        text_add(&body, text_string(&chunk->page), chunk->page.len);
    const struct page page = { .body = &body,
                               .type = PAGE_DATA,
                               .encoding =
                                   chunk->in_dictionary ? ENCODING_RLE_DICTIONARY : ENCODING_PLAIN,
                               .values = chunk->page_rows };
    enum fault f = page_add(&chunk->done, zstd, &page, &chunk->uncompressed, why);
    text_release(&body);
    text_release(&chunk->page);
    parquet_runs_clear(&chunk->levels, chunk->levels.bits);
    chunk->page_rows = 0;
    chunk->bits = 0;
    chunk->dictionary_pages = chunk->dictionary_pages || chunk->in_dictionary;
    chunk->plain_pages = chunk->plain_pages || !chunk->in_dictionary;
    return f;
}

enum fault parquet_chunk_dictionary(struct parquet_chunk *chunk, struct zstd_frame *zstd,
                                    struct text *out, struct problem *why)
{
    if (!chunk->dictionary_pages)
        return FAULT_NONE;
    const struct page page = { .body = &chunk->dictionary->page,
                               .type = PAGE_DICTIONARY,
                               .encoding = ENCODING_PLAIN,
                               .values = chunk->dictionary->count };
    return page_add(out, zstd, &page, &chunk->uncompressed, why);
}

/* ---- what the footer says ---- */

/* A zero among floating-point extremes may be of either sign (parquet.thrift, ColumnOrder). */
static struct cell signed_zero(struct cell cell, double zero)
{
    if (cell.kind == CELL_REAL && !(cell.as.real < 0) && !(cell.as.real > 0))
        cell.as.real = zero;
    return cell;
}

static void extreme_write(const struct parquet_chunk *chunk, const struct cell *cell, int16_t field,
                          int16_t *id, struct text *out)
{
    struct parquet_physical_value value = { .bytes = "" };
    bool fits = true;
    if (parquet_physical_value(&chunk->column->type, cell, &value, &fits) && fits)
        thrift_write_binary(out, id, field, value.bytes, value.len);
}

static void statistics_write(const struct parquet_chunk *chunk, struct text *out)
{
    enum { NULLS = 3, MAX_VALUE = 5, MIN_VALUE = 6 };
    int16_t id = 0;
    thrift_write_i64(out, &id, NULLS, (int64_t)chunk->nulls);
    if (!chunk->no_extremes && chunk->least.cell.kind != CELL_NULL) {
        const struct cell greatest = signed_zero(chunk->greatest.cell, 0.0);
        const struct cell least = signed_zero(chunk->least.cell, -0.0);
        extreme_write(chunk, &greatest, MAX_VALUE, &id, out);
        extreme_write(chunk, &least, MIN_VALUE, &id, out);
    }
    thrift_write_stop(out);
}

static void encodings_write(const struct parquet_chunk *chunk, int16_t *id, struct text *out)
{
    enum { ENCODINGS = 2 };
    const bool plain = chunk->plain_pages || chunk->dictionary_pages; /* dictionaries are PLAIN */
    thrift_write_list(out, id, ENCODINGS, THRIFT_I32, 1U + plain + chunk->dictionary_pages);
    thrift_write_element_i32(out, ENCODING_RLE);
    if (plain)
        thrift_write_element_i32(out, ENCODING_PLAIN);
    if (chunk->dictionary_pages)
        thrift_write_element_i32(out, ENCODING_RLE_DICTIONARY);
}

void parquet_chunk_describe(const struct parquet_chunk *chunk, uint64_t offset, size_t dictionary,
                            struct text *out)
{
    enum { FILE_OFFSET = 2, META = 3 };
    enum {
        TYPE = 1,
        PATH = 3,
        CODEC = 4,
        VALUES = 5,
        UNCOMPRESSED = 6,
        COMPRESSED = 7,
        DATA_OFFSET = 9,
        DICTIONARY_OFFSET = 11,
        STATISTICS = 12
    };
    int16_t of_chunk = 0;
    int16_t id = 0;
    thrift_write_i64(out, &of_chunk, FILE_OFFSET, 0); /* no metadata beside the footer's */
    thrift_write_field(out, &of_chunk, META, THRIFT_STRUCT);
    thrift_write_i32(out, &id, TYPE, chunk->physical);
    encodings_write(chunk, &id, out);
    thrift_write_list(out, &id, PATH, THRIFT_BINARY, 1);
    thrift_write_element_binary(out, chunk->column->name, strlen(chunk->column->name));
    thrift_write_i32(out, &id, CODEC, CODEC_ZSTD);
    thrift_write_i64(out, &id, VALUES, (int64_t)chunk->rows);
    thrift_write_i64(out, &id, UNCOMPRESSED, (int64_t)chunk->uncompressed);
    thrift_write_i64(out, &id, COMPRESSED, (int64_t)(dictionary + chunk->done.len));
    thrift_write_i64(out, &id, DATA_OFFSET, (int64_t)(offset + dictionary));
    if (dictionary > 0)
        thrift_write_i64(out, &id, DICTIONARY_OFFSET, (int64_t)offset);
    thrift_write_field(out, &id, STATISTICS, THRIFT_STRUCT);
    statistics_write(chunk, out);
    thrift_write_stop(out);
    thrift_write_stop(out);
}
