/* The statements: their texts, their first use, and their end when a fault left them in the middle. */
#include "db/sqlite/sqlite.h"

static const struct {
    const char *name;
    const char *sql;
} texts[STATEMENT_COUNT] = {
#define STATEMENT(name, sql) [STMT_##name] = { #name, sql },
#include "db/statements.def"
#undef STATEMENT
};

const char *db_statement_sql(enum statement which)
{
    return texts[which].sql;
}

const char *db_statement_name(enum statement which)
{
    return texts[which].name;
}

int db_statement(struct db *db, enum statement which, sqlite3_stmt **out)
{
    int code = SQLITE_OK;
    if (!db->statements[which])
        code = sqlite3_prepare_v3(db->sqlite, texts[which].sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &db->statements[which], NULL);
    *out = db->statements[which];
    return code;
}

void db_reset_statements(struct db *db)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        if (db->statements[i] && sqlite3_stmt_busy(db->statements[i])) {
            (void)sqlite3_reset(db->statements[i]);
            (void)sqlite3_clear_bindings(db->statements[i]);
        }
    }
}
