/* test_multipart.c - multipart bodies: every case at every cut of the stream. */
#include "stream/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "Content-Disposition: form-data; name=\"a\"\r\n\r\n"

struct trace {
    char text[1024];
    size_t len;
};

static void put(struct trace *t, const char *bytes, size_t len)
{
    assert_true(t->len + len < sizeof t->text);
    memcpy(t->text + t->len, bytes, len);
    t->len += len;
    t->text[t->len] = '\0';
}

static void puts_to(struct trace *t, const char *text)
{
    put(t, text, strlen(text));
}

static enum fault on_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    (void)why;
    puts_to(ctx, "[");
    puts_to(ctx, head->name);
    puts_to(ctx, "|");
    puts_to(ctx, head->filename ? head->filename : "-");
    puts_to(ctx, "|");
    puts_to(ctx, head->content_type ? head->content_type : "-");
    puts_to(ctx, "|");
    return FAULT_NONE;
}

static enum fault on_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    (void)why;
    put(ctx, bytes, len);
    return FAULT_NONE;
}

static enum fault on_end(void *ctx, struct problem *why)
{
    (void)why;
    puts_to(ctx, "]");
    return FAULT_NONE;
}

static const struct multipart_sink sink = { on_begin, on_body, on_end };

/* Feeds body in two pieces cut at cut, and the second one by single bytes when slowly. */
static enum fault run(const char *type, const char *body, size_t cut, bool slowly, struct trace *t,
                      struct problem *why)
{
    struct multipart *parser = NULL;
    const size_t len = strlen(body);
    enum fault f = multipart_create(type, &sink, t, &parser, why);
    if (f)
        return f;
    f = multipart_feed(parser, body, cut, why);
    for (size_t i = cut; i < len && !f && slowly; i++)
        f = multipart_feed(parser, body + i, 1, why);
    if (!f && !slowly)
        f = multipart_feed(parser, body + cut, len - cut, why);
    if (!f)
        f = multipart_end(parser, why);
    multipart_destroy(parser);
    return f;
}

static const struct {
    const char *label;
    const char *body;
    const char *code; /* NULL: it is well-formed */
    const char *trace;
} cases[] = {
    { "one field", "--b\r\n" HEAD "x\r\n--b--\r\n", NULL, "[a|-|-|x]" },
    { "an empty part", "--b\r\n" HEAD "\r\n--b--", NULL, "[a|-|-|]" },
    { "an empty part whose boundary follows the headers at once", "--b\r\n" HEAD "--b--", NULL,
      "[a|-|-|]" },
    { "two files, preamble and epilogue ignored",
      "hi\r\n--b\r\nContent-Disposition: form-data; name=f; filename=\"1\"\r\nContent-Type: "
      "text/csv\r\n\r\nx\r\n--b\r\ncontent-disposition:form-data;filename=\"2\" ; name=\"f\"\r\n"
      "X-Other: y\r\n\r\ny\r\n--b--bye\r\n--b\r\n",
      NULL, "[f|1|text/csv|x][f|2|-|y]" },
    { "a body of almost-boundaries", "--b\r\n" HEAD "\r\n\r\n-\r\n--\r\r\n--c\r\n--\r\n--b--", NULL,
      "[a|-|-|\r\n\r\n-\r\n--\r\r\n--c\r\n--]" },
    { "a body that begins like its boundary", "--b\r\n" HEAD "--c\r\n--b--", NULL, "[a|-|-|--c]" },
    { "a body that begins with a line end", "--b\r\n" HEAD "\r\nx\r\n--b--", NULL,
      "[a|-|-|\r\nx]" },
    { "white space behind a boundary", "--b \t\r\n" HEAD "x\r\n--b-- \r\n", NULL, "[a|-|-|x]" },
    { "an escaped quote and a backslash that is none",
      "--b\r\nContent-Disposition: form-data; name=\"a\\\"b\"; filename=\"c:\\d\"\r\n\r\n\r\n--b--",
      NULL, "[a\"b|c:\\d|-|]" },
    { "no part at all", "--b--\r\n", NULL, "" },
    { "a preamble that almost begins", "-\r\n--\r\n--b\r\n" HEAD "x\r\n--b--", NULL, "[a|-|-|x]" },
    { "an empty body", "", MULTIPART_INCOMPLETE, "" },
    { "no closing boundary", "--b\r\n" HEAD "x\r\n--b\r\n", MULTIPART_INCOMPLETE, "[a|-|-|x]" },
    { "cut in the body", "--b\r\n" HEAD "x\r\n--", MULTIPART_INCOMPLETE, "[a|-|-|x" },
    { "another boundary", "--c\r\n" HEAD "x\r\n--c--\r\n", MULTIPART_INCOMPLETE, "" },
    { "line ends without CR", "--b\nContent-Disposition: form-data; name=\"a\"\n\nx\n--b--\n",
      MULTIPART_INCOMPLETE, "" },
    { "letters behind a boundary", "--bc\r\n" HEAD "x\r\n--b--", MULTIPART_BAD_BOUNDARY, "" },
    { "one dash behind a boundary", "--b-\r\n" HEAD "x\r\n--b--", MULTIPART_BAD_BOUNDARY, "" },
    { "no disposition", "--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--", MULTIPART_NO_DISPOSITION,
      "" },
    { "no headers", "--b\r\n\r\nx\r\n--b--", MULTIPART_NO_DISPOSITION, "" },
    { "an attachment", "--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--",
      MULTIPART_NO_DISPOSITION, "" },
    { "no name", "--b\r\nContent-Disposition: form-data; filename=a\r\n\r\nx\r\n--b--",
      MULTIPART_NO_NAME, "" },
    { "two names", "--b\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\nx\r\n--b--",
      MULTIPART_BAD_HEADER, "" },
    { "a quote left open", "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--b--",
      MULTIPART_BAD_HEADER, "" },
    { "a folded header", "--b\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\nx\r\n--b--",
      MULTIPART_BAD_HEADER, "" },
    { "a header without a colon", "--b\r\nnonsense\r\n\r\nx\r\n--b--", MULTIPART_BAD_HEADER, "" },
    { "a lone LF in the headers", "--b\r\nX: y\nZ: a\r\n" HEAD "x\r\n--b--", MULTIPART_BAD_HEADER,
      "" },
};

