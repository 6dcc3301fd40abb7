/* What every statement of the program costs, by SQLite's own plan, and what the schema owes the
 * sweeper and the people who look. */
#include "db/db.h"
#include "support/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 8192, PLAN_DETAIL = 3 };

/* The statements that may walk through a whole table or index, and why. */
static const struct {
    const char *statement;
    const char *reason;
} scans[] = {
    { "TOKEN_LIST", "lists all tokens, for people" },
    { "BLOB_WALK", "trusts no index, for a deletion" },
    { "BLOB_NAMES_SEGMENT", "the same" },
    { "BLOB_NAMES_DELETED", "the same" },
    { "BLOB_NAMES_PART", "the same" },
    { "BLOB_NAMES_FILE", "the same" },
    { "BLOB_NAMES_PARQUET", "the same" },
    { "BLOB_NAMES_VERSION", "the same" },
    { "BLOB_NAMES_UPLOAD", "the same" },
    { "BLOB_NAMES_OBJECT", "the same" },
    { "OXEN_UPLOAD_RESERVED", "unfinished uploads are few, and beginning one is rare" },
};

static const struct {
    const char *name;
    const char *sql;
} statements[] = {
#define STATEMENT(name, sql) { #name, sql },
#include "db/statements.def"
#undef STATEMENT
};

static struct state folder;
static sqlite3 *sqlite;

static int set_up(void **state)
{
    char path[STATE_PATH_MAX];
    (void)state;
    state_make(&folder, true);
    state_migrate(&folder);
    state_path(&folder, "sluice.db", path);
    return sqlite3_open(path, &sqlite) == SQLITE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    (void)sqlite3_close(sqlite);
    state_remove(&folder);
    return 0;
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
    return stmt;
}

static sqlite3_stmt *plan_of(const char *sql)
{
    char text[TEXT_MAX];
    const int len = snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql);
    assert_in_range(len, 1, TEXT_MAX - 1);
    return prepare(text);
}

static bool may_scan(const char *statement)
{
    for (size_t i = 0; i < sizeof scans / sizeof scans[0]; i++) {
        if (strcmp(scans[i].statement, statement) == 0)
            return true;
    }
    return false;
}

/* Whether the plan makes a table of its own by that name, as it does for a subquery. */
static bool plan_makes(const char *sql, const char *name)
{
    static const char *const makers[] = { "CO-ROUTINE ", "MATERIALIZE " };
    bool made = false;
    sqlite3_stmt *plan = plan_of(sql);
    while (!made && sqlite3_step(plan) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(plan, PLAN_DETAIL);
        for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
            const size_t len = strlen(makers[i]);
            made = made || (strncmp(detail, makers[i], len) == 0 &&
                            strncmp(detail + len, name, strlen(detail + len)) == 0);
        }
    }
    (void)sqlite3_finalize(plan);
    return made;
}

/* Whether a line of a plan walks through a table of the schema. */
static bool is_scan(const char *sql, const char *detail)
{
    static const char scan[] = "SCAN ";
    if (strncmp(detail, scan, sizeof scan - 1) != 0 || strcmp(detail, "SCAN CONSTANT ROW") == 0)
        return false;
    if (strstr(detail, "VIRTUAL TABLE")) /* json_each() and the like */
        return false;
    return !plan_makes(sql, detail + sizeof scan - 1);
}

static void test_no_statement_walks_through_a_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        bool scanned = false;
        sqlite3_stmt *plan = plan_of(statements[i].sql);
        while (sqlite3_step(plan) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(plan, PLAN_DETAIL);
            if (!is_scan(statements[i].sql, detail))
                continue;
            scanned = true;
            if (!may_scan(statements[i].name))
                fail_msg("%s: %s", statements[i].name, detail);
        }
        (void)sqlite3_finalize(plan);
        if (may_scan(statements[i].name) && !scanned)
            fail_msg("%s no longer scans: take it off the list", statements[i].name);
    }
}

static void test_a_scan_would_be_seen(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "SELECT * FROM blob WHERE bytes = 1",
        "SELECT * FROM blob AS b WHERE b.bytes = 1",
        "SELECT count(*) FROM (SELECT DISTINCT bytes FROM blob WHERE start > 1) AS piece",
        "UPDATE blob SET bytes = 1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bool scanned = false;
        sqlite3_stmt *plan = plan_of(bad[i]);
        while (sqlite3_step(plan) == SQLITE_ROW)
            scanned =
                scanned || is_scan(bad[i], (const char *)sqlite3_column_text(plan, PLAN_DETAIL));
        (void)sqlite3_finalize(plan);
        if (!scanned)
            fail_msg("not seen: %s", bad[i]);
    }
}

/* Statements that a second index could answer, too, with a walk through all of a dataset's files. */
static const struct {
    const char *statement;
    const char *index;
} chosen[] = {
    { "OPTERYX_FILE_LIST", "PRIMARY KEY (dataset=? AND number>? AND number<?)" },
};

static const char *sql_of(const char *statement)
{
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        if (strcmp(statements[i].name, statement) == 0)
            return statements[i].sql;
    }
    fail_msg("no statement %s", statement);
    return NULL;
}

static void test_snapshots_are_read_by_the_index_that_holds_no_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof chosen / sizeof chosen[0]; i++) {
        bool found = false;
        sqlite3_stmt *plan = plan_of(sql_of(chosen[i].statement));
        while (sqlite3_step(plan) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(plan, PLAN_DETAIL);
            found = found || strstr(detail, chosen[i].index);
        }
        (void)sqlite3_finalize(plan);
        if (!found)
            fail_msg("%s does not use %s", chosen[i].statement, chosen[i].index);
    }
}

