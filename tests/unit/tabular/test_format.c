/*
 * Which reader a content gets, and what is said of one that is not what it is called.
 */
#include "base/limits.h"
#include "reading_trace.h"
#include "tabular/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text) text, sizeof(text) - 1
#define CSV "the part is not CSV: "
#define NDJSON "the part is not NDJSON: "
#define PARQUET "the part is not Parquet: "
#define UNKNOWN                                                                                    \
    "unsupported file type: neither a file name nor a content type nor the content says what the " \
    "part is"
#define NO_PAR1 PARQUET "it does not begin with PAR1"
#define ZIP "a zip archive, as .xlsx workbooks are; send the table that is in it"

static const struct {
    const char *label;
    enum format_kind kind;
    const char *content;
    size_t len;
    const char *said; /* beginning with a digit: what is read */
} cases[] = {
    { "UTF-16 with a mark", FORMAT_CSV, BYTES("\xFF\xFE\x61\0,\0\x62\0\n\0"),
      CSV "it looks like UTF-16; send UTF-8" },
    { "UTF-16 of the other order", FORMAT_NDJSON, BYTES("\xFE\xFF\0{\0\"\0a"),
      NDJSON "it looks like UTF-16; send UTF-8" },
    { "UTF-16 without a mark", FORMAT_CSV, BYTES("a\0,\0b\0\n\0"),
      CSV "it looks like UTF-16; send UTF-8" },
    { "UTF-16 of the other order without a mark", FORMAT_CSV, BYTES("\0a\0,\0\x62\0\n"),
      CSV "it looks like UTF-16; send UTF-8" },
    { "UTF-16 with letters that are not ASCII", FORMAT_CSV, BYTES("a\0,\0\xE9\x65\n\0"),
      CSV "it looks like UTF-16; send UTF-8" },
    { "UTF-32", FORMAT_CSV, BYTES("\xFF\xFE\0\0\x61\0\0\0"),
      CSV "it looks like UTF-32; send UTF-8" },
    { "UTF-32 without a mark", FORMAT_CSV, BYTES("a\0\0\0,\0\0\0"),
      CSV "it looks like UTF-32; send UTF-8" },
    { "UTF-32 of the other order", FORMAT_CSV, BYTES("\0\0\0\x61\0\0\0,"),
      CSV "it looks like UTF-32; send UTF-8" },
    { "gzip", FORMAT_CSV, BYTES("\x1F\x8B\x08\0\0\0\0\0\0\3"),
      CSV "it looks like gzip; send it with Content-Encoding: gzip" },
    { "gzip as NDJSON", FORMAT_NDJSON, BYTES("\x1F\x8B\x08\0\0\0\0\0\0\3"),
      NDJSON "it looks like gzip; send it with Content-Encoding: gzip" },
    { "gzip as Parquet", FORMAT_PARQUET, BYTES("\x1F\x8B\x08\0\0\0\0\0\0\3"),
      NO_PAR1 "; it looks like gzip; send it with Content-Encoding: gzip" },
    { "gzip as nothing", FORMAT_UNKNOWN, BYTES("\x1F\x8B\x08\0\0\0\0\0\0\3"),
      UNKNOWN "; it looks like gzip; send it with Content-Encoding: gzip" },
    { "zstd", FORMAT_CSV, BYTES("\x28\xB5\x2F\xFD\x04\0"),
      CSV "it looks like zstd; send it with Content-Encoding: zstd" },
    { "deflate", FORMAT_CSV, BYTES("\x78\x9C\x03\0"),
      CSV "it looks like deflate; send it with Content-Encoding: deflate" },
    { "a workbook", FORMAT_CSV, BYTES("PK\x03\x04\x14\0\6\0"), CSV "it looks like " ZIP },
    { "a zip of nothing", FORMAT_NDJSON, BYTES("PK\x05\x06\0\0"), NDJSON "it looks like " ZIP },
    { "an old workbook", FORMAT_CSV, BYTES("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0"),
      CSV "it looks like an .xls workbook; send the table that is in it" },
    { "bzip2", FORMAT_CSV, BYTES("BZh91AY&SY"),
      CSV "it looks like bzip2, which is not served; send gzip or zstd" },
    { "xz", FORMAT_CSV,
      BYTES("\xFD"
            "7zXZ\0\0"),
      CSV "it looks like xz, which is not served; send gzip or zstd" },
    { "lz4", FORMAT_NDJSON, BYTES("\x04\x22\x4D\x18"),
      NDJSON "it looks like lz4, which is not served; send gzip or zstd" },
    { "Parquet as CSV", FORMAT_CSV, BYTES("PAR1\x15\4"),
      CSV "it looks like Parquet; name it .parquet" },
    { "Arrow", FORMAT_PARQUET, BYTES("ARROW1\0\0"),
      NO_PAR1 "; it looks like Arrow, which is not served; send Parquet" },
    { "ORC", FORMAT_CSV, BYTES("ORC\x11"),
      CSV "it looks like ORC, which is not served; send Parquet" },
    { "Avro", FORMAT_CSV, BYTES("Obj\x01\x02"),
      CSV "it looks like Avro, which is not served; send Parquet" },
    { "a database", FORMAT_CSV, BYTES("SQLite format 3\0\x10"),
      CSV "it looks like an SQLite database; send the table that is in it" },
    { "PDF", FORMAT_CSV, BYTES("%PDF-1.7\n"), CSV "it looks like PDF" },
    { "HTML", FORMAT_CSV, BYTES("<!DOCTYPE html>\n<html></html>\n"), CSV "it looks like HTML" },
    { "HTML behind blanks and a mark", FORMAT_NDJSON, BYTES("\xEF\xBB\xBF\n  <HTML>\n"),
      NDJSON "it looks like HTML" },
    { "XML", FORMAT_CSV, BYTES("<?xml version=\"1.0\"?>\n"), CSV "it looks like XML" },
    { "a JSON array", FORMAT_NDJSON, BYTES("[{\"a\":1},\n{\"a\":2}]\n"),
      NDJSON "it looks like a JSON array; send NDJSON, one object a line" },
    { "a JSON array of numbers", FORMAT_NDJSON, BYTES("[1]\n"),
      NDJSON "it looks like a JSON array; send NDJSON, one object a line" },
    { "a JSON array as CSV", FORMAT_CSV, BYTES("[\n  {\"a\": 1}\n]\n"),
      CSV "it looks like a JSON array; send NDJSON, one object a line" },
    { "NDJSON as CSV", FORMAT_CSV, BYTES("{\"a\":1}\n"),
      CSV "it looks like JSON; name it .ndjson" },
    { "NDJSON as Parquet", FORMAT_PARQUET, BYTES("{\"a\":1}\n"),
      NO_PAR1 "; it looks like JSON; name it .ndjson" },
    { "CSV as Parquet", FORMAT_PARQUET, BYTES("a,b\n1,2\n"), NO_PAR1 },
    { "nothing as Parquet", FORMAT_PARQUET, BYTES(""), NO_PAR1 },
    { "CSV as nothing", FORMAT_UNKNOWN, BYTES("a,b\n1,2\n"), UNKNOWN },
    { "nothing as nothing", FORMAT_UNKNOWN, BYTES(""), UNKNOWN },
    { "encrypted Parquet", FORMAT_PARQUET, BYTES("PARE\0\0\0\0PARE"),
      PARQUET "its footer is encrypted" },
    { "a NUL in a name", FORMAT_CSV, BYTES("column\0name,b\n1,2\n"),
      CSV "column 1 has a NUL in its name" },
    { "a NUL in a value", FORMAT_CSV, BYTES("column\nsome\0where\n"), "1 column:VARCHAR" },
    { "a header that begins like a magic", FORMAT_CSV, BYTES("PAR1,ORC\n1,2\n"),
      "1 PAR1:INT64 ORC:INT64" },
    { "another", FORMAT_CSV, BYTES("BZh,x\n1,2\n"), "1 BZh:INT64 x:INT64" },
    { "a header in brackets", FORMAT_CSV, BYTES("[id],<name>,{x}\n1,2,3\n"),
      "1 [id]:INT64 <name>:INT64 {x}:INT64" },
    { "a header of one letter", FORMAT_CSV, BYTES("a"), "0 a:NULL" },
    { "marks around NDJSON", FORMAT_NDJSON, BYTES("\xEF\xBB\xBF\xEF\xBB\xBF{\"a\":1}\n\x1A"),
      "1 a:INT64" },
    { "a mark that is cut off", FORMAT_CSV, BYTES("\xEF\xBB"), CSV "byte 0 is not UTF-8" },
    { "a byte behind two marks", FORMAT_CSV,
      BYTES("\xEF\xBB\xBF\xEF\xBB\xBF"
            "a\n\xFF\n"),
      CSV "byte 8 is not UTF-8" },
};

