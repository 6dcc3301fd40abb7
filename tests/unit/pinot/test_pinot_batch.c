/* The archive of a batch: what it says, and what is wrong with it, at every cut of the stream. */
#include "base/limits.h"
#include "pinot/batch.h"
#include "support/pinot_archive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 42, CUTS = 97 };

static const uint64_t decoded_max = 256 * (uint64_t)MIB;

/* Reads an archive cut in two; the segments as "name>url#crc,docs;". */
static enum fault run(const struct text *gz, size_t cut, struct text *trace, struct problem *why)
{
    struct batch *batch = NULL;
    struct pinot_segment *segments = NULL;
    size_t count = 0;
    const char *bytes = text_string(gz);
    assert_int_equal(batch_create(decoded_max, SEED, &batch, why), FAULT_NONE);
    enum fault f = batch_feed(batch, bytes, cut, why);
    if (!f)
        f = batch_feed(batch, bytes + cut, gz->len - cut, why);
    if (!f)
        f = batch_end(batch, &segments, &count, why);
    for (size_t i = 0; i < count && !f; i++) {
        const struct pinot_segment *s = &segments[i];
        text_addf(trace, "%s>%s#%d,%d;", s->name, s->url, (int)s->crc, (int)s->docs);
    }
    batch_destroy(batch);
    return f;
}

static void build(const struct text *tar, struct text *gz)
{
    text_init(gz, ARCHIVE_MAX);
    gzip_put(gz, tar);
}

static void test_segments_come_in_the_mappings_order_whatever_the_archives(void **state)
{
    struct text tar;
    struct text gz;
    (void)state;
    text_init(&tar, ARCHIVE_MAX);
    tar_put(&tar, "d", '5', "", 0);
    segment_put(&tar, "a", 1);
    tar_text(&tar, "d/ALL_segments_metadata", "c\nu:c\na\nu:a\r\nb\nu:b");
    segment_put(&tar, "b", 2);
    tar_text(&tar, "d/README", "not ours");
    segment_put(&tar, "c", 3);
    tar_finish(&tar);
    build(&tar, &gz);
    for (size_t cut = 0; cut <= gz.len; cut++) {
        struct problem why = PROBLEM_NONE;
        struct text trace;
        text_init(&trace, KIB);
        assert_int_equal(run(&gz, cut, &trace, &why), FAULT_NONE);
        assert_string_equal(text_string(&trace), "c>u:c#3,7;a>u:a#1,7;b>u:b#2,7;");
        text_release(&trace);
    }
    text_release(&tar);
    text_release(&gz);
}

/* ---- what is wrong ---- */

static void no_mapping(struct text *tar)
{
    segment_put(tar, "a", 1);
}

static void unmapped(struct text *tar)
{
    no_mapping(tar);
    segment_put(tar, "b", 1);
    tar_text(tar, "all_segments_metadata", "a\nu\n");
}

static void no_creation(struct text *tar)
{
    tar_text(tar, "a.metadata.properties", "segment.name = a\nsegment.total.docs = 1\n");
    tar_text(tar, "all_segments_metadata", "a\nu\n");
}

static void no_properties(struct text *tar)
{
    tar_put(tar, "a.creation.meta", '0', "1234567812345678", 16);
    tar_text(tar, "all_segments_metadata", "a\nu\n");
}

static void mapped_without_files(struct text *tar)
{
    no_mapping(tar);
    tar_text(tar, "all_segments_metadata", "a\nu\nghost\nu\n");
}

static void mapped_twice(struct text *tar)
{
    no_mapping(tar);
    tar_text(tar, "all_segments_metadata", "a\nu\na\nu\n");
}

static void two_mappings(struct text *tar)
{
    no_mapping(tar);
    tar_text(tar, "all_segments_metadata", "a\nu\n");
    tar_text(tar, "d/all_segments_metadata", "a\nu\n");
}

static void file_twice(struct text *tar)
{
    segment_put(tar, "a", 1);
    segment_put(tar, "a", 1);
}

static void another_name_inside(struct text *tar)
{
    tar_text(tar, "a.metadata.properties", "segment.name = b\nsegment.total.docs = 1\n");
}

