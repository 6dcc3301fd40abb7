/* The texts of the statements, and their end when a fault left them in the middle. */
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

void db_reset_statements(struct db *db)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        if (db->statements[i] && sqlite3_stmt_busy(db->statements[i])) {
            (void)sqlite3_reset(db->statements[i]);
            (void)sqlite3_clear_bindings(db->statements[i]);
        }
    }
}
