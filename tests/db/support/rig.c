#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

void rig_begin(struct rig *rig, struct shim *shim, int64_t checkpoint_bytes)
{
    char path[STATE_PATH_MAX];
    rig->shim = shim;
    state_make(&rig->state, false);
    state_migrate(&rig->state);
    rig->db = state_open_with(&rig->state, STATE_WAIT_MS, checkpoint_bytes);
    rig->other = state_open_with(&rig->state, STATE_WAIT_MS, checkpoint_bytes);
    state_path(&rig->state, "sluice.lock", path);
    rig->lock = open(path, O_RDWR | O_CLOEXEC);
    assert_true(rig->lock >= 0);
    shim_calm(shim);
}

void rig_stop(struct rig *rig)
{
    db_close(rig->db);
    db_close(rig->other);
    rig->db = NULL;
    rig->other = NULL;
}

void rig_end(struct rig *rig)
{
    shim_set_watch(NULL, NULL);
    shim_calm(rig->shim);
    rig_stop(rig);
    (void)close(rig->lock);
    state_remove(&rig->state);
}

bool rig_unlocked(const struct rig *rig)
{
    const bool unlocked = flock(rig->lock, LOCK_EX | LOCK_NB) == 0;
    if (unlocked)
        (void)flock(rig->lock, LOCK_UN);
    return unlocked;
}

void rig_write(struct db *db, int64_t file, int64_t start)
{
    struct problem why = PROBLEM_NONE;
    if (state_write(db, file, start, &why))
        fail_msg("write: %s: %s", why.text, why.detail);
    assert_true(db_named(db));
}

void rig_refuse(const struct rig *rig, struct db *db, enum fault expected)
{
    struct problem why = PROBLEM_NONE;
    const enum fault f = state_write(db, FILE_B, 0, &why);
    if (f != expected || why.fault != expected)
        fail_msg("%s in place of %s: %s: %s", fault_name(f), fault_name(expected), why.text,
                 why.detail);
    assert_true(rig_unlocked(rig));
}

void rig_settle(struct db *db)
{
    struct problem why = PROBLEM_NONE;
    if (db_settle(db, &why))
        fail_msg("settle: %s: %s", why.text, why.detail);
}

int rig_wal(const struct rig *rig, enum shim_op op)
{
    return atomic_load(&rig->shim->count[SHIM_WAL][op]);
}

int rig_database(const struct rig *rig, enum shim_op op)
{
    return atomic_load(&rig->shim->count[SHIM_DATABASE][op]);
}

int rig_in_child(struct rig *rig, void (*body)(struct rig *rig))
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        body(rig);
        _exit(0); /* nothing of the parent's is closed twice */
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        return WTERMSIG(status);
    assert_int_equal(WEXITSTATUS(status), 0);
    return 0;
}
