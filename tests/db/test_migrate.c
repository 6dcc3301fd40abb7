/* Migrations: applied once, never doubted silently, and what a start leaves on the disk. */
#include "db/migrate.h"
#include "support/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW = 1700000000, SHORT_WAIT_MS = 100, PERMISSIONS = 07777 };

static struct state folder;

static int set_up(void **state)
{
    (void)state;
    state_make(&folder, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    state_remove(&folder);
    return 0;
}

/* Runs SQL as somebody who changes the database by hand. */
static void by_hand(const char *sql)
{
    char path[STATE_PATH_MAX];
    sqlite3 *sqlite = NULL;
    state_path(&folder, "sluice.db", path);
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    (void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (sqlite3_exec(sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
}

static struct migrate_report migrate(void)
{
    struct migrate_report report;
    struct problem why = PROBLEM_NONE;
    if (migrate_run(folder.folder, SHORT_WAIT_MS, NOW, &report, &why))
        fail_msg("migrate: %s: %s", why.text, why.detail);
    return report;
}

/* migrate_run, migrate_check and db_open all refuse, and say word. */
static void assert_all_refuse(const char *word)
{
    const struct db_options options = { .folder = folder.folder };
    struct migrate_report report;
    struct db *db = NULL;
    struct problem why = PROBLEM_NONE;
    assert_int_equal(migrate_run(folder.folder, SHORT_WAIT_MS, NOW, &report, &why),
                     FAULT_UNAVAILABLE);
    assert_non_null(strstr(why.text, word));
    why = PROBLEM_NONE;
    assert_int_equal(migrate_check(folder.folder, &why), FAULT_UNAVAILABLE);
    assert_non_null(strstr(why.text, word));
    why = PROBLEM_NONE;
    assert_int_equal(db_open(&options, &db, &why), FAULT_UNAVAILABLE);
    assert_non_null(strstr(why.text, word));
    assert_null(db);
}

static void test_before_the_first_migrate_everything_names_the_next_step(void **state)
{
    (void)state;
    const struct db_options options = { .folder = folder.folder };
    struct db *db = NULL;
    struct problem why = PROBLEM_NONE;
    assert_int_equal(db_open(&options, &db, &why), FAULT_UNAVAILABLE);
    assert_non_null(strstr(why.text, "sluice migrate"));
    why = PROBLEM_NONE;
    assert_int_equal(migrate_check(folder.folder, &why), FAULT_UNAVAILABLE);
    assert_non_null(strstr(why.text, "sluice migrate"));
    assert_false(state_has(&folder, "sluice.db")); /* looking makes nothing */
    assert_false(state_has(&folder, "sluice.lock"));
}

static void test_without_a_folder_everything_names_the_next_step(void **state)
{
    (void)state;
    char path[STATE_PATH_MAX];
    state_path(&folder, "none", path);
    const struct db_options options = { .folder = path };
    struct db *db = NULL;
    struct problem why = PROBLEM_NONE;
    assert_int_equal(db_open(&options, &db, &why), FAULT_UNAVAILABLE);
    assert_non_null(strstr(why.text, "sluice migrate"));
}

static void test_the_first_run_applies_all_and_a_second_nothing(void **state)
{
    (void)state;
    const struct migrate_report first = migrate();
    assert_true(first.created);
    assert_false(first.was_poisoned);
    assert_int_equal(first.before, 0);
    assert_true(first.after > 0);

    const int64_t version = state_number(&folder, "PRAGMA schema_version");
    const struct migrate_report second = migrate();
    assert_false(second.created);
    assert_int_equal(second.before, first.after);
    assert_int_equal(second.after, first.after);
    assert_int_equal(state_number(&folder, "PRAGMA schema_version"), version);
    assert_int_equal(state_number(&folder, "SELECT count(*) FROM migration"), first.after);
    assert_int_equal(state_number(&folder, "SELECT max(applied_at) FROM migration"), NOW);

    struct problem why = PROBLEM_NONE;
    assert_int_equal(migrate_check(folder.folder, &why), FAULT_NONE);
}

static void assert_mode(const char *path, mode_t expected)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    if ((status.st_mode & PERMISSIONS) != expected)
        fail_msg("%s has mode %o", path, (unsigned)(status.st_mode & PERMISSIONS));
}

static void test_folder_and_files_have_their_modes_under_any_umask(void **state)
{
    (void)state;
    static const mode_t masks[] = { 0, 022, 077 };
    static const char *const files[] = { "sluice.db", "sluice.db-wal", "sluice.db-shm",
                                         "sluice.lock", "sluice.seq" };
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        struct state inner = { "" };
        struct migrate_report report;
        struct problem why = PROBLEM_NONE;
        state_path(&folder, "inner", inner.folder);
        const mode_t before = umask(masks[i]);
        assert_int_equal(migrate_run(inner.folder, SHORT_WAIT_MS, NOW, &report, &why), FAULT_NONE);
        struct db *db = state_open(&inner); /* the WAL's files are there while it is open */
        assert_int_equal(umask(before), masks[i]);
        assert_mode(inner.folder, 0750);
        for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
            char path[STATE_PATH_MAX];
            state_path(&inner, files[k], path);
            assert_mode(path, 0640);
        }
        db_close(db);
        state_remove(&inner);
    }
}

static void test_a_changed_migration_is_refused(void **state)
{
    (void)state;
    (void)migrate();
    by_hand("UPDATE migration SET sha256 = replace(sha256, substr(sha256, 1, 1), 'x')"
            " WHERE name = '0001_foundation'");
    assert_all_refuse("0001_foundation was changed");
}

static void test_a_newer_database_is_refused(void **state)
{
    (void)state;
    (void)migrate();
    by_hand("INSERT INTO migration VALUES ('9999_tomorrow', 'x', 1)");
    assert_all_refuse("9999_tomorrow");
}

static void test_a_migration_between_ours_is_refused(void **state)
{
    (void)state;
    (void)migrate();
    by_hand("INSERT INTO migration VALUES ('0001_a', 'x', 1)");
    assert_all_refuse("0001_a");
}

static void test_an_older_database_is_brought_up(void **state)
{
    (void)state;
    const struct migrate_report first = migrate();
    char path[STATE_PATH_MAX];
    const struct db_options options = { .folder = folder.folder };
    struct db *db = NULL;
    struct problem why = PROBLEM_NONE;

    /* As a database looks to which nothing was applied yet. */
    state_path(&folder, "sluice.db", path);
    assert_int_equal(unlink(path), 0);
    state_path(&folder, "sluice.db-wal", path);
    assert_int_equal(unlink(path), 0);
    by_hand("PRAGMA journal_mode = WAL; CREATE TABLE migration ("
            " name TEXT NOT NULL PRIMARY KEY, sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL"
            ") STRICT, WITHOUT ROWID");
    assert_int_equal(db_open(&options, &db, &why), FAULT_UNAVAILABLE);
    assert_non_null(strstr(why.text, "sluice migrate"));
    assert_int_equal(migrate().after, first.after);
    why = PROBLEM_NONE;
    assert_int_equal(migrate_check(folder.folder, &why), FAULT_NONE);
}

static void test_another_programs_database_is_left_alone(void **state)
{
    (void)state;
    by_hand("PRAGMA journal_mode = WAL; CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)");
    struct migrate_report report;
    struct problem why = PROBLEM_NONE;
    assert_int_equal(migrate_run(folder.folder, SHORT_WAIT_MS, NOW, &report, &why),
                     FAULT_UNAVAILABLE);
    assert_int_equal(state_number(&folder, "SELECT count(*) FROM sqlite_schema"), 1);
}

static void test_a_file_that_is_no_database_is_refused(void **state)
{
    (void)state;
    char path[STATE_PATH_MAX];
    struct migrate_report report;
    struct problem why = PROBLEM_NONE;
    state_path(&folder, "sluice.db", path);
    FILE *file = fopen(path, "we");
    for (int i = 0; i < 1000; i++)
        assert_true(fputs("this is text\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(migrate_run(folder.folder, SHORT_WAIT_MS, NOW, &report, &why), FAULT_INTERNAL);
    assert_non_null(strstr(why.detail, "damaged"));
}

static int64_t wal_bytes(void)
{
    char path[STATE_PATH_MAX];
    struct stat status;
    state_path(&folder, "sluice.db-wal", path);
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static void test_every_run_empties_the_wal(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    (void)migrate();
    assert_int_equal(wal_bytes(), 0);
    struct db *db = state_open(&folder);
    assert_int_equal(state_write(db, 1, 0, &why), FAULT_NONE);
    db_close(db);
    assert_true(wal_bytes() > 0);
    (void)migrate();
    assert_int_equal(wal_bytes(), 0);
    assert_int_equal(state_number(&folder, "SELECT count(*) FROM blob"), 1);
}

static void test_a_reader_in_the_way_is_named(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    struct migrate_report report;
    (void)migrate();
    struct db *db = state_open(&folder);
    assert_int_equal(state_write(db, 1, 0, &why), FAULT_NONE);
    assert_int_equal(db_read_begin(db, &why), FAULT_NONE);
    assert_int_equal(state_rows(db, 1), 1);
    assert_int_equal(migrate_run(folder.folder, SHORT_WAIT_MS, NOW, &report, &why), FAULT_BUSY);
    assert_non_null(strstr(why.text, "reading"));
    db_close(db);
    (void)migrate();
}

static void test_it_waits_for_the_writers_lock(void **state)
{
    (void)state;
    char path[STATE_PATH_MAX];
    struct migrate_report report;
    struct problem why = PROBLEM_NONE;
    (void)migrate();
    state_path(&folder, "sluice.lock", path);
    const int lock = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_int_equal(migrate_run(folder.folder, SHORT_WAIT_MS, NOW, &report, &why), FAULT_BUSY);
    (void)close(lock);
    (void)migrate();
}

static void test_the_library_is_named_with_its_defects(void **state)
{
    (void)state;
    const char *defects = NULL;
    assert_string_equal(migrate_sqlite_version(&defects), sqlite3_libversion());
    if (sqlite3_libversion_number() == 3040001)
        assert_string_equal(defects, "wal-reset, spilled-rollback");
    assert_non_null(defects);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_before_the_first_migrate_everything_names_the_next_step),
        IN_FOLDER(test_without_a_folder_everything_names_the_next_step),
        IN_FOLDER(test_the_first_run_applies_all_and_a_second_nothing),
        IN_FOLDER(test_folder_and_files_have_their_modes_under_any_umask),
        IN_FOLDER(test_a_changed_migration_is_refused),
        IN_FOLDER(test_a_newer_database_is_refused),
        IN_FOLDER(test_a_migration_between_ours_is_refused),
        IN_FOLDER(test_an_older_database_is_brought_up),
        IN_FOLDER(test_another_programs_database_is_left_alone),
        IN_FOLDER(test_a_file_that_is_no_database_is_refused),
        IN_FOLDER(test_every_run_empties_the_wal),
        IN_FOLDER(test_a_reader_in_the_way_is_named),
        IN_FOLDER(test_it_waits_for_the_writers_lock),
        IN_FOLDER(test_the_library_is_named_with_its_defects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
