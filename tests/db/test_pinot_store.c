/* The deciding transaction of a push: all or nothing, quotas, and whose lock counts. */
#include "db/pinot_store_config.h"
#include "db/pinot_store_delete.h"
#include "db/pinot_store_push.h"
#include "support/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1000000, LOCK_MS = 600000, ALIVE = 7, DEAD = 8 };

static struct state folder;
static struct db *db;

static const struct pinot_table standard = {
    .name = "t_OFFLINE",
    .raw = "t",
    .type = "OFFLINE",
    .config = "{}",
    .quota_text = "2K",
    .replication = 1,
    .quota_bytes = 2048,
    .quota_segments = 5,
    .deleted_keep_ms = 100,
};

static enum fault anything(void *ctx, const struct pinot_configs_there *there, struct problem *why)
{
    (void)ctx;
    (void)there;
    (void)why;
    return FAULT_NONE;
}

static void make_table(void)
{
    struct problem why = PROBLEM_NONE;
    const struct pinot_configs configs = {
        .raw = "t", .schema = "{}", .tables = { &standard }, .now = NOW, .decide = anything
    };
    assert_int_equal(pinot_store_configs_put(db, &configs, &why), FAULT_NONE);
}

static int set_up(void **state)
{
    (void)state;
    state_make(&folder, true);
    state_migrate(&folder);
    db = state_open(&folder);
    make_table();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(db);
    state_check_integrity(&folder);
    state_remove(&folder);
    return 0;
}

static bool is_alive(void *ctx, int64_t owner)
{
    (void)ctx;
    return owner == ALIVE;
}

static struct pinot_segment segment(const char *name, int64_t crc)
{
    return (struct pinot_segment){
        .name = name, .url = "u", .crc = crc, .data_crc = -1, .bytes = -1, .index_version = 3
    };
}

static struct pinot_push push_of(struct pinot_segment *segments, size_t count)
{
    return (struct pinot_push){ .table = "t_OFFLINE",
                                .now = NOW,
                                .allow_refresh = true,
                                .owner = ALIVE,
                                .lock_ms = LOCK_MS,
                                .segments = segments,
                                .count = count,
                                .alive = is_alive };
}

static enum pinot_refused push(struct pinot_push *push)
{
    struct problem why = PROBLEM_NONE;
    assert_int_equal(pinot_store_push(db, push, &why), FAULT_NONE);
    return push->refusal.what;
}

static enum pinot_refused prepare(struct pinot_push *push)
{
    struct problem why = PROBLEM_NONE;
    assert_int_equal(pinot_store_prepare(db, push, &why), FAULT_NONE);
    return push->refusal.what;
}

/* Deletes the first count of names with a retention; whether there is the table. */
static bool delete (const char *table, const char *const *names, size_t count, int64_t keep_ms,
                    int64_t now)
{
    struct problem why = PROBLEM_NONE;
    struct pinot_deletion deletion = {
        .table = table, .names = names, .count = count, .keep_ms = keep_ms, .now = now
    };
    assert_int_equal(pinot_store_delete_named(db, &deletion, &why), FAULT_NONE);
    return deletion.found;
}

static bool schema_goes(void)
{
    struct problem why = PROBLEM_NONE;
    struct pinot_schema_deletion out;
    assert_int_equal(pinot_store_schema_delete(db, "t", &out, &why), FAULT_NONE);
    assert_string_equal(out.table, out.found ? "" : "t_OFFLINE");
    return out.found;
}

static int64_t count(const char *sql)
{
    return state_number(&folder, sql);
}

static void test_a_refused_batch_leaves_nothing(void **state)
{
    struct pinot_segment first[] = { segment("a", 1) };
    struct pinot_segment batch[] = { segment("b", 1), segment("a", 2), segment("c", 1) };
    struct pinot_push p = push_of(first, 1);
    (void)state;
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_int_equal(first[0].outcome, PINOT_NEW);
    p = push_of(batch, 3);
    p.if_match = "9";
    assert_int_equal(push(&p), PINOT_REFUSED_CRC);
    assert_ptr_equal(p.refusal.segment, &batch[1]);
    p.if_match = "x";
    assert_int_equal(push(&p), PINOT_REFUSED_IF_MATCH);
    p.if_match = NULL;
    p.refresh_only = true;
    assert_int_equal(push(&p), PINOT_REFUSED_MISSING);
    p.refresh_only = false;
    p.allow_refresh = false;
    assert_int_equal(push(&p), PINOT_REFUSED_EXISTS);
    assert_int_equal(count("SELECT count(*) FROM pinot_segment"), 1);
    assert_int_equal(count("SELECT crc FROM pinot_segment"), 1);
    p.allow_refresh = true;
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_int_equal(batch[0].outcome, PINOT_NEW);
    assert_int_equal(batch[1].outcome, PINOT_REFRESHED);
    assert_int_equal(batch[1].crc_before, 1);
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_int_equal(batch[0].outcome, PINOT_UNCHANGED);
    assert_int_equal(count("SELECT segments FROM pinot_table"), 3);
}

