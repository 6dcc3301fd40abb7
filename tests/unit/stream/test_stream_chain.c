/*
 * Whole requests of real clients through all stages at every cut: multipart, gzip, and then tar
 * (Pinot) or the digest that names the part (Oxen).
 */
#include "base/limits.h"
#include "stream/coding.h"
#include "stream/digest.h"
#include "stream/multipart.h"
#include "tar_trial.h"

enum { REQUEST_MAX = 64 * KIB, PLAIN_MAX = 1 * MIB };

struct request {
    char *type; /* its Content-Type */
    const char *body;
    size_t len;
    char bytes[REQUEST_MAX + 1];
};

/* One recorded request with its body. */
static struct request *request_of(const char *name)
{
    char path[512];
    struct request *request = calloc(1, sizeof *request);
    assert_non_null(request);
    (void)snprintf(path, sizeof path, "%s/tests/golden/%s", SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t len = fread(request->bytes, 1, REQUEST_MAX, file);
    assert_int_equal(fclose(file), 0);
    char *end = strstr(request->bytes, "\r\n\r\n");
    assert_non_null(end);
    *end = '\0';
    request->body = end + 4;
    request->len = len - (size_t)(request->body - request->bytes);
    request->type = strcasestr(request->bytes, "\r\ncontent-type: ");
    assert_non_null(request->type);
    request->type += strlen("\r\ncontent-type: ");
    request->type[strcspn(request->type, "\r")] = '\0';
    return request;
}

/* The part that is open: its decoder, and what follows the decoder. */
struct stages {
    struct decoder *decoder;
    struct tar *tar;
    struct listing listing;
    struct digest *digest;
    char name[64];
    size_t parts;
    size_t matching; /* parts whose digest is their filename */
};

static enum fault tar_part_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    struct stages *stages = ctx;
    assert_string_equal(head->name, "noopKey");
    assert_string_equal(head->filename, "noopKey");
    assert_string_equal(head->content_type, "application/octet-stream");
    const enum fault f = tar_create(&list_sink, &stages->listing, &stages->tar, why);
    return f ? f
             : decoder_create(CODING_GZIP, PLAIN_MAX, tar_feed, stages->tar, &stages->decoder, why);
}

static enum fault part_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct stages *stages = ctx;
    return decoder_feed(stages->decoder, bytes, len, why);
}

static enum fault tar_part_end(void *ctx, struct problem *why)
{
    struct stages *stages = ctx;
    const enum fault f = decoder_end(stages->decoder, why);
    stages->parts++;
    return f ? f : tar_end(stages->tar, why);
}

static enum fault add_to_digest(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    (void)why;
    digest_add(ctx, bytes, len);
    return FAULT_NONE;
}

static enum fault version_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    struct stages *stages = ctx;
    assert_string_equal(head->name, "file[]");
    assert_string_equal(head->content_type, "application/gzip");
    (void)snprintf(stages->name, sizeof stages->name, "%s", head->filename);
    digest_reset(stages->digest);
    if (!stages->decoder)
        return decoder_create(CODING_GZIP, PLAIN_MAX, add_to_digest, stages->digest,
                              &stages->decoder, why);
    decoder_reset(stages->decoder);
    return FAULT_NONE;
}

static enum fault version_end(void *ctx, struct problem *why)
{
    struct stages *stages = ctx;
    char hex[DIGEST_XXH3_HEX_MAX];
    const enum fault f = decoder_end(stages->decoder, why);
    digest_xxh3_hex(stages->digest, hex);
    stages->parts++;
    stages->matching += strcmp(hex, stages->name) == 0;
    return f;
}

static void feed_at(const struct request *request, const struct multipart_sink *sink, size_t cut,
                    struct stages *stages)
{
    struct multipart *parser = NULL;
    struct problem why = PROBLEM_NONE;
    enum fault f = multipart_create(request->type, sink, stages, &parser, &why);
    if (!f)
        f = multipart_feed(parser, request->body, cut, &why);
    if (!f)
        f = multipart_feed(parser, request->body + cut, request->len - cut, &why);
    if (!f)
        f = multipart_end(parser, &why);
    if (f)
        (void)fprintf(stderr, "cut at %zu: %s\n", cut, why.text);
    assert_int_equal(f, FAULT_NONE);
    multipart_destroy(parser);
    decoder_destroy(stages->decoder);
    tar_destroy(stages->tar);
    stages->decoder = NULL;
    stages->tar = NULL;
}

static void test_a_pinot_batch_lists_its_files_at_every_cut(void **state)
{
    (void)state;
    static const struct multipart_sink sink = { tar_part_begin, part_body, tar_part_end };
    static const char root[] = "allSegmentsMetadataDir-fb1452c0-1b36-49a6-b0d3-e292f5a5e618";
    static const char *const files[] = {
        "myTable_a_0.creation.meta 24",
        "myTable_a_1.creation.meta 24",
        "myTable_a_2.creation.meta 24",
        "myTable_a_3.creation.meta 24",
        "myTable_a_4.creation.meta 24",
        "myTable_a_0.metadata.properties 1988",
        "myTable_a_1.metadata.properties 1991",
        "myTable_a_2.metadata.properties 1991",
        "myTable_a_3.metadata.properties 1991",
        "myTable_a_4.metadata.properties 1991",
        "all_segments_metadata 300",
    };
    struct request *request = request_of("pinot/client/minion-ppp-same-crc-1.req.bin");
    struct stages stages = { 0 };
    struct text first;
    text_init(&stages.listing.text, PLAIN_MAX);
    text_init(&first, PLAIN_MAX);
    for (size_t cut = 0; cut <= request->len; cut++) {
        text_clear(&stages.listing.text);
        feed_at(request, &sink, cut, &stages);
        if (cut == 0)
            text_add(&first, stages.listing.text.data, stages.listing.text.len);
        assert_int_equal(stages.listing.text.len, first.len);
        assert_memory_equal(stages.listing.text.data, first.data, first.len);
    }
    assert_int_equal(stages.parts, request->len + 1);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char want[256];
        (void)snprintf(want, sizeof want, "[file %s/%s|", root, files[i]);
        assert_non_null(memmem(first.data, first.len, want, strlen(want)));
    }
    text_release(&stages.listing.text);
    text_release(&first);
    free(request);
}

static void test_oxen_parts_have_the_names_of_their_contents_at_every_cut(void **state)
{
    (void)state;
    static const struct multipart_sink sink = { version_begin, part_body, version_end };
    enum { PARTS = 4 };
    struct request *request = request_of("oxen/push/0009_POST_api_repos_ns_tiny_versions.http");
    struct stages stages = { .digest = digest_create(DIGEST_XXH3) };
    for (size_t cut = 0; cut <= request->len; cut++) {
        stages.parts = 0;
        stages.matching = 0;
        feed_at(request, &sink, cut, &stages);
        assert_int_equal(stages.parts, PARTS);
        assert_int_equal(stages.matching, PARTS);
    }
    digest_destroy(stages.digest);
    free(request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pinot_batch_lists_its_files_at_every_cut),
        cmocka_unit_test(test_oxen_parts_have_the_names_of_their_contents_at_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
