/* What the rows of the Oxen surface promise when two requests meet. */
#include "db/oxen_store_clean.h"
#include "db/oxen_store_push.h"
#include "db/oxen_store_upload.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { NOW = 1700000000, LARGE = 1000, PART = 100 };

static struct shim *shim;
static struct rig rig;
static int64_t repository;

static const uint8_t one[OXEN_KEY_BYTES] = { 1 };
static const uint8_t two[OXEN_KEY_BYTES] = { 2 };

static int set_up(void **state)
{
    struct problem why = PROBLEM_NONE;
    struct oxen_repository made = { 0 };
    bool found = false;
    (void)state;
    rig_begin(&rig, shim, STATE_CHECKPOINT_BYTES);
    assert_int_equal(oxen_store_repository_add(rig.db, "ns", "name", "uuid", NOW, &why),
                     FAULT_NONE);
    assert_int_equal(oxen_store_repository_find(rig.db, "ns", "name", &made, &found, &why),
                     FAULT_NONE);
    assert_true(found);
    repository = made.id;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_end(&rig);
    return 0;
}

static int64_t versions(void)
{
    struct problem why = PROBLEM_NONE;
    struct oxen_repository now = { 0 };
    bool found = false;
    assert_int_equal(oxen_store_repository_find(rig.db, "ns", "name", &now, &found, &why),
                     FAULT_NONE);
    return now.versions;
}

/* ---- uploads in parts ---- */

static struct oxen_upload upload_begin(const char *id)
{
    struct problem why = PROBLEM_NONE;
    struct oxen_upload upload = { .ref = { .file = 7, .bytes = LARGE }, .part_bytes = PART };
    struct oxen_upload begun = { 0 };
    bool found = false;
    memcpy(upload.id, id, strlen(id) + 1);
    memcpy(upload.hash, one, sizeof one);
    const struct oxen_upload_bounds bounds = { INT64_MAX, INT64_MAX };
    assert_int_equal(oxen_store_upload_add(rig.db, repository, &upload, NOW, 0, &bounds, &why),
                     FAULT_NONE);
    assert_int_equal(oxen_store_upload_find(rig.db, repository, id, 0, &begun, &found, &why),
                     FAULT_NONE);
    assert_true(found);
    return begun;
}

static void test_whoever_publishes_second_finds_it_published(void **state)
{
    struct problem why = PROBLEM_NONE;
    const struct oxen_upload upload = upload_begin("twice");
    (void)state;
    assert_int_equal(oxen_store_upload_publish(rig.db, repository, &upload, &why), FAULT_NONE);
    assert_int_equal(oxen_store_upload_publish(rig.other, repository, &upload, &why), FAULT_NONE);
    assert_int_equal(versions(), 1);
}

static void test_an_upload_that_is_gone_publishes_nothing_and_says_so(void **state)
{
    struct problem why = PROBLEM_NONE;
    const struct oxen_upload upload = upload_begin("gone");
    (void)state;
    assert_int_equal(oxen_store_upload_drop(rig.other, upload.id, &why), FAULT_NONE);
    assert_int_equal(oxen_store_upload_publish(rig.db, repository, &upload, &why), FAULT_MISSING);
    assert_int_equal(versions(), 0);
}

static void test_an_upload_that_is_left_alone_expires(void **state)
{
    struct problem why = PROBLEM_NONE;
    int64_t count = 0;
    bool more = true;
    (void)state;
    (void)upload_begin("idle");
    assert_int_equal(oxen_store_clean_uploads_piece(rig.db, NOW, &count, &more, &why), FAULT_NONE);
    assert_int_equal(count, 0);
    assert_false(more);
    assert_int_equal(oxen_store_clean_uploads_count(rig.db, NOW + 1, &count, &why), FAULT_NONE);
    assert_int_equal(count, 1);
    count = 0;
    assert_int_equal(oxen_store_clean_uploads_piece(rig.db, NOW + 1, &count, &more, &why),
                     FAULT_NONE);
    assert_int_equal(count, 1);
    assert_true(more);
    assert_int_equal(oxen_store_clean_uploads_piece(rig.db, NOW + 1, &count, &more, &why),
                     FAULT_NONE);
    assert_int_equal(count, 1);
    assert_false(more);
}

/* ---- commits and branches ---- */

static void commit_receive(const uint8_t hash[OXEN_KEY_BYTES], const char *node,
                           const char *history)
{
    struct problem why = PROBLEM_NONE;
    char inside[OXEN_PART_NAME_MAX];
    struct oxen_commit_parts parts = { 0 };
    (void)snprintf(inside, sizeof inside, "%sfile", history);
    const struct oxen_object objects[] = { { node, { .file = 8 } }, { inside, { .file = 8 } } };
    memcpy(parts.hash, hash, sizeof parts.hash);
    (void)snprintf(parts.node, sizeof parts.node, "%s", node);
    (void)snprintf(parts.history, sizeof parts.history, "%s", history);
    assert_int_equal(oxen_store_push_commits_add(rig.db, repository, &parts, 1, NOW, &why),
                     FAULT_NONE);
    assert_int_equal(oxen_store_push_objects_put(rig.db, repository, objects, 2, &why), FAULT_NONE);
    assert_int_equal(oxen_store_push_commits_add(rig.db, repository, &parts, 1, NOW, &why),
                     FAULT_NONE);
}

