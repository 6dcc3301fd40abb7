/* Which files a download URI may name, and which it may not, however it is written. */
#include "base/limits.h"
#include "pinot/deep_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_ROOM = 512, FILE_BYTES = 5 };

static char top[PATH_ROOM];
static char roots[2 * PATH_ROOM];

static void path_in(const char *name, char out[PATH_ROOM])
{
    assert_in_range(snprintf(out, PATH_ROOM, "%.200s/%.200s", top, name), 1, PATH_ROOM - 1);
}

static void make_folder(const char *name)
{
    char path[PATH_ROOM];
    path_in(name, path);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void make_file(const char *name)
{
    char path[PATH_ROOM];
    path_in(name, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite("12345", 1, FILE_BYTES, file), FILE_BYTES);
    assert_int_equal(fclose(file), 0);
}

static void make_link(const char *to, const char *name)
{
    char path[PATH_ROOM];
    char target[PATH_ROOM];
    path_in(name, path);
    path_in(to, target);
    assert_int_equal(symlink(target, path), 0);
}

static int set_up(void **state)
{
    char path[PATH_ROOM];
    (void)state;
    (void)snprintf(top, sizeof top, "/tmp/sluice-deep-XXXXXX");
    assert_non_null(mkdtemp(top));
    make_folder("a");
    make_folder("a/sub");
    make_folder("ab");
    make_folder("second");
    make_file("a/file");
    make_file("a/with space");
    make_file("a/sub/file");
    make_file("ab/secret");
    make_file("secret");
    make_file("second/file");
    make_link("secret", "a/out");
    make_link("ab", "a/folder");
    make_link("a/file", "a/in");
    path_in("a/fifo", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)snprintf(roots, sizeof roots, "%.200s/a/:%.200s/second", top, top);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const made[] = { "a/sub/file",  "a/sub",     "a/file", "a/with space",
                                        "a/out",       "a/folder",  "a/in",   "a/fifo",
                                        "a",           "ab/secret", "ab",     "secret",
                                        "second/file", "second" };
    char path[PATH_ROOM];
    (void)state;
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        path_in(made[i], path);
        assert_int_equal(remove(path), 0);
    }
    return rmdir(top);
}

/* "file:" and a form of the path of name; @ stands for the top folder. */
static void uri_of(const char *form, char out[PATH_ROOM])
{
    const char *at = strchr(form, '@');
    if (at)
        (void)snprintf(out, PATH_ROOM, "%.*s%.200s%.200s", (int)(at - form), form, top, at + 1);
    else
        (void)snprintf(out, PATH_ROOM, "%s", form);
}

static const struct {
    const char *form;
    enum fault fault;
} cases[] = {
    { "file:@/a/file", FAULT_NONE },
    { "file://@/a/file", FAULT_NONE },
    { "file://localhost@/a/file", FAULT_NONE },
    { "file:@/a/sub/file", FAULT_NONE },
    { "file:@/second/file", FAULT_NONE },
    { "file:@/a/%66ile", FAULT_NONE },
    { "file:@/a/with%20space", FAULT_NONE },
    { "file:@/a/in", FAULT_NONE },
    { "file:@/a/file?query#fragment", FAULT_NONE },
    { "file:@/a/none", FAULT_MALFORMED },
    { "file:@/a/sub", FAULT_MALFORMED },
    { "file:@/a/fifo", FAULT_MALFORMED },
    { "file:@/a/out", FAULT_MALFORMED },
    { "file:@/a/folder/secret", FAULT_MALFORMED },
    { "file:@/secret", FAULT_FORBIDDEN },
    { "file:@/ab/secret", FAULT_FORBIDDEN },
    { "file:@/a/../secret", FAULT_FORBIDDEN },
    { "file:@/a/%2e%2e/secret", FAULT_FORBIDDEN },
    { "file:@/a/..%2fsecret", FAULT_FORBIDDEN },
    { "file:@/a/./file", FAULT_FORBIDDEN },
    { "file:@/a//file", FAULT_FORBIDDEN },
    { "file:@/a", FAULT_FORBIDDEN },
    { "file:@/a/", FAULT_FORBIDDEN },
    { "file:@/a/file%00", FAULT_FORBIDDEN },
    { "file:@/a/file%", FAULT_FORBIDDEN },
    { "file:@/a/file%4", FAULT_FORBIDDEN },
    { "file://elsewhere@/a/file", FAULT_FORBIDDEN },
    { "file:a/file", FAULT_FORBIDDEN },
    { "file:", FAULT_FORBIDDEN },
    { "/etc/passwd", FAULT_FORBIDDEN },
    { "http://localhost/a/file", FAULT_FORBIDDEN },
    { "", FAULT_FORBIDDEN },
};

