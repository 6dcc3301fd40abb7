/* Credentials, and the rows that place contents. */
#include "base/text.h"
#include "db/blob_rows.h"
#include "db/token_store.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <string.h>

enum { NOW = 1700000000 };

static struct shim *shim;
static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_begin(&rig, shim, STATE_CHECKPOINT_BYTES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_end(&rig);
    return 0;
}

/* ---- tokens ---- */

static struct token_row token_of(const char *id, const char *name)
{
    struct token_row row = { .created_at = NOW, .expires_at = 0 };
    (void)strncpy(row.id, id, sizeof row.id - 1);
    (void)strncpy(row.name, name, sizeof row.name - 1);
    (void)strncpy(row.rights, "pinot:write,oxen:read", sizeof row.rights - 1);
    (void)strncpy(row.scope, "*", sizeof row.scope - 1);
    for (size_t i = 0; i < sizeof row.hash; i++)
        row.hash[i] = (uint8_t)(i * 7); /* with NUL bytes, as hashes have them */
    return row;
}

static void test_a_token_comes_back_as_it_was_added(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    const struct token_row in = token_of("0123456789abcdef", "loader");
    struct token_row out;
    bool found = false;
    assert_int_equal(token_store_add(rig.db, &in, &why), FAULT_NONE);
    assert_int_equal(token_store_get(rig.other, in.id, &out, &found, &why), FAULT_NONE);
    assert_true(found);
    assert_memory_equal(&out, &in, sizeof in);
    assert_int_equal(token_store_get(rig.db, "nobody", &out, &found, &why), FAULT_NONE);
    assert_false(found);
}

static void test_a_name_is_given_once(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    const struct token_row first = token_of("1", "loader");
    const struct token_row second = token_of("2", "loader");
    assert_int_equal(token_store_add(rig.db, &first, &why), FAULT_NONE);
    assert_int_equal(token_store_add(rig.other, &second, &why), FAULT_CONFLICT);
    assert_string_equal(why.text, "a token named loader exists");
    assert_true(rig_unlocked(&rig));

    bool found = true;
    struct token_row out;
    why = PROBLEM_NONE;
    assert_int_equal(token_store_get(rig.db, "2", &out, &found, &why), FAULT_NONE);
    assert_false(found);
}

static enum fault collect(void *ctx, const struct token_row *row, struct problem *why)
{
    struct text *names = ctx;
    (void)why;
    text_addf(names, "%s ", row->name);
    return FAULT_NONE;
}

static enum fault refuse(void *ctx, const struct token_row *row, struct problem *why)
{
    (void)ctx;
    (void)row;
    return problem_set(why, FAULT_GONE, "enough");
}

static void test_tokens_are_listed_by_name_until_revoked(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    static const char *const names[] = { "c", "a", "b" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct token_row row = token_of(names[i], names[i]);
        assert_int_equal(token_store_add(rig.db, &row, &why), FAULT_NONE);
    }
    struct text all;
    text_init(&all, STATE_PATH_MAX);
    assert_int_equal(token_store_list(rig.other, collect, &all, &why), FAULT_NONE);
    assert_string_equal(text_string(&all), "a b c ");

    assert_int_equal(token_store_revoke(rig.other, "b", &why), FAULT_NONE);
    text_clear(&all);
    assert_int_equal(token_store_list(rig.db, collect, &all, &why), FAULT_NONE);
    assert_string_equal(text_string(&all), "a c ");
    assert_int_equal(token_store_revoke(rig.db, "b", &why), FAULT_MISSING);
    assert_true(rig_unlocked(&rig));

    why = PROBLEM_NONE;
    assert_int_equal(token_store_list(rig.db, refuse, NULL, &why), FAULT_GONE);
    text_clear(&all);
    assert_int_equal(token_store_list(rig.db, collect, &all, &why), FAULT_NONE);
    assert_string_equal(text_string(&all), "a c ");
    text_release(&all);
}

/* The conflict rests on another process's commit: its sync, here failing, must come first. */
static void test_a_conflict_is_answered_only_when_its_cause_is_durable(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    const struct token_row row = token_of("1", "loader");
    rig_write(rig.db, FILE_A, 0);
    shim_fail(shim, SHIM_WAL, SHIM_SYNC, 0, SQLITE_IOERR_FSYNC);
    assert_int_equal(token_store_add(rig.db, &row, &why), FAULT_UNAVAILABLE);
    shim_calm(shim);
    why = PROBLEM_NONE;
    assert_int_equal(token_store_add(rig.other, &row, &why), FAULT_UNAVAILABLE);
}

/* ---- contents ---- */

static const struct blob_ref refs[] = {
    { .file = 5, .start = 0, .bytes = 10 },
    { .file = 5, .start = 10, .bytes = 20, .digest = { 1, 2, 3 } },
    { .file = 5, .start = 30, .bytes = 0 },
    { .file = 6, .start = 0, .bytes = 10 },
};

enum { REFS = sizeof refs / sizeof refs[0] };

