#include "support/state.h"

#include "db/blob_rows.h"
#include "db/migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOW = 1700000000 };

void state_make(struct state *state, bool in_memory)
{
    static const char shared_memory[] = "/dev/shm";
    *state = (struct state){ "" };
    const char *base = getenv("TMPDIR");
    if (!base)
        base = "/tmp";
    if (in_memory && access(shared_memory, W_OK) == 0)
        base = shared_memory;
    (void)snprintf(state->folder, sizeof state->folder, "%s/sluice-db-XXXXXX", base);
    assert_non_null(mkdtemp(state->folder));
}

void state_path(const struct state *state, const char *name, char out[STATE_PATH_MAX])
{
    const int len = snprintf(out, STATE_PATH_MAX, "%s/%s", state->folder, name);
    assert_in_range(len, 1, STATE_PATH_MAX - 1);
}

void state_remove(const struct state *state)
{
    DIR *folder = opendir(state->folder);
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    (void)closedir(folder);
    assert_int_equal(rmdir(state->folder), 0);
}

bool state_has(const struct state *state, const char *name)
{
    char path[STATE_PATH_MAX];
    state_path(state, name, path);
    return access(path, F_OK) == 0;
}

void state_migrate(const struct state *state)
{
    struct migrate_report report;
    struct problem why = PROBLEM_NONE;
    if (migrate_run(state->folder, STATE_WAIT_MS, NOW, &report, &why))
        fail_msg("migrate: %s: %s", why.text, why.detail);
}

struct db *state_open_with(const struct state *state, int64_t lock_wait_ms,
                           int64_t checkpoint_bytes)
{
    const struct db_options options = { .folder = state->folder,
                                        .lock_wait_ms = lock_wait_ms,
                                        .checkpoint_bytes = checkpoint_bytes };
    struct problem why = PROBLEM_NONE;
    struct db *db = NULL;
    if (db_open(&options, &db, &why))
        fail_msg("open: %s: %s", why.text, why.detail);
    return db;
}

struct db *state_open(const struct state *state)
{
    return state_open_with(state, STATE_WAIT_MS, STATE_CHECKPOINT_BYTES);
}

enum fault state_add(struct db *db, int64_t file, int64_t start, struct problem *why)
{
    const struct blob_ref ref = { .file = file, .start = start, .bytes = 1 };
    int64_t blob = 0;
    return blob_rows_add(db, &ref, &blob, why);
}

enum fault state_write(struct db *db, int64_t file, int64_t start, struct problem *why)
{
    enum fault f = db_begin(db, why);
    if (!f)
        f = state_add(db, file, start, why);
    if (!f)
        f = db_commit(db, why);
    db_rollback(db);
    return f;
}

static enum fault count_one(void *arg, const struct blob_ref *ref, struct problem *why)
{
    int64_t *count = arg;
    (void)ref;
    (void)why;
    ++*count;
    return FAULT_NONE;
}

int64_t state_rows(struct db *db, int64_t file)
{
    int64_t count = 0;
    struct problem why = PROBLEM_NONE;
    if (blob_rows_contents(db, file, NULL, count_one, &count, &why))
        fail_msg("rows: %s: %s", why.text, why.detail);
    return count;
}

/* The first column of the first row; the text is copied into out. */
static void ask(const struct state *state, const char *sql, char *out, size_t out_max)
{
    char path[STATE_PATH_MAX];
    sqlite3 *sqlite = NULL;
    sqlite3_stmt *stmt = NULL;
    state_path(state, "sluice.db", path);
    assert_int_equal(sqlite3_open_v2(path, &sqlite, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    (void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_busy_timeout(sqlite, STATE_WAIT_MS);
    if (sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
    if (sqlite3_step(stmt) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
    (void)snprintf(out, out_max, "%s", (const char *)sqlite3_column_text(stmt, 0));
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(sqlite);
}

int64_t state_number(const struct state *state, const char *sql)
{
    char text[STATE_PATH_MAX];
    ask(state, sql, text, sizeof text);
    return strtoll(text, NULL, 10);
}

void state_check_integrity(const struct state *state)
{
    char text[STATE_PATH_MAX];
    ask(state, "PRAGMA integrity_check", text, sizeof text);
    assert_string_equal(text, "ok");
}
