/* test_oxen_node.c - MessagePack and the payloads of tree nodes. */
#include "base/limits.h"
#include "base/text.h"
#include "oxen/node.h"
#include "oxen/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { INPUT_MAX = 256 };

static const struct {
    const char *hex;
    bool good;
    int64_t value;
} integers[] = {
    { "00", true, 0 },
    { "7f", true, 127 },
    { "ff", true, -1 },
    { "e0", true, -32 },
    { "cc80", true, 128 },
    { "cd0100", true, 256 },
    { "ce00010000", true, 65536 },
    { "cf7fffffffffffffff", true, INT64_MAX },
    { "cf8000000000000000", false, 0 },
    { "d080", true, -128 },
    { "d1ff00", true, -256 },
    { "d2ffff0000", true, -65536 },
    { "d38000000000000000", true, INT64_MIN },
    { "cd01", false, 0 },
    { "", false, 0 },
    { "c0", false, 0 },
    { "a131", false, 0 },
};

static size_t unhex(const char *hex, uint8_t out[INPUT_MAX])
{
    const size_t len = strlen(hex);
    assert_true(text_unhex(hex, len, out, len / 2));
    return len / 2;
}

static void test_integers_are_read_in_every_width(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        uint8_t bytes[INPUT_MAX];
        const size_t len = unhex(integers[i].hex, bytes);
        struct oxen_pack pack = oxen_pack_of(bytes, len);
        const int64_t value = oxen_pack_int(&pack);
        assert_int_equal(!oxen_pack_failed(&pack), integers[i].good);
        if (integers[i].good)
            assert_int_equal(value, integers[i].value);
    }
}

/* One value each, and nothing behind it; good ones are passed over to their end. */
static const struct {
    const char *hex;
    bool good;
} values[] = {
    { "c0", true },
    { "c3", true },
    { "ca3f800000", true },
    { "cb3ff0000000000000", true },
    { "a3616263", true },
    { "d903616263", true },
    { "da0003616263", true },
    { "db00000003616263", true },
    { "c40161", true },
    { "c5000161", true },
    { "c60000000161", true },
    { "9301a16192c0c0", true },
    { "dc000101", true },
    { "dd0000000101", true },
    { "82a16101a16202", true },
    { "de0001a16101", true },
    { "df00000001a16101", true },
    { "d40100", true },
    { "d801000102030405060708090a0b0c0d0e0f", true },
    { "c7020100ff", true },
    { "c1", false },
    { "a361", false },
    { "ddffffffff", false },
    { "dfffffffff00", false },
    { "dbffffffff61", false },
    { "9391", false },
    { "c9ffffffff01", false },
};

static void test_every_kind_of_value_is_passed_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        uint8_t bytes[INPUT_MAX];
        const size_t len = unhex(values[i].hex, bytes);
        struct oxen_pack pack = oxen_pack_of(bytes, len);
        oxen_pack_skip(&pack);
        assert_int_equal(!oxen_pack_failed(&pack), values[i].good);
        if (values[i].good)
            assert_ptr_equal(pack.at, bytes + len);
    }
}

#define COMMIT_HEAD                                                                                \
    "9181a756305f32355f3097c4109434f0f65e4753540e7cce92e6babc6ca6436f6d6d697490a163a24f78ae6f7"    \
    "8406578616d706c652e636f6d"

static const struct {
    const char *time;
    const char *want; /* NULL: refused */
} times[] = {
    { "99cd07eacd0147072027ce1d510347000000", "2026-11-23T07:32:39.491848519Z" },
    { "99cd07ea0100000000000000", "2026-01-01T00:00:00Z" },
    { "99cd07ea01000000ce05f5e100000000", "2026-01-01T00:00:00.1Z" },
    { "99cd07ea0100000000010000", "2025-12-31T23:00:00Z" }, /* an hour east of UTC */
    { "99cd07ea0102000000ff0000", "2026-01-01T03:00:00Z" },
    { "98cd07ea01000000000000", NULL },
    { "99cd07ea00000000000000", NULL },
    { "99cd07ea01180000000000", NULL },
    { "c0", NULL },
};

static void test_a_commit_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        uint8_t bytes[INPUT_MAX];
        struct oxen_node_commit commit;
        struct problem why = PROBLEM_NONE;
        size_t len = unhex(COMMIT_HEAD, bytes);
        len += unhex(times[i].time, bytes + len);
        const enum fault f = oxen_node_commit(bytes, len, &commit, &why);
        if (!times[i].want) {
            assert_int_equal(f, FAULT_MALFORMED);
            continue;
        }
        assert_int_equal(f, FAULT_NONE);
        assert_string_equal(commit.timestamp, times[i].want);
        assert_memory_equal(commit.message.bytes, "c", commit.message.len);
        assert_int_equal(commit.parent_count, 0);
        for (size_t cut = 0; cut + 1 < len; cut++)
            assert_int_equal(oxen_node_commit(bytes, cut, &commit, &why), FAULT_MALFORMED);
    }
}

#define DIR_HEX                                                                                    \
    "9181a756305f32355f309aa3446972a3737562c410b103d0363327080166f185d408cbfeeb0108c4109434f0f6"   \
    "5e4753540e7cce92e6babc6c000081a7746162756c61720181a7746162756c617208"
#define BEFORE_0_25                                                                                \
    "99a3446972a3737562c410b103d0363327080166f185d408cbfeeb08c4109434f0f65e4753540e7cce92e6babc"   \
    "6c000081a7746162756c61720181a7746162756c617208"

static void test_a_dir_is_read_of_every_release(void **state)
{
    static const char *const dirs[] = { DIR_HEX, BEFORE_0_25 };
    (void)state;
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
        uint8_t bytes[INPUT_MAX];
        struct oxen_node_entry entry;
        struct problem why = PROBLEM_NONE;
        const size_t len = unhex(dirs[i], bytes);
        assert_int_equal(oxen_node_entry(OXEN_NODE_DIR, false, bytes, len, &entry, &why),
                         FAULT_NONE);
        assert_int_equal(entry.bytes, 8);
        assert_memory_equal(entry.name.bytes, "sub", 3);
        assert_int_equal(oxen_node_entry(OXEN_NODE_DIR, true, bytes, len, &entry, &why),
                         FAULT_MALFORMED); /* a root has no name */
        assert_int_equal(oxen_node_entry(OXEN_NODE_FILE, false, bytes, len, &entry, &why),
                         FAULT_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_are_read_in_every_width),
        cmocka_unit_test(test_every_kind_of_value_is_passed_over),
        cmocka_unit_test(test_a_commit_is_read),
        cmocka_unit_test(test_a_dir_is_read_of_every_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