static void test_only_files_below_a_root_are_opened(void **state)
{
    const struct deep_store store = { .roots = roots, .table = "t", .every_table = true };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char uri[PATH_ROOM];
        struct problem why = PROBLEM_NONE;
        int64_t bytes = 0;
        int fd = -1;
        uri_of(cases[i].form, uri);
        (void)fprintf(stderr, "%s\n", cases[i].form);
        assert_int_equal(deep_store_open(&store, uri, &fd, &bytes, &why), cases[i].fault);
        assert_int_equal(fd >= 0, cases[i].fault == FAULT_NONE);
        if (fd >= 0) {
            assert_int_equal(bytes, FILE_BYTES);
            assert_int_equal(close(fd), 0);
        }
        assert_int_equal(deep_store_bytes(&store, uri), cases[i].fault ? -1 : FILE_BYTES);
    }
}

static void test_without_a_root_nothing_is_read(void **state)
{
    char uri[PATH_ROOM];
    struct problem why = PROBLEM_NONE;
    int64_t bytes = 0;
    int fd = -1;
    const struct deep_store none = { .roots = "", .table = "t", .every_table = true };
    (void)state;
    uri_of("file:@/a/file", uri);
    assert_int_equal(deep_store_open(&none, uri, &fd, &bytes, &why), FAULT_FORBIDDEN);
    assert_non_null(strstr(why.text, "SLUICE_DEEP_STORE_ROOTS"));
    assert_int_equal(deep_store_bytes(&none, uri), -1);
    assert_int_equal(fd, -1);
}

/* Which of the folders are for whom; each has the file "file". */
static void test_a_folder_is_for_its_tables_and_one_without_a_pattern_for_every_table(void **state)
{
    static const struct { /* NOLINT(clang-analyzer-optin.performance.Padding): as it is read */
        const char *table;
        bool every_table;
        const char *file;
        enum fault fault;
    } whose[] = {
        { "mine", false, "file:@/a/file", FAULT_NONE },
        { "db.x", false, "file:@/a/file", FAULT_NONE },
        { "mine2", false, "file:@/a/file", FAULT_NONE },
        { "other", false, "file:@/a/file", FAULT_FORBIDDEN },
        { "other", true, "file:@/a/file", FAULT_FORBIDDEN },
        { "mine", false, "file:@/a/none", FAULT_MALFORMED },
        { "other", false, "file:@/a/none", FAULT_FORBIDDEN },
        { "mine", false, "file:@/second/file", FAULT_FORBIDDEN },
        { "mine", true, "file:@/second/file", FAULT_NONE },
    };
    char both[3 * PATH_ROOM];
    (void)state;
    (void)snprintf(both, sizeof both, "mine*,db.*=%.200s/a:%.200s/second", top, top);
    for (size_t i = 0; i < sizeof whose / sizeof whose[0]; i++) {
        const struct deep_store store = { .roots = both,
                                          .table = whose[i].table,
                                          .every_table = whose[i].every_table };
        char uri[PATH_ROOM];
        struct problem why = PROBLEM_NONE;
        int64_t bytes = 0;
        int fd = -1;
        uri_of(whose[i].file, uri);
        assert_int_equal(deep_store_open(&store, uri, &fd, &bytes, &why), whose[i].fault);
        assert_int_equal(deep_store_bytes(&store, uri), whose[i].fault ? -1 : FILE_BYTES);
        if (fd >= 0)
            assert_int_equal(close(fd), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_files_below_a_root_are_opened),
        cmocka_unit_test(test_without_a_root_nothing_is_read),
        cmocka_unit_test(test_a_folder_is_for_its_tables_and_one_without_a_pattern_for_every_table),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