static enum fault no_source(void *ctx, uint64_t offset, void *bytes, size_t len, size_t *got,
                            struct problem *why)
{
    (void)ctx, (void)offset, (void)bytes, (void)len;
    *got = 0;
    return problem_internal(why, "nothing should be read back");
}

/* Reads a case in two pieces; step: in pieces of that many bytes instead. */
static void run(struct arena *arena, size_t i, size_t cut, size_t step, char trace[TRACE_MAX])
{
    const struct thrift_source source = { NULL, no_source };
    struct format *format = NULL;
    struct reading reading = { .rows = 0 };
    struct problem why = PROBLEM_NONE;
    arena_reset(arena);
    assert_int_equal(format_create(cases[i].kind, arena, NULL, &format, &why), FAULT_NONE);
    enum fault f = FAULT_NONE;
    for (size_t at = 0; !f && at < cases[i].len;) {
        const size_t piece = trace_piece(at, cases[i].len, cut, step);
        f = format_feed(format, cases[i].content + at, piece, &why);
        at += piece;
    }
    if (!f)
        f = format_end(format, &source, &reading, &why);
    if (!f)
        trace_write(&reading, trace);
    else
        (void)snprintf(trace, TRACE_MAX, "%s", why.text);
}

static void test_what_a_content_is_not_is_told_at_every_cut(void **state)
{
    (void)state;
    struct arena *arena = arena_create(ARENA_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t cut = 0; cut <= cases[i].len + 1; cut++) {
            char trace[TRACE_MAX] = "";
            run(arena, i, cut, cut == cases[i].len + 1 ? 1 : 0, trace);
            if (strcmp(trace, cases[i].said) != 0)
                (void)fprintf(stderr, "case \"%s\", cut at %zu:\n", cases[i].label, cut);
            assert_string_equal(trace, cases[i].said);
        }
    }
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_content_is_not_is_told_at_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