static void add_refs(int64_t blobs[REFS])
{
    struct problem why = PROBLEM_NONE;
    assert_int_equal(db_begin(rig.db, &why), FAULT_NONE);
    for (size_t i = 0; i < REFS; i++)
        assert_int_equal(blob_rows_add(rig.db, &refs[i], &blobs[i], &why), FAULT_NONE);
    assert_int_equal(db_commit(rig.db, &why), FAULT_NONE);
}

struct seen_refs {
    struct blob_ref refs[2 * REFS];
    size_t count;
};

static enum fault see(void *arg, const struct blob_ref *ref, struct problem *why)
{
    struct seen_refs *seen = arg;
    (void)why;
    seen->refs[seen->count++] = *ref;
    return FAULT_NONE;
}

static void test_a_content_is_found_where_it_was_placed(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    int64_t blobs[REFS];
    add_refs(blobs);
    for (size_t i = 0; i < REFS; i++) {
        struct blob_ref out;
        bool found = false;
        assert_int_equal(blob_rows_get(rig.other, blobs[i], &out, &found, &why), FAULT_NONE);
        assert_true(found);
        assert_memory_equal(&out, &refs[i], sizeof out);
    }
    struct blob_ref out;
    bool found = true;
    assert_int_equal(blob_rows_get(rig.other, blobs[REFS - 1] + 1, &out, &found, &why), FAULT_NONE);
    assert_false(found);
}

static void test_contents_of_a_file_come_in_order_and_once(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    int64_t blobs[REFS];
    struct seen_refs seen = { .count = 0 };
    add_refs(blobs);
    add_refs(blobs); /* two rows a content */
    assert_int_equal(blob_rows_contents(rig.db, 5, NULL, see, &seen, &why), FAULT_NONE);
    assert_int_equal(seen.count, 3);
    assert_memory_equal(seen.refs, refs, 3 * sizeof refs[0]);
}

static void test_moving_takes_every_row_of_a_content_and_no_other(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    int64_t blobs[REFS];
    int64_t again[REFS];
    const struct blob_ref to = { .file = 7, .start = 100, .bytes = 20, .digest = { 1, 2, 3 } };
    const struct blob_ref nowhere = { .file = 8, .start = 0, .bytes = 20 };
    add_refs(blobs);
    add_refs(again);
    assert_int_equal(db_begin(rig.db, &why), FAULT_NONE);
    int64_t rows = 0;
    assert_int_equal(blob_rows_move(rig.db, &refs[1], &to, &rows, &why), FAULT_NONE);
    assert_int_equal(rows, 2);
    assert_int_equal(blob_rows_move(rig.db, &nowhere, &to, &rows, &why), FAULT_NONE);
    assert_int_equal(rows, 0);
    assert_int_equal(db_commit(rig.db, &why), FAULT_NONE);
    for (size_t i = 0; i < REFS; i++) {
        struct blob_ref out;
        bool found = false;
        assert_int_equal(blob_rows_get(rig.db, again[i], &out, &found, &why), FAULT_NONE);
        assert_memory_equal(&out, i == 1 ? &to : &refs[i], sizeof out);
    }
    assert_int_equal(state_rows(rig.db, 5), 2);
    assert_int_equal(state_rows(rig.db, 7), 1);
}

static struct blob_names *read_names(void)
{
    const struct blob_names_gone gone = { 0, 0 };
    struct problem why = PROBLEM_NONE;
    struct blob_names *names = NULL;
    assert_int_equal(blob_names_read(rig.db, &gone, &names, &why), FAULT_NONE);
    return names;
}

static void test_what_no_surface_names_is_forgotten_piece_by_piece(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    int64_t blobs[REFS];
    add_refs(blobs);
    static const int64_t sizes[] = { 3, 1, 0 };
    struct blob_names *names = read_names();
    for (int run = 0; run < 2; run++) { /* counted first, then done */
        struct blob_rows_piece piece = { .names = names, .most = 3, .count_only = run == 0 };
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            assert_int_equal(blob_rows_forget(rig.db, &piece, &why), FAULT_NONE);
            assert_int_equal(piece.looked_at, sizes[i]);
            assert_int_equal(piece.forgotten, sizes[i]);
        }
        assert_int_equal(piece.after, blobs[REFS - 1]);
        assert_int_equal(state_number(&rig.state, "SELECT count(*) FROM blob"),
                         run == 0 ? REFS : 0);
    }
    blob_names_destroy(names);
}

/* Runs SQL in another connection, as somebody with a shell does; roots: an index whose entries the
 * SQL finds as the table imposter. */