static bool is_pushed(const uint8_t hash[OXEN_KEY_BYTES])
{
    struct problem why = PROBLEM_NONE;
    bool found = false;
    assert_int_equal(oxen_store_push_commit_pushed(rig.other, repository, hash, &found, &why),
                     FAULT_NONE);
    return found;
}

static enum oxen_branch_result branch_add(const char *name, const uint8_t hash[OXEN_KEY_BYTES])
{
    struct problem why = PROBLEM_NONE;
    enum oxen_branch_result result = OXEN_BRANCH_DONE;
    assert_int_equal(oxen_store_push_branch_add(rig.db, repository, name, hash, &result, &why),
                     FAULT_NONE);
    return result;
}

static enum oxen_branch_result branch_move(const uint8_t *old, const uint8_t hash[OXEN_KEY_BYTES])
{
    struct problem why = PROBLEM_NONE;
    enum oxen_branch_result result = OXEN_BRANCH_DONE;
    assert_int_equal(
        oxen_store_push_branch_move(rig.db, repository, "main", old, hash, &result, &why),
        FAULT_NONE);
    return result;
}

static enum fault count_open(void *ctx, const uint8_t hash[OXEN_KEY_BYTES], struct problem *why)
{
    size_t *count = ctx;
    (void)why;
    assert_memory_equal(hash, *count == 0 ? one : two, OXEN_KEY_BYTES); /* in their order */
    (*count)++;
    return FAULT_NONE;
}

static size_t open_commits(int64_t most)
{
    struct problem why = PROBLEM_NONE;
    size_t count = 0;
    assert_int_equal(
        oxen_store_push_commits_open(rig.other, repository, most, count_open, &count, &why),
        FAULT_NONE);
    return count;
}

static void test_a_commit_is_open_until_its_push_is_concluded(void **state)
{
    struct problem why = PROBLEM_NONE;
    (void)state;
    commit_receive(two, "020/0/node", "history/02/");
    commit_receive(one, "010/0/node", "history/01/");
    assert_int_equal(open_commits(2), 2);
    assert_int_equal(open_commits(1), 1);
    assert_int_equal(oxen_store_push_commits_conclude(rig.db, repository, two, 1, &why),
                     FAULT_NONE);
    assert_true(is_pushed(two));
    assert_false(is_pushed(one));
    assert_int_equal(open_commits(2), 1);
    commit_receive(two, "020/0/node", "history/02/"); /* once more, by another push */
    assert_true(is_pushed(two));
}

static void find_whole(const uint8_t hash[OXEN_KEY_BYTES])
{
    struct problem why = PROBLEM_NONE;
    assert_int_equal(oxen_store_push_commits_found_whole(rig.db, repository, hash, 1, &why),
                     FAULT_NONE);
}

static void test_a_branch_is_set_where_it_stands_or_not_at_all(void **state)
{
    (void)state;
    assert_int_equal(branch_add("main", one), OXEN_BRANCH_NO_COMMIT);
    commit_receive(one, "010/0/node", "history/01/");
    assert_int_equal(branch_add("main", one), OXEN_BRANCH_IN_DOUBT);
    find_whole(one);
    assert_int_equal(branch_add("main", one), OXEN_BRANCH_DONE);
    commit_receive(two, "020/0/node", "history/02/");
    assert_int_equal(branch_move(one, two), OXEN_BRANCH_IN_DOUBT);
    find_whole(two);
    assert_int_equal(branch_add("main", two), OXEN_BRANCH_EXISTS);
    assert_int_equal(branch_move(two, two), OXEN_BRANCH_MOVED);
    assert_int_equal(branch_move(one, two), OXEN_BRANCH_DONE);
}

/* ---- a repository that is deleted meanwhile ---- */

static void test_nothing_goes_into_a_deleted_repository(void **state)
{
    struct problem why = PROBLEM_NONE;
    enum oxen_branch_result result = OXEN_BRANCH_DONE;
    struct oxen_version version = { .file = 9, .bytes = 3, .state = OXEN_VERSION_FRESH };
    const struct oxen_object object = { "a/b/node", { .file = 9 } };
    const struct oxen_upload upload = upload_begin("open");
    bool more = true;
    (void)state;
    commit_receive(one, "010/0/node", "history/01/");
    assert_int_equal(oxen_store_clean_repository_retire(rig.other, repository, &why), FAULT_NONE);
    assert_int_equal(oxen_store_versions_add(rig.db, repository, &version, 1, &why), FAULT_MISSING);
    assert_int_equal(oxen_store_push_objects_put(rig.db, repository, &object, 1, &why),
                     FAULT_MISSING);
    assert_int_equal(oxen_store_push_branch_add(rig.db, repository, "x", one, &result, &why),
                     FAULT_MISSING);
    assert_int_equal(oxen_store_upload_publish(rig.db, repository, &upload, &why), FAULT_MISSING);
    while (more)
        assert_int_equal(oxen_store_clean_retired_piece(rig.db, &more, &why), FAULT_NONE);
    assert_int_equal(oxen_store_clean_repository_retire(rig.db, repository, &why), FAULT_MISSING);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    shim = shim_install();
    const struct CMUnitTest tests[] = {
        RIGGED(test_whoever_publishes_second_finds_it_published),
        RIGGED(test_an_upload_that_is_gone_publishes_nothing_and_says_so),
        RIGGED(test_an_upload_that_is_left_alone_expires),
        RIGGED(test_a_commit_is_open_until_its_push_is_concluded),
        RIGGED(test_a_branch_is_set_where_it_stands_or_not_at_all),
        RIGGED(test_nothing_goes_into_a_deleted_repository),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
