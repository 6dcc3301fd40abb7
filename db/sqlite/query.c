#include "db/sqlite/sqlite.h"

#include <errno.h>
#include <string.h>

struct query query_for(struct db *db, enum statement which)
{
    sqlite3_stmt *stmt = NULL;
    const int code = db_statement(db, which, &stmt);
    if (code != SQLITE_OK)
        return (struct query){ .db = db, .failed = code, .which = which };
    if (sqlite3_stmt_busy(stmt)) /* another query's, which is to go on undisturbed */
        return (struct query){ .db = db, .failed = SQLITE_MISUSE, .which = which };
    return (struct query){ .db = db, .stmt = stmt, .which = which };
}

/* The number of a parameter; 0, remembered as a failure, when there is none. */
static int parameter(struct query *q, const char *name)
{
    if (q->failed != SQLITE_OK)
        return 0;
    const int at = sqlite3_bind_parameter_index(q->stmt, name);
    if (at == 0)
        q->failed = SQLITE_RANGE;
    return at;
}

void query_text_n(struct query *q, const char *name, const char *value, size_t len)
{
    const int at = parameter(q, name);
    if (at > 0)
        q->failed = sqlite3_bind_text64(q->stmt, at, value, len, SQLITE_STATIC, SQLITE_UTF8);
}

void query_text(struct query *q, const char *name, const char *value)
{
    query_text_n(q, name, value, value ? strlen(value) : 0);
}

void query_int(struct query *q, const char *name, int64_t value)
{
    const int at = parameter(q, name);
    if (at > 0)
        q->failed = sqlite3_bind_int64(q->stmt, at, value);
}

void query_blob(struct query *q, const char *name, const void *bytes, size_t len)
{
    static const char nothing[1]; /* a NULL pointer would bind NULL */
    const int at = parameter(q, name);
    if (at > 0)
        q->failed = sqlite3_bind_blob64(q->stmt, at, bytes ? bytes : nothing, len, SQLITE_STATIC);
}

void query_null(struct query *q, const char *name)
{
    const int at = parameter(q, name);
    if (at > 0)
        q->failed = sqlite3_bind_null(q->stmt, at);
}

void query_known_durable(struct query *q)
{
    q->known_durable = true;
}

enum fault query_step(struct query *q, bool *row, struct problem *why)
{
    int code = q->failed;
    errno = 0;
    if (code == SQLITE_OK)
        code = sqlite3_step(q->stmt);
    *row = code == SQLITE_ROW;
    if (!q->known_durable)
        db_rest_on_begun(q->db);
    if (*row)
        return FAULT_NONE;

    enum fault f = FAULT_NONE;
    if (code != SQLITE_DONE)
        f = db_fault(q->db, code, db_statement_name(q->which), why);
    query_done(q);
    return f;
}

enum fault query_run(struct query *q, int64_t *changes, struct problem *why)
{
    bool row = true;
    enum fault f = FAULT_NONE;
    while (!f && row)
        f = query_step(q, &row, why);
    if (!f && changes)
        *changes = sqlite3_changes64(q->db->sqlite);
    return f;
}

int64_t query_added(const struct query *q)
{
    return sqlite3_last_insert_rowid(q->db->sqlite);
}

int64_t query_column_int(const struct query *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

const char *query_column_text(const struct query *q, int column)
{
    return (const char *)sqlite3_column_text(q->stmt, column);
}

const void *query_column_blob(const struct query *q, int column, size_t *len)
{
    const void *bytes = sqlite3_column_blob(q->stmt, column);
    *len = (size_t)sqlite3_column_bytes(q->stmt, column);
    return bytes;
}

bool query_column_null(const struct query *q, int column)
{
    return sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

bool query_column_copy(const struct query *q, int column, char *out, size_t out_max)
{
    const char *text = query_column_text(q, column);
    const size_t len = text ? strlen(text) : out_max;
    if (len >= out_max)
        return false;
    memcpy(out, text, len + 1);
    return true;
}

void query_done(struct query *q)
{
    if (!q->stmt)
        return;
    (void)sqlite3_reset(q->stmt); /* its code is that of the step, which is known */
    (void)sqlite3_clear_bindings(q->stmt);
}