static void creation_too_short(struct text *tar)
{
    tar_put(tar, "a.creation.meta", '0', "12345678", 8);
}

static void creation_too_long(struct text *tar)
{
    tar_text(tar, "a.creation.meta", "1234567812345678123456789");
}

static void climbing(struct text *tar)
{
    tar_text(tar, "d/../x.creation.meta", "x");
}

static void climbing_at_the_top(struct text *tar)
{
    tar_text(tar, "../x", "x");
}

static void absolute(struct text *tar)
{
    tar_text(tar, "/etc/passwd", "x");
}

static void linked(struct text *tar)
{
    tar_put(tar, "d/x.creation.meta", '2', "", 0);
}

static void odd_name(struct text *tar)
{
    tar_text(tar, "d/a\\b.creation.meta", "x");
}

static void bad_uri(struct text *tar)
{
    tar_text(tar, "all_segments_metadata", "a\nht tp://x\n");
}

static void huge_properties(struct text *tar)
{
    char *bytes = calloc(1, PINOT_PROPERTIES_MAX + 1);
    assert_non_null(bytes);
    tar_put(tar, "a.metadata.properties", '0', bytes, PINOT_PROPERTIES_MAX + 1);
    free(bytes);
}

static const struct {
    const char *label;
    void (*build)(struct text *tar);
    const char *text;
    enum fault fault;
} broken[] = {
    { "no mapping", no_mapping, "'DOWNLOAD_URI' is required", FAULT_MALFORMED },
    { "a segment that is not mapped", unmapped, "'DOWNLOAD_URI' is required", FAULT_MALFORMED },
    { "no creation.meta", no_creation, "no creation.meta of segment: a", FAULT_MALFORMED },
    { "no properties", no_properties, "no metadata.properties of segment: a", FAULT_MALFORMED },
    { "a mapped segment without files", mapped_without_files, "segment: ghost", FAULT_MALFORMED },
    { "a segment mapped twice", mapped_twice, "names segment: a more than once", FAULT_MALFORMED },
    { "two mappings", two_mappings, "all_segments_metadata twice", FAULT_MALFORMED },
    { "a file twice", file_twice, "a file of segment: a twice", FAULT_MALFORMED },
    { "another name inside", another_name_inside, "segment.name = b inside", FAULT_MALFORMED },
    { "creation.meta too short", creation_too_short, "has 8 bytes", FAULT_MALFORMED },
    { "creation.meta too long", creation_too_long, "has 25 bytes", FAULT_MALFORMED },
    { "a name that climbs", climbing, "'..'", FAULT_MALFORMED },
    { "the same at the top", climbing_at_the_top, "'..'", FAULT_MALFORMED },
    { "an absolute name", absolute, "'/' at its start", FAULT_MALFORMED },
    { "a link", linked, "neither file nor folder", FAULT_MALFORMED },
    { "a name with a backslash", odd_name, "a segment name is empty", FAULT_MALFORMED },
    { "a URI with a space", bad_uri, "the download URI of segment: a", FAULT_MALFORMED },
    { "properties without end", huge_properties, "a file of segment: a has more", FAULT_TOO_LARGE },
};

static void test_what_is_wrong_is_told_at_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct text tar;
        struct text gz;
        text_init(&tar, ARCHIVE_MAX);
        broken[i].build(&tar);
        tar_finish(&tar);
        build(&tar, &gz);
        (void)fprintf(stderr, "%s\n", broken[i].label);
        for (size_t cut = 0; cut <= gz.len; cut += 1 + gz.len / CUTS) {
            struct problem why = PROBLEM_NONE;
            struct text trace;
            text_init(&trace, KIB);
            assert_int_equal(run(&gz, cut, &trace, &why), broken[i].fault);
            assert_non_null(strstr(why.text, broken[i].text));
            text_release(&trace);
        }
        text_release(&tar);
        text_release(&gz);
    }
}