static void test_statements_have_named_parameters_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        sqlite3_stmt *stmt = prepare(statements[i].sql);
        for (int k = 1; k <= sqlite3_bind_parameter_count(stmt); k++) {
            const char *name = sqlite3_bind_parameter_name(stmt, k);
            if (!name || name[0] != ':')
                fail_msg("%s: parameter %d has no name", statements[i].name, k);
        }
        (void)sqlite3_finalize(stmt);
    }
}

static const char sql_references[] =
    "SELECT m.name, f.\"from\" FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f"
    " WHERE m.type = 'table' AND f.\"table\" = 'blob'";

/* Else a deletion of contents would fail on the foreign key, and nothing would ever be swept. */
static void test_forgetting_contents_knows_every_table_that_names_them(void **state)
{
    (void)state;
    const char *forget = NULL;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        if (strcmp(statements[i].name, "BLOB_FORGET") == 0)
            forget = statements[i].sql;
    }
    assert_non_null(forget);
    sqlite3_stmt *list = prepare(sql_references);
    while (sqlite3_step(list) == SQLITE_ROW) {
        char line[TEXT_MAX];
        (void)snprintf(
            line, sizeof line, " AND NOT EXISTS (SELECT 1 FROM %s AS n WHERE n.%s = blob.blob)",
            (const char *)sqlite3_column_text(list, 0), (const char *)sqlite3_column_text(list, 1));
        if (!strstr(forget, line))
            fail_msg("BLOB_FORGET in db/blob.def lacks:%s", line);
    }
    (void)sqlite3_finalize(list);
}

/* A statement that walks through the table, whatever else it asks. */
static bool is_walked(const char *table)
{
    static const char walk[] = "BLOB_NAMES_";
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        bool walked = false;
        if (strncmp(statements[i].name, walk, sizeof walk - 1) != 0 ||
            !strstr(statements[i].sql, table))
            continue;
        sqlite3_stmt *plan = plan_of(statements[i].sql);
        if (sqlite3_step(plan) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(plan, PLAN_DETAIL);
            walked = strncmp(detail, "SCAN ", 5) == 0 && !strstr(detail, "INDEX");
        }
        (void)sqlite3_finalize(plan);
        if (walked)
            return true;
    }
    return false;
}

/* Else the sweeper would take contents that only such a table names. */
static void test_every_table_that_names_contents_is_walked_before_a_deletion(void **state)
{
    (void)state;
    sqlite3_stmt *list = prepare(sql_references);
    while (sqlite3_step(list) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(list, 0);
        if (!is_walked(table))
            fail_msg("no BLOB_NAMES_ statement walks through %s", table);
    }
    (void)sqlite3_finalize(list);
}

/* The foreign key asks them at each deletion of a content. */
static void test_every_column_that_names_contents_has_an_index(void **state)
{
    (void)state;
    sqlite3_stmt *list = prepare(sql_references);
    while (sqlite3_step(list) == SQLITE_ROW) {
        char sql[TEXT_MAX];
        (void)snprintf(sql, sizeof sql, "SELECT 1 FROM %s AS n WHERE n.%s = 1",
                       (const char *)sqlite3_column_text(list, 0),
                       (const char *)sqlite3_column_text(list, 1));
        sqlite3_stmt *plan = plan_of(sql);
        while (sqlite3_step(plan) == SQLITE_ROW) {
            if (is_scan(sql, (const char *)sqlite3_column_text(plan, PLAN_DETAIL)))
                fail_msg("no index for: %s", sql);
        }
        (void)sqlite3_finalize(plan);
    }
    (void)sqlite3_finalize(list);
}

static void test_every_view_can_be_read(void **state)
{
    (void)state;
    int views = 0;
    sqlite3_stmt *list = prepare("SELECT name FROM sqlite_schema WHERE type = 'view'");
    for (; sqlite3_step(list) == SQLITE_ROW; views++) {
        char sql[TEXT_MAX];
        (void)snprintf(sql, sizeof sql, "SELECT * FROM %s",
                       (const char *)sqlite3_column_text(list, 0));
        sqlite3_stmt *view = prepare(sql);
        assert_int_equal(sqlite3_step(view), SQLITE_DONE);
        (void)sqlite3_finalize(view);
    }
    (void)sqlite3_finalize(list);
    assert_true(views > 0);
}

static void test_every_table_is_strict(void **state)
{
    (void)state;
    sqlite3_stmt *list = prepare("SELECT name FROM pragma_table_list"
                                 " WHERE type = 'table' AND strict = 0 AND schema = 'main'"
                                 "   AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
    if (sqlite3_step(list) == SQLITE_ROW)
        fail_msg("%s is not STRICT", (const char *)sqlite3_column_text(list, 0));
    (void)sqlite3_finalize(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_statement_walks_through_a_table),
        cmocka_unit_test(test_a_scan_would_be_seen),
        cmocka_unit_test(test_snapshots_are_read_by_the_index_that_holds_no_more),
        cmocka_unit_test(test_statements_have_named_parameters_alone),
        cmocka_unit_test(test_forgetting_contents_knows_every_table_that_names_them),
        cmocka_unit_test(test_every_table_that_names_contents_is_walked_before_a_deletion),
        cmocka_unit_test(test_every_column_that_names_contents_has_an_index),
        cmocka_unit_test(test_every_view_can_be_read),
        cmocka_unit_test(test_every_table_is_strict),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
