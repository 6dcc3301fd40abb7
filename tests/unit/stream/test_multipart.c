/*
 * Multipart bodies: a table of bodies and what comes out of them, at every cut.
 */
#include "multipart_trial.h"

#define TYPE "multipart/form-data; boundary=b"
#define A_FIELD "Content-Disposition: form-data; name=\"a\"\r\n\r\n"

enum { TWO_CUTS_MAX = 200 }; /* bytes of a body that is tried with every pair of cuts */

static const struct {
    const char *label;
    const char *body;
    const char *code; /* NULL for success */
    const char *trace;
} cases[] = {
    { "one field", "--b\r\n" A_FIELD "x\r\n--b--\r\n", NULL, "[a|-|-|-|x]" },
    { "no line end behind the closing boundary", "--b\r\n" A_FIELD "x\r\n--b--", NULL,
      "[a|-|-|-|x]" },
    { "no parts", "--b--\r\n", NULL, "" },
    { "no parts behind a preamble", "hello\r\n--b--", NULL, "" },
    { "two files, preamble and epilogue are skipped",
      "hi\r\n--b\r\nContent-Disposition: form-data; name=f; filename=\"1\"\r\n\r\nx\r\n--b\r\n"
      "Content-Disposition: form-data; filename=\"2\"; name=\"f\"\r\n\r\ny\r\n--b--bye",
      NULL, "[f|1|-|-|x][f|2|-|-|y]" },
    { "an epilogue that looks like a part", "--b--\r\n--b\r\n" A_FIELD "x\r\n--b--", NULL, "" },
    { "an empty part", "--b\r\n" A_FIELD "\r\n--b--", NULL, "[a|-|-|-|]" },
    { "a part without its own line end", "--b\r\n" A_FIELD "--b--", NULL, "[a|-|-|-|]" },
    { "a part of one line end", "--b\r\n" A_FIELD "\r\n\r\n--b--", NULL, "[a|-|-|-|\r\n]" },
    { "a part of one byte that begins a delimiter", "--b\r\n" A_FIELD "\r\r\n--b--", NULL,
      "[a|-|-|-|\r]" },
    { "a body of almost-boundaries",
      "--b\r\n" A_FIELD "\r\n\r\n-\r\n--\r\r\n--c\r\n-b\n--b\r--b--b\r\n\r\n-\r\n--b--", NULL,
      "[a|-|-|-|\r\n\r\n-\r\n--\r\r\n--c\r\n-b\n--b\r--b--b\r\n\r\n-]" },
    { "a preamble of almost-boundaries",
      "--c\r\n--b-\r\n--bb\r\n--b \t\rx\r\n--b\n--b\r\r\n--b\r\n" A_FIELD "x\r\n--b--", NULL,
      "[a|-|-|-|x]" },
    { "a boundary inside a line of the preamble", "x--b\r\ny\r\n--b--", NULL, "" },
    { "white space behind boundaries", "--b \t \r\n" A_FIELD "x\r\n--b\t\r\n" A_FIELD "y\r\n--b--",
      NULL, "[a|-|-|-|x][a|-|-|-|y]" },
    { "header names and parameters in any case",
      "--b\r\nCONTENT-disposition: FORM-Data; NAME=a; FileName=b\r\ncontent-TYPE: "
      "text/plain\r\n\r\n"
      "x\r\n--b--",
      NULL, "[a|b|text/plain|-|x]" },
    { "all that a part says of itself",
      "--b\r\nContent-Type:application/gzip; q=1 \t\r\nX-Other: 1\r\nContent-Encoding: \tgzip\r\n"
      "Content-Length: 700\r\nContent-Transfer-Encoding: base64\r\n"
      "Content-Disposition: form-data; name=\"file[]\"; filename=\"ab\"; other=1\r\n\r\nx\r\n--b--",
      NULL, "[file[]|ab|application/gzip; q=1|gzip|x]" },
    { "escapes in quotes",
      "--b\r\nContent-Disposition: form-data; name=\"a\\\"b\\\\c\\d%22\"\r\n\r\n"
      "x\r\n--b--",
      NULL, "[a\"b\\c\\d%22|-|-|-|x]" },
    { "a semicolon in quotes and bytes of UTF-8",
      "--b\r\nContent-Disposition: form-data; filename=\"\xc3\xa9;x=1\";name=a\r\n\r\n\r\n--b--",
      NULL, "[a|\xc3\xa9;x=1|-|-|]" },
    { "empty names and empty parameters",
      "--b\r\nContent-Disposition: form-data;; name=\"\" ; ;filename=\"\";\r\n\r\nx\r\n--b--", NULL,
      "[||-|-|x]" },
    { "filename* is not read (RFC 7578 section 4.2)",
      "--b\r\nContent-Disposition: form-data; name=a; filename*=UTF-8''x\r\n\r\nx\r\n--b--", NULL,
      "[a|-|-|-|x]" },
    { "a nested multipart is bytes",
      "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed; boundary=c"
      "\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--",
      NULL, "[a|-|multipart/mixed; boundary=c|-|--c\r\n\r\nx\r\n--c--]" },

    { "an empty body", "", MULTIPART_INCOMPLETE, "" },
    { "another boundary", "--c\r\n" A_FIELD "x\r\n--c--\r\n", MULTIPART_INCOMPLETE, "" },
    { "no closing boundary", "--b\r\n" A_FIELD "x\r\n", MULTIPART_INCOMPLETE, "[a|-|-|-|x" },
    { "cut in the data", "--b\r\n" A_FIELD "x", MULTIPART_INCOMPLETE, "[a|-|-|-|x" },
    { "cut in a delimiter", "--b\r\n" A_FIELD "x\r\n--", MULTIPART_INCOMPLETE, "[a|-|-|-|x" },
    { "cut behind a boundary", "--b\r\n" A_FIELD "x\r\n--b", MULTIPART_INCOMPLETE, "[a|-|-|-|x" },
    { "cut in the closing boundary", "--b\r\n" A_FIELD "x\r\n--b-", MULTIPART_INCOMPLETE,
      "[a|-|-|-|x" },
    { "cut in the headers", "--b\r\nContent-Disposition:", MULTIPART_INCOMPLETE, "" },
    { "cut in headers that are wrong", "--b\r\n: x\r\n", MULTIPART_INCOMPLETE, "" },
    { "line ends of LF alone", "--b\nContent-Disposition: form-data; name=a\n\nx\n--b--\n",
      MULTIPART_INCOMPLETE, "" },
    { "a body of LF line ends", "--b\r\n" A_FIELD "x\n--b--\n", MULTIPART_INCOMPLETE,
      "[a|-|-|-|x\n--b--\n" },

    { "bytes behind a boundary", "--b\r\n" A_FIELD "x\r\n--bc\r\n", MULTIPART_BAD_BOUNDARY,
      "[a|-|-|-|x" },
    { "LF behind a boundary", "--b\r\n" A_FIELD "x\r\n--b\n", MULTIPART_BAD_BOUNDARY,
      "[a|-|-|-|x" },
    { "CR alone behind a boundary", "--b\r\n" A_FIELD "x\r\n--b\rx", MULTIPART_BAD_BOUNDARY,
      "[a|-|-|-|x" },
    { "one dash behind a boundary", "--b\r\n" A_FIELD "x\r\n--b-\r\n", MULTIPART_BAD_BOUNDARY,
      "[a|-|-|-|x" },
    { "bytes in the white space", "--b\r\n" A_FIELD "x\r\n--b --", MULTIPART_BAD_BOUNDARY,
      "[a|-|-|-|x" },

    { "no headers", "--b\r\n\r\nx\r\n--b--", MULTIPART_NO_DISPOSITION, "" },
    { "no disposition", "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--",
      MULTIPART_NO_DISPOSITION, "" },
    { "an attachment", "--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--",
      MULTIPART_NO_DISPOSITION, "" },
    { "an empty disposition", "--b\r\nContent-Disposition: \r\n\r\nx\r\n--b--",
      MULTIPART_NO_DISPOSITION, "" },
    { "no name", "--b\r\nContent-Disposition: form-data; filename=a\r\n\r\nx\r\n--b--",
      MULTIPART_NO_NAME, "" },
    { "no parameters", "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", MULTIPART_NO_NAME,
      "" },
    { "a name twice", "--b\r\nContent-Disposition: form-data; name=a; name=a\r\n\r\n",
      MULTIPART_BAD_HEADER, "" },
    { "a filename twice",
      "--b\r\nContent-Disposition: form-data; name=a; filename=x; FILENAME=y\r\n\r\n",
      MULTIPART_BAD_HEADER, "" },
    { "a disposition twice", "--b\r\nContent-Disposition: form-data; name=a\r\n" A_FIELD,
      MULTIPART_BAD_HEADER, "" },
    { "a type twice", "--b\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n" A_FIELD,
      MULTIPART_BAD_HEADER, "" },
    { "an open quote", "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\n",
      MULTIPART_BAD_HEADER, "" },
    { "a quote that only an escape ends",
      "--b\r\nContent-Disposition: form-data; name=\"a\\\"\r\n\r\n", MULTIPART_BAD_HEADER, "" },
    { "bytes behind a quote", "--b\r\nContent-Disposition: form-data; name=\"a\"b\r\n\r\n",
      MULTIPART_BAD_HEADER, "" },
    { "a space around the equals sign", "--b\r\nContent-Disposition: form-data; name = a\r\n\r\n",
      MULTIPART_BAD_HEADER, "" },
    { "a space in an unquoted value", "--b\r\nContent-Disposition: form-data; name=a b\r\n\r\n",
      MULTIPART_BAD_HEADER, "" },
    { "a folded header", "--b\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\n",
      MULTIPART_BAD_HEADER, "" },
    { "a space before the colon", "--b\r\nContent-Type : a/b\r\n" A_FIELD, MULTIPART_BAD_HEADER,
      "" },
    { "no colon", "--b\r\nContent-Type\r\n" A_FIELD, MULTIPART_BAD_HEADER, "" },
    { "no header name", "--b\r\n: x\r\n" A_FIELD, MULTIPART_BAD_HEADER, "" },
    { "a bare LF in a header", "--b\r\nX: a\nY: b\r\n" A_FIELD, MULTIPART_BAD_HEADER, "" },
    { "a bare CR in a header", "--b\r\nX: a\rb\r\n" A_FIELD, MULTIPART_BAD_HEADER, "" },
    { "a delete in a header", "--b\r\nX: \x7f\r\n" A_FIELD, MULTIPART_BAD_HEADER, "" },
};