static void test_an_archive_that_is_none_gets_pinots_text(void **state)
{
    static const char *const none[] = { "", "hello world", "\x1F\x8B\x08" };
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct problem why = PROBLEM_NONE;
        struct text trace;
        struct text gz;
        text_init(&trace, KIB);
        text_init(&gz, KIB);
        text_adds(&gz, none[i]);
        assert_int_equal(run(&gz, gz.len, &trace, &why), FAULT_MALFORMED);
        assert_ptr_equal(strstr(why.text, "Failed to unzip the segment metadata files. "),
                         why.text);
        text_release(&gz);
        text_release(&trace);
    }
}

static void test_a_cut_archive_is_never_a_short_success(void **state)
{
    struct text tar;
    struct text gz;
    (void)state;
    text_init(&tar, ARCHIVE_MAX);
    segment_put(&tar, "a", 1);
    tar_text(&tar, "all_segments_metadata", "a\nu\n");
    tar_finish(&tar);
    build(&tar, &gz);
    for (size_t len = 0; len < gz.len; len++) {
        struct problem why = PROBLEM_NONE;
        struct text trace;
        struct text cut;
        text_init(&trace, KIB);
        text_init(&cut, ARCHIVE_MAX);
        text_add(&cut, text_string(&gz), len);
        assert_int_equal(run(&cut, len / 2, &trace, &why), FAULT_MALFORMED);
        text_release(&cut);
        text_release(&trace);
    }
    text_release(&tar);
    text_release(&gz);
}

static void test_a_batch_has_a_largest_number_of_segments(void **state)
{
    char name[32];
    struct text tar;
    struct text gz;
    struct text trace;
    struct problem why = PROBLEM_NONE;
    (void)state;
    text_init(&tar, ARCHIVE_MAX);
    text_init(&trace, KIB);
    for (int i = 0; i <= PINOT_BATCH_SEGMENTS_MAX; i++) {
        (void)snprintf(name, sizeof name, "d/s%d.creation.meta", i);
        tar_put(&tar, name, '0', "1234567812345678", 16);
    }
    tar_finish(&tar);
    build(&tar, &gz);
    assert_int_equal(run(&gz, gz.len / 2, &trace, &why), FAULT_TOO_LARGE);
    assert_non_null(strstr(why.text, "push it in several"));
    text_release(&tar);
    text_release(&gz);
    text_release(&trace);
}

static void test_names_that_collide_are_still_different_segments(void **state)
{
    enum { MANY = 3000 };
    char name[32];
    struct text tar;
    struct text mapping;
    struct text gz;
    struct batch *batch = NULL;
    struct pinot_segment *segments = NULL;
    size_t count = 0;
    struct problem why = PROBLEM_NONE;
    (void)state;
    text_init(&tar, ARCHIVE_MAX);
    text_init(&mapping, ARCHIVE_MAX);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "s%d", i);
        segment_put(&tar, name, (uint8_t)i);
        text_addf(&mapping, "s%d\nu%d\n", MANY - 1 - i, MANY - 1 - i);
    }
    tar_text(&tar, "all_segments_metadata", text_string(&mapping));
    tar_finish(&tar);
    build(&tar, &gz);
    assert_int_equal(batch_create(decoded_max, SEED, &batch, &why), FAULT_NONE);
    assert_int_equal(batch_feed(batch, text_string(&gz), gz.len, &why), FAULT_NONE);
    assert_int_equal(batch_end(batch, &segments, &count, &why), FAULT_NONE);
    assert_int_equal(count, MANY);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "s%zu", MANY - 1 - i);
        assert_string_equal(segments[i].name, name);
        assert_int_equal(segments[i].crc, (uint8_t)(MANY - 1 - i));
        assert_string_equal(segments[i].url + 1, segments[i].name + 1);
    }
    batch_destroy(batch);
    text_release(&tar);
    text_release(&mapping);
    text_release(&gz);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments_come_in_the_mappings_order_whatever_the_archives),
        cmocka_unit_test(test_what_is_wrong_is_told_at_every_cut),
        cmocka_unit_test(test_an_archive_that_is_none_gets_pinots_text),
        cmocka_unit_test(test_a_cut_archive_is_never_a_short_success),
        cmocka_unit_test(test_a_batch_has_a_largest_number_of_segments),
        cmocka_unit_test(test_names_that_collide_are_still_different_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