static void test_quotas_hold_for_the_batch_as_a_whole(void **state)
{
    const struct blob_ref kept = { .file = 1, .start = 0, .bytes = 1000 };
    struct pinot_segment batch[] = { segment("a", 1), segment("b", 1), segment("c", 1) };
    struct pinot_push p = push_of(batch, 3);
    (void)state;
    for (size_t i = 0; i < 3; i++)
        batch[i].bytes = 1000;
    assert_int_equal(push(&p), PINOT_REFUSED_BYTES);
    assert_ptr_equal(p.refusal.segment, &batch[2]);
    assert_int_equal(p.refusal.used, 2000);
    assert_int_equal(p.refusal.wanted, 3000);
    assert_int_equal(p.refusal.allowed, 2048);
    assert_string_equal(p.refusal.quota_text, "2K");
    batch[2].bytes = 48;
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_int_equal(count("SELECT bytes FROM pinot_table"), 2048);
    /* the same CRC takes nothing, another CRC takes the place of what was there */
    batch[0].bytes = 5000;
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_int_equal(count("SELECT bytes FROM pinot_table"), 2048);
    /* unless it brings bytes to keep */
    batch[0].blob = &kept;
    assert_int_equal(push(&p), PINOT_REFUSED_BYTES);
    batch[0].bytes = 1000;
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_int_equal(count("SELECT bytes FROM pinot_table"), 2048);
    batch[0].bytes = 900;
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_int_equal(count("SELECT bytes FROM pinot_table"), 1948);
    assert_int_equal(count("SELECT sum(bytes) FROM pinot_segment"), 1948);
    batch[0].blob = NULL;
    batch[0].bytes = 5000;
    batch[0].crc = 2;
    assert_int_equal(push(&p), PINOT_REFUSED_BYTES);
    batch[0].bytes = 999;
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_int_equal(count("SELECT bytes FROM pinot_table"), 2047);
    batch[0].crc = 3;
    batch[0].bytes = -1;
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_int_equal(count("SELECT bytes FROM pinot_table"), 1048);
}

static void test_the_quota_of_segments_counts_new_ones(void **state)
{
    struct pinot_segment batch[] = { segment("a", 1), segment("b", 1), segment("c", 1),
                                     segment("d", 1), segment("e", 1), segment("f", 1) };
    struct pinot_push p = push_of(batch, 6);
    (void)state;
    assert_int_equal(push(&p), PINOT_REFUSED_COUNT);
    assert_ptr_equal(p.refusal.segment, &batch[5]);
    p.count = 5;
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_int_equal(push(&p), PINOT_TAKEN);
}

static void test_a_lock_of_a_live_worker_holds_until_its_lease_is_over(void **state)
{
    struct pinot_segment mine[] = { segment("a", 1), segment("b", 1) };
    struct pinot_segment theirs[] = { segment("b", 2) };
    struct pinot_push holder = push_of(mine, 2);
    struct pinot_push other = push_of(theirs, 1);
    struct problem why = PROBLEM_NONE;
    (void)state;
    holder.protect = true;
    assert_int_equal(prepare(&holder), PINOT_TAKEN);
    assert_int_not_equal(holder.token, 0);
    other.protect = true;
    assert_int_equal(push(&other), PINOT_REFUSED_LOCKED);
    assert_ptr_equal(other.refusal.segment, &theirs[0]);
    other.now = NOW + LOCK_MS - 1;
    assert_int_equal(push(&other), PINOT_REFUSED_LOCKED);
    other.now = NOW + LOCK_MS;
    assert_int_equal(push(&other), PINOT_TAKEN);
    /* the one who lost its lease is fenced off */
    assert_int_equal(push(&holder), PINOT_REFUSED_LOCK_LOST);
    assert_ptr_equal(holder.refusal.segment, &mine[1]);
    assert_int_equal(pinot_store_release(db, &holder, &why), FAULT_NONE);
    assert_int_equal(count("SELECT count(*) FROM pinot_push_lock"), 0);
    assert_int_equal(count("SELECT count(*) FROM pinot_segment"), 1);
}

static void test_a_lock_of_a_dead_worker_is_taken_over_at_once(void **state)
{
    struct pinot_segment mine[] = { segment("a", 1) };
    struct pinot_segment theirs[] = { segment("a", 2) };
    struct pinot_push holder = push_of(mine, 1);
    struct pinot_push other = push_of(theirs, 1);
    (void)state;
    holder.protect = true;
    holder.owner = DEAD;
    assert_int_equal(prepare(&holder), PINOT_TAKEN);
    other.protect = true;
    assert_int_equal(prepare(&other), PINOT_TAKEN);
    assert_int_not_equal(other.token, holder.token);
    assert_int_equal(push(&holder), PINOT_REFUSED_LOCK_LOST);
    assert_int_equal(push(&other), PINOT_TAKEN);
    assert_int_equal(count("SELECT count(*) FROM pinot_push_lock"), 0);
    assert_int_equal(count("SELECT crc FROM pinot_segment"), 2);
}

