/* Whether the database is sound. */
#include "base/text.h"
#include "db/sqlite/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    NAMES_MAX = 64 * 1024, /* bytes of the names of all tables */
    SQL_MAX = 512,         /* bytes of a statement about one table */
};

static const char sql_tables[] = "SELECT name FROM sqlite_schema WHERE type = 'table'"
                                 " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";

static enum fault damaged(struct problem *why, const char *table, const char *finding)
{
    const enum fault f = problem_set(
        why, FAULT_UNAVAILABLE,
        "the database is damaged, and nothing is decided by it: stop the service and restore a "
        "backup");
    (void)snprintf(why->detail, sizeof why->detail, "table %.100s: %.380s", table, finding);
    return f;
}

/* The names, each with its NUL, one behind the other. */
static enum fault read_tables(struct db *db, struct text *names, struct problem *why)
{
    sqlite3_stmt *list = NULL;
    errno = 0;
    int code = sqlite3_prepare_v2(db->sqlite, sql_tables, -1, &list, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(list);
    while (code == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(list, 0);
        if (name)
            text_add(names, name, strlen(name) + 1);
        code = sqlite3_step(list);
    }
    (void)sqlite3_finalize(list);
    if (code != SQLITE_DONE)
        return db_fault(db, code, "list of tables", why);
    return text_failed(names) ? problem_internal(why, "no memory for the names of tables")
                              : FAULT_NONE;
}

/* The first row of a PRAGMA about a table.  *finding: "" without a row, else what column says. */
static enum fault ask(struct db *db, const char *format, const char *table, int column,
                      char finding[PROBLEM_DETAIL_MAX], struct problem *why)
{
    char sql[SQL_MAX];
    sqlite3_stmt *stmt = NULL;
    finding[0] = '\0';
    (void)sqlite3_snprintf(sizeof sql, sql, format, table);
    errno = 0;
    int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, column);
        (void)sqlite3_snprintf(PROBLEM_DETAIL_MAX, finding, "%s", text ? text : "?");
    }
    (void)sqlite3_finalize(stmt);
    db_rest_on_begun(db);
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return FAULT_NONE;
    return (code & DB_PRIMARY_CODE) == SQLITE_CORRUPT
               ? damaged(why, table, "SQLite calls it corrupt")
               : db_fault(db, code, sql, why);
}

static enum fault check_table(struct db *db, const char *table, struct problem *why)
{
    enum { PARENT = 2 }; /* column of foreign_key_check */
    char finding[PROBLEM_DETAIL_MAX];
    enum fault f = ask(db, "PRAGMA quick_check(%Q)", table, 0, finding, why);
    if (!f && strcmp(finding, "ok") != 0)
        f = damaged(why, table, finding);
    if (!f)
        f = ask(db, "PRAGMA foreign_key_check(%Q)", table, PARENT, finding, why);
    if (!f && finding[0] != '\0') {
        char lost[PROBLEM_DETAIL_MAX];
        (void)sqlite3_snprintf(sizeof lost, lost,
                               "a row refers to one of table %s that is not there", finding);
        f = damaged(why, table, lost);
    }
    return f;
}

enum fault db_check(struct db *db, void (*progress)(void *ctx, const char *table), void *ctx,
                    struct problem *why)
{
    struct text names;
    text_init(&names, NAMES_MAX);
    enum fault f = read_tables(db, &names, why);
    for (size_t at = 0; !f && at < names.len; at += strlen(names.data + at) + 1) {
        if (progress)
            progress(ctx, names.data + at);
        f = check_table(db, names.data + at, why);
    }
    text_release(&names);
    return f;
}