static void assert_case(size_t i, size_t cut, size_t second, struct trace *trace)
{
    struct problem why = PROBLEM_NONE;
    const char *body = cases[i].body;
    const enum fault f = trace_run(TYPE, body, strlen(body), cut, second, trace, &why);
    const char *code = f && why.code ? why.code : "";
    const char *want = cases[i].code ? cases[i].code : "";
    const char *got = text_string(&trace->text);
    if (strcmp(code, want) != 0 || strcmp(got, cases[i].trace) != 0) {
        (void)fprintf(stderr, "case \"%s\", cut at %zu and %zu: %s\n", cases[i].label, cut, second,
                      why.text);
    }
    assert_string_equal(code, want);
    assert_string_equal(got, cases[i].trace);
    assert_int_equal(f, cases[i].code ? FAULT_MALFORMED : FAULT_NONE);
}

/* Where the socket happens to cut the stream must never matter. */
static void test_every_two_cuts_read_the_same(void **state)
{
    (void)state;
    struct trace trace;
    text_init(&trace.text, TRACE_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t len = strlen(cases[i].body);
        for (size_t cut = 0; cut <= len; cut++) {
            const size_t last = len < TWO_CUTS_MAX ? len : cut;
            for (size_t second = cut; second <= last; second++)
                assert_case(i, cut, second, &trace);
        }
    }
    text_release(&trace.text);
}