static void by_hand(const char *index, const char *sql)
{
    char path[STATE_PATH_MAX];
    sqlite3 *shell = NULL;
    sqlite3_stmt *root = NULL;
    state_path(&rig.state, "sluice.db", path);
    assert_int_equal(sqlite3_open(path, &shell), SQLITE_OK);
    if (index) {
        assert_int_equal(sqlite3_prepare_v2(shell,
                                            "SELECT rootpage FROM sqlite_schema WHERE name = ?1",
                                            -1, &root, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_bind_text(root, 1, index, -1, SQLITE_STATIC), SQLITE_OK);
        assert_int_equal(sqlite3_step(root), SQLITE_ROW);
        const int page = sqlite3_column_int(root, 0);
        (void)sqlite3_finalize(root);
        (void)sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, shell, "main", 1, page);
    }
    if (sqlite3_exec(shell, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(shell));
    assert_int_equal(sqlite3_close(shell), SQLITE_OK);
}

#define SEGMENT                                                                                    \
    "INSERT INTO pinot_table (id, name, raw, type, config, time_check, replication,"               \
    " deleted_keep_ms, created_at, updated_at) VALUES (1, 't', 't', 'OFFLINE', '', 0, 1, 0, 0, "   \
    "0);"                                                                                          \
    "INSERT INTO pinot_segment (table_id, name, crc, created_at, pushed_at, docs, index_version,"  \
    " url, blob) SELECT 1, 's', 1, 0, 0, 1, 1, '', max(blob) FROM blob"

/* An index that has lost an entry says that nobody names a content, to the foreign key, too. */
static void test_what_an_index_has_lost_is_not_forgotten(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    int64_t blobs[REFS];
    add_refs(blobs);
    by_hand(NULL, SEGMENT);
    by_hand("pinot_segment_by_blob",
            "CREATE TABLE imposter (blob, id, PRIMARY KEY (blob, id)) WITHOUT ROWID;"
            "DELETE FROM imposter");
    assert_int_equal(state_number(&rig.state, "SELECT count(*) FROM pinot_segment INDEXED BY"
                                              " pinot_segment_by_blob WHERE blob IS NOT NULL"),
                     0);
    struct blob_names *names = read_names();
    struct blob_rows_piece piece = { .names = names, .most = REFS };
    assert_int_equal(blob_rows_forget(rig.db, &piece, &why), FAULT_NONE);
    assert_int_equal(piece.forgotten, REFS - 1);
    assert_int_equal(state_number(&rig.state, "SELECT count(*) FROM blob"), 1);
    assert_true(blob_names_has(names, blobs[REFS - 1]));
    assert_false(blob_names_has(names, blobs[0]));
    assert_true(blob_names_has(names, blobs[REFS - 1] + 1)); /* newer than the walk */
    blob_names_destroy(names);
}

static void test_a_walk_finds_what_the_index_by_file_has_lost(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    int64_t blobs[REFS];
    struct seen_refs walked = { .count = 0 };
    struct seen_refs listed = { .count = 0 };
    add_refs(blobs);
    by_hand("blob_by_file", "CREATE TABLE imposter (file, start, blob, PRIMARY KEY (file, start,"
                            " blob)) WITHOUT ROWID; DELETE FROM imposter WHERE file = 5");
    assert_int_equal(blob_rows_walk(rig.db, NULL, see, &walked, &why), FAULT_NONE);
    assert_int_equal(blob_rows_contents(rig.db, 5, NULL, see, &listed, &why), FAULT_NONE);
    assert_int_equal(walked.count, REFS);
    assert_int_equal(listed.count, 0);
}

static void test_a_sound_database_passes_and_one_with_a_lost_row_does_not(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    int64_t blobs[REFS];
    add_refs(blobs);
    by_hand(NULL, SEGMENT);
    assert_int_equal(db_check(rig.db, NULL, NULL, &why), FAULT_NONE);
    by_hand(NULL, "PRAGMA foreign_keys = OFF; DELETE FROM blob");
    assert_int_equal(db_check(rig.db, NULL, NULL, &why), FAULT_UNAVAILABLE);
    assert_non_null(strstr(why.detail, "pinot_segment"));
}

/* The foreign key holds whatever the statement knows. */
static void test_a_content_that_a_row_names_cannot_be_forgotten(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    int64_t blobs[REFS];
    add_refs(blobs);
    by_hand(NULL, "CREATE TABLE holder (blob INTEGER REFERENCES blob (blob));"
                  "INSERT INTO holder SELECT max(blob) FROM blob");
    struct blob_names *names = read_names();
    struct blob_rows_piece piece = { .names = names, .most = REFS };
    assert_int_equal(blob_rows_forget(rig.db, &piece, &why), FAULT_INTERNAL);
    assert_int_equal(state_number(&rig.state, "SELECT count(*) FROM blob"), REFS);
    blob_names_destroy(names);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    shim = shim_install();
    const struct CMUnitTest tests[] = {
        RIGGED(test_a_token_comes_back_as_it_was_added),
        RIGGED(test_a_name_is_given_once),
        RIGGED(test_tokens_are_listed_by_name_until_revoked),
        RIGGED(test_a_conflict_is_answered_only_when_its_cause_is_durable),
        RIGGED(test_a_content_is_found_where_it_was_placed),
        RIGGED(test_contents_of_a_file_come_in_order_and_once),
        RIGGED(test_moving_takes_every_row_of_a_content_and_no_other),
        RIGGED(test_what_no_surface_names_is_forgotten_piece_by_piece),
        RIGGED(test_what_an_index_has_lost_is_not_forgotten),
        RIGGED(test_a_walk_finds_what_the_index_by_file_has_lost),
        RIGGED(test_a_sound_database_passes_and_one_with_a_lost_row_does_not),
        RIGGED(test_a_content_that_a_row_names_cannot_be_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