static void test_a_push_without_protection_ignores_a_lock_and_clears_it(void **state)
{
    struct pinot_segment mine[] = { segment("a", 1) };
    struct pinot_segment theirs[] = { segment("a", 2) };
    struct pinot_push holder = push_of(mine, 1);
    struct pinot_push other = push_of(theirs, 1);
    (void)state;
    holder.protect = true;
    assert_int_equal(prepare(&holder), PINOT_TAKEN);
    assert_int_equal(push(&other), PINOT_TAKEN);
    assert_int_equal(count("SELECT count(*) FROM pinot_push_lock"), 0);
    assert_int_equal(push(&holder), PINOT_REFUSED_LOCK_LOST);
}

static void test_what_would_be_refused_takes_no_lock(void **state)
{
    struct pinot_segment mine[] = { segment("a", 1) };
    struct pinot_push holder = push_of(mine, 1);
    (void)state;
    holder.protect = true;
    holder.refresh_only = true;
    assert_int_equal(prepare(&holder), PINOT_REFUSED_MISSING);
    assert_int_equal(holder.token, 0);
    assert_int_equal(count("SELECT count(*) FROM pinot_push_lock"), 0);
}

static void test_a_deleted_copy_is_kept_as_long_as_its_retention(void **state)
{
    const struct blob_ref ref = { .file = 1, .start = 0, .bytes = 10 };
    static const char *const names[] = { "a", "none", "b" };
    struct pinot_segment batch[] = { segment("a", 1), segment("b", 1) };
    struct pinot_push p = push_of(batch, 2);
    (void)state;
    batch[0].blob = &ref;
    batch[0].bytes = ref.bytes;
    batch[1].bytes = 5;
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_true(delete ("t_OFFLINE", names, 3, -1, NOW));
    assert_int_equal(count("SELECT count(*) FROM pinot_segment"), 0);
    assert_int_equal(count("SELECT segments + bytes FROM pinot_table"), 0);
    assert_int_equal(count("SELECT expires_at FROM pinot_deleted_segment"), NOW + 100);
    assert_true(delete ("t_OFFLINE", names, 1, -1, NOW + 100));
    assert_int_equal(count("SELECT count(*) FROM pinot_deleted_segment"), 0);
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_true(delete ("t_OFFLINE", names, 3, 0, NOW));
    assert_int_equal(count("SELECT count(*) FROM pinot_deleted_segment"), 0);
    /* a client may ask for less than the table keeps, not for more */
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_true(delete ("t_OFFLINE", names, 3, INT64_MAX, NOW));
    assert_int_equal(count("SELECT expires_at FROM pinot_deleted_segment"), NOW + 100);
    assert_false(delete ("none_OFFLINE", names, 1, 0, NOW));
}

static void test_a_push_into_a_table_that_is_gone_is_refused(void **state)
{
    struct pinot_segment batch[] = { segment("a", 1) };
    struct pinot_push p = push_of(batch, 1);
    struct pinot_deletion all = { .table = "t_OFFLINE", .now = NOW };
    struct problem why = PROBLEM_NONE;
    bool gone = false;
    (void)state;
    assert_int_equal(push(&p), PINOT_TAKEN);
    assert_int_equal(pinot_store_table_delete(db, "t_OFFLINE", &gone, &why), FAULT_NONE);
    assert_false(gone);
    assert_false(schema_goes());
    assert_int_equal(pinot_store_delete_all(db, &all, &why), FAULT_NONE);
    assert_int_equal(pinot_store_table_delete(db, "t_OFFLINE", &gone, &why), FAULT_NONE);
    assert_true(gone);
    assert_int_equal(push(&p), PINOT_REFUSED_NO_TABLE);
    assert_true(schema_goes());
}

static void test_the_number_of_a_table_is_not_given_again(void **state)
{
    const int64_t first = count("SELECT id FROM pinot_table");
    struct problem why = PROBLEM_NONE;
    bool gone = false;
    (void)state;
    assert_int_equal(pinot_store_table_delete(db, "t_OFFLINE", &gone, &why), FAULT_NONE);
    assert_true(gone);
    make_table();
    assert_true(count("SELECT id FROM pinot_table") > first);
}

#define IN_STATE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STATE(test_a_refused_batch_leaves_nothing),
        IN_STATE(test_quotas_hold_for_the_batch_as_a_whole),
        IN_STATE(test_the_quota_of_segments_counts_new_ones),
        IN_STATE(test_a_lock_of_a_live_worker_holds_until_its_lease_is_over),
        IN_STATE(test_a_lock_of_a_dead_worker_is_taken_over_at_once),
        IN_STATE(test_a_push_without_protection_ignores_a_lock_and_clears_it),
        IN_STATE(test_what_would_be_refused_takes_no_lock),
        IN_STATE(test_a_deleted_copy_is_kept_as_long_as_its_retention),
        IN_STATE(test_a_push_into_a_table_that_is_gone_is_refused),
        IN_STATE(test_the_number_of_a_table_is_not_given_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