static void test_byte_by_byte_reads_the_same(void **state)
{
    (void)state;
    struct trace trace;
    text_init(&trace.text, TRACE_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct multipart *parser = NULL;
        struct problem why = PROBLEM_NONE;
        const size_t len = strlen(cases[i].body);
        text_clear(&trace.text);
        trace.inside = false;
        enum fault f = multipart_create(TYPE, &trace_sink, &trace, &parser, &why);
        for (size_t at = 0; !f && at < len; at++)
            f = multipart_sink_bytes(parser, cases[i].body + at, 1, &why);
        if (!f)
            f = multipart_end(parser, &why);
        assert_string_equal(f ? why.code : "", cases[i].code ? cases[i].code : "");
        assert_string_equal(text_string(&trace.text), cases[i].trace);
        multipart_destroy(parser);
    }
    text_release(&trace.text);
}

static void test_a_nul_in_a_header_is_refused(void **state)
{
    (void)state;
    static const char body[] = "--b\r\nX: \0\r\n" A_FIELD "x\r\n--b--";
    struct trace trace;
    struct problem why = PROBLEM_NONE;
    text_init(&trace.text, TRACE_MAX);
    assert_int_equal(trace_run(TYPE, body, sizeof body - 1, 3, 9, &trace, &why), FAULT_MALFORMED);
    assert_string_equal(why.code, MULTIPART_BAD_HEADER);
    text_release(&trace.text);
}