/* Where the socket happens to cut the stream must never matter. */
static void test_every_cut_reads_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t cut = 0; cut <= strlen(cases[i].body) * 2 + 1; cut++) {
            struct trace t = { "", 0 };
            struct problem why = PROBLEM_NONE;
            const enum fault f = run("multipart/form-data; boundary=b", cases[i].body, cut / 2,
                                     cut % 2 == 1, &t, &why);
            const bool same =
                cases[i].code ? why.code && strcmp(why.code, cases[i].code) == 0 : f == FAULT_NONE;
            if (!same || strcmp(t.text, cases[i].trace) != 0)
                print_error("case \"%s\", cut at %zu: %s \"%s\"\n", cases[i].label, cut / 2,
                            why.text, t.text);
            assert_true(same);
            assert_string_equal(t.text, cases[i].trace);
        }
    }
}

static void test_content_types(void **state)
{
    static const struct {
        const char *type;
        const char *code;
    } types[] = {
        { "multipart/form-data; boundary=b", NULL },
        { "Multipart/Mixed ; Boundary=\"b\"", NULL },
        { "multipart/form-data; charset=ISO-8859-1; boundary=b", NULL },
        { NULL, MULTIPART_NO_TYPE },
        { "", MULTIPART_BAD_TYPE },
        { "multipart", MULTIPART_BAD_TYPE },
        { "/x; boundary=b", MULTIPART_BAD_TYPE },
        { "application/json", MULTIPART_NOT_MULTIPART },
        { "multipart/form-data", MULTIPART_NO_BOUNDARY },
        { "multipart/form-data; boundary=\"\"", MULTIPART_NO_BOUNDARY },
        { "multipart/form-data; boundary=b; boundary=c", MULTIPART_NO_BOUNDARY },
        { "multipart/form-data; boundary=\"b", MULTIPART_BAD_TYPE },
    };
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct trace t = { "", 0 };
        struct problem why = PROBLEM_NONE;
        const enum fault f = run(types[i].type, "--b--", 0, false, &t, &why);
        assert_int_equal(f == FAULT_NONE, types[i].code == NULL);
        if (types[i].code)
            assert_string_equal(why.code ? why.code : "", types[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut_reads_the_same),
        cmocka_unit_test(test_content_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
