/* test_log.c - an event is one line, whatever its values are. */
#include "base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOW = 1000, LONG = 5000 };

/* What log_end() writes to standard error. */
static size_t written(struct log_line *line, char *out, size_t max)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_true(kept >= 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_end(line);
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    (void)close(kept);
    (void)close(ends[1]);
    const ssize_t len = read(ends[0], out, max - 1);
    (void)close(ends[0]);
    assert_true(len > 0);
    out[len] = '\0';
    return (size_t)len;
}

/* The line without its head. */
static const char *line_of(const char *key, const char *value)
{
    static char out[LOG_LINE_MAX + 1];
    char head[128];
    struct log_line line;
    log_begin(&line, NOW, "info", "tried");
    log_string(&line, key, value);
    (void)written(&line, out, sizeof out);
    const int head_len =
        snprintf(head, sizeof head, "1970-01-01T00:00:01Z info tried pid=%d", (int)getpid());
    assert_memory_equal(out, head, (size_t)head_len);
    return out + head_len;
}

static void test_a_line_is_time_level_event_and_values(void **state)
{
    char out[LOG_LINE_MAX + 1];
    char want[256];
    struct log_line line;
    (void)state;
    log_begin(&line, NOW, "warn", "disk_slow");
    log_string(&line, "name", "x");
    log_number(&line, "bytes", -7);
    log_number(&line, "most", INT64_MIN);
    (void)written(&line, out, sizeof out);
    (void)snprintf(want, sizeof want,
                   "1970-01-01T00:00:01Z warn disk_slow pid=%d name=x bytes=-7"
                   " most=-9223372036854775808\n",
                   (int)getpid());
    assert_string_equal(out, want);
}

static void test_values_are_quoted_and_escaped_when_they_are_not_plain(void **state)
{
    static const struct {
        const char *value;
        const char *line;
    } cases[] = {
        { NULL, "\n" },
        { "", "\n" },
        { "plain-1.2/3:[]", " k=plain-1.2/3:[]\n" },
        { "a b", " k=\"a b\"\n" },
        { "a=b", " k=\"a=b\"\n" },
        { "say \"hi\"", " k=\"say \\\"hi\\\"\"\n" },
        { "back\\slash", " k=\"back\\\\slash\"\n" },
        { "two\nlines", " k=\"two\\x0alines\"\n" },
        { "\r\t\x1B[31m\x7F", " k=\"\\x0d\\x09\\x1b[31m\\x7f\"\n" },
        { "\xC2\x9B", " k=\"\\xc2\\x9b\"\n" }, /* a C1 control */
        { "gr\xC3\xBCn", " k=\"gr\\xc3\\xbcn\"\n" },
        { "\xFF", " k=\"\\xff\"\n" },
        { "x pid=1 level=error", " k=\"x pid=1 level=error\"\n" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(line_of("k", cases[i].value), cases[i].line);
}

static void test_every_byte_leaves_one_printable_line(void **state)
{
    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        const char value[] = { 'a', (char)byte, 'b', '\0' };
        const char *line = line_of("k", value);
        const size_t len = strlen(line);
        assert_ptr_equal(strchr(line, '\n'), line + len - 1);
        for (size_t i = 0; i + 1 < len; i++)
            assert_in_range((unsigned char)line[i], ' ', '~');
    }
}

static void test_long_values_are_cut_and_their_quotes_closed(void **state)
{
    static const char fillers[] = { 'a', ' ', '"', '\n', '\xFF' };
    char value[LONG + 1];
    (void)state;
    for (size_t i = 0; i < sizeof fillers; i++) {
        for (size_t len = 900; len < 1100; len++) {
            memset(value, fillers[i], len);
            value[len] = '\0';
            const char *line = line_of("k", value);
            const size_t line_len = strlen(line);
            assert_in_range(line_len, 900, 1024 + strlen(" k=\n"));
            assert_int_equal(line[line_len - 1], '\n');
            if (line[3] == '"')
                assert_int_equal(line[line_len - 2], '"');
        }
    }
}

static void test_a_line_that_grows_too_long_loses_whole_values(void **state)
{
    char out[LOG_LINE_MAX + 16];
    char value[LONG + 1];
    struct log_line line;
    (void)state;
    memset(value, 'v', LONG);
    value[LONG] = '\0';
    log_begin(&line, NOW, "info", "tried");
    for (int i = 0; i < 10; i++)
        log_string(&line, "key", value);
    for (int i = 0; i < 500; i++)
        log_number(&line, "n", i);
    const size_t len = written(&line, out, sizeof out);
    assert_true(len <= LOG_LINE_MAX);
    assert_int_equal(out[len - 1], '\n');
    assert_int_equal(strlen(out), len);
}

static void test_a_line_is_filled_to_its_last_byte_and_no_further(void **state)
{
    char out[LOG_LINE_MAX + 16];
    char value[LONG + 1];
    size_t longest = 0;
    (void)state;
    for (size_t last = 1; last < 1000; last++) {
        struct log_line line;
        log_begin(&line, NOW, "info", "tried");
        memset(value, 'v', LONG);
        value[LONG] = '\0';
        log_string(&line, "key", value);
        value[last] = '\0';
        log_string(&line, "key", value);
        const size_t len = written(&line, out, sizeof out);
        assert_true(len <= LOG_LINE_MAX);
        longest = len > longest ? len : longest;
    }
    assert_int_equal(longest, LOG_LINE_MAX);
}

static void test_long_names_are_cut_and_overrun_nothing(void **state)
{
    char name[LONG + 1];
    char out[LOG_LINE_MAX + 16];
    (void)state;
    for (size_t name_len = 1; name_len < 300; name_len++) {
        struct log_line line;
        memset(name, 'n', name_len);
        name[name_len] = '\0';
        log_begin(&line, NOW, "info", name);
        log_string(&line, name, "value");
        log_number(&line, name, 1);
        const size_t len = written(&line, out, sizeof out);
        assert_int_equal(strlen(out), len);
        assert_int_equal(
            strspn(out + strlen("1970-01-01T00:00:01Z info "), "n pid=0123456789value\n"),
            len - strlen("1970-01-01T00:00:01Z info "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_time_level_event_and_values),
        cmocka_unit_test(test_values_are_quoted_and_escaped_when_they_are_not_plain),
        cmocka_unit_test(test_every_byte_leaves_one_printable_line),
        cmocka_unit_test(test_long_values_are_cut_and_their_quotes_closed),
        cmocka_unit_test(test_a_line_that_grows_too_long_loses_whole_values),
        cmocka_unit_test(test_a_line_is_filled_to_its_last_byte_and_no_further),
        cmocka_unit_test(test_long_names_are_cut_and_overrun_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