static void test_a_nul_in_a_body_is_a_byte(void **state)
{
    (void)state;
    static const char body[] = "--b\r\n" A_FIELD "\0\r\n\0\r\n--b--";
    static const char want[] = "[a|-|-|-|\0\r\n\0]";
    struct trace trace;
    text_init(&trace.text, TRACE_MAX);
    for (size_t cut = 0; cut < sizeof body; cut++) {
        struct problem why = PROBLEM_NONE;
        assert_int_equal(trace_run(TYPE, body, sizeof body - 1, cut, cut, &trace, &why),
                         FAULT_NONE);
        assert_int_equal(trace.text.len, sizeof want - 1);
        assert_memory_equal(trace.text.data, want, sizeof want - 1);
    }
    text_release(&trace.text);
}

/* Other multipart types promise no names (recorded: "nocd_mixed"). */
static void test_only_form_data_must_have_names(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *trace;
    } mixed[] = {
        { "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--", "[-|-|text/plain|-|hello]" },
        { "--b\r\n\r\nhello\r\n--b--", "[-|-|-|-|hello]" },
        { "--b\r\n\r\n--b--", "[-|-|-|-|]" },
        { "--b\r\nContent-Disposition: attachment; name=a; filename=b\r\n\r\n\r\n--b--",
          "[-|-|-|-|]" },
        { "--b\r\n" A_FIELD "x\r\n--b--", "[a|-|-|-|x]" },
        { "--b\r\nContent-Disposition: form-data; filename=b\r\n\r\n\r\n--b--", "[-|b|-|-|]" },
    };
    struct trace trace;
    text_init(&trace.text, TRACE_MAX);
    for (size_t i = 0; i < sizeof mixed / sizeof mixed[0]; i++) {
        const size_t len = strlen(mixed[i].body);
        for (size_t cut = 0; cut <= len; cut++) {
            struct problem why = PROBLEM_NONE;
            assert_int_equal(trace_run("multipart/mixed; boundary=b", mixed[i].body, len, cut, cut,
                                       &trace, &why),
                             FAULT_NONE);
            assert_string_equal(text_string(&trace.text), mixed[i].trace);
        }
    }
    text_release(&trace.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_two_cuts_read_the_same),
        cmocka_unit_test(test_byte_by_byte_reads_the_same),
        cmocka_unit_test(test_a_nul_in_a_header_is_refused),
        cmocka_unit_test(test_a_nul_in_a_body_is_a_byte),
        cmocka_unit_test(test_only_form_data_must_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
