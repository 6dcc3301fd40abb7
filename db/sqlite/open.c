/* Opening and closing what a worker uses, on top of the connection. */
#include "db/sqlite/sqlite.h"

#include "db/sqlite/poison.h"

#include <unistd.h>

/* The name of a WAL that this open has made must be durable before a commit in it can be; SQLite
 * syncs the folder, too, but does not look at the result. */
static enum fault folder_sync(struct db *db, struct problem *why)
{
    if (db->read_only || poison_present(db->folder, db->counters) || fsync(db->folder) == 0)
        return FAULT_NONE;
    return db_poison(db, "fsync of the state folder", why);
}

enum fault db_open(const struct db_options *options, struct db **out, struct problem *why)
{
    const enum db_access access = options->read_only ? DB_LOOK : DB_WRITE;
    struct db *db = NULL;

    enum fault f = db_attach(options, access, &db, why);
    if (!f)
        f = db_connect(db, options->folder, access, false, why);
    if (!f)
        f = migrate_verify(db, why);
    if (!f)
        f = folder_sync(db, why);
    if (f)
        db_close(db);
    else
        *out = db;
    return f;
}

int64_t db_cache_bytes(const struct db *db)
{
    int used = 0;
    int peak = 0;
    const int code = sqlite3_db_status(db->sqlite, SQLITE_DBSTATUS_CACHE_USED, &used, &peak, 0);
    return code == SQLITE_OK ? used : 0;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db_rollback(db);
    db_detach(db);
}
