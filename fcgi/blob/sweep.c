#include "blob/sweep_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum fault named_add(void *arg, const struct blob_ref *ref, struct problem *why)
{
    struct blob_named *named = arg;
    int64_t end = 0;
    if (ref->start < 0 || ref->bytes < 0 || __builtin_add_overflow(ref->start, ref->bytes, &end))
        return problem_internal(why, "a row names an impossible place in the blob store");
    const uint64_t from = (uint64_t)ref->start > named->end ? (uint64_t)ref->start : named->end;
    named->contents++;
    if ((uint64_t)end > from)
        named->bytes += (uint64_t)end - from;
    if ((uint64_t)end > named->end)
        named->end = (uint64_t)end;
    return FAULT_NONE;
}

enum fault blob_sweep_named(const struct blob_sweeper *sweep, uint32_t number,
                            struct blob_named *out, struct problem *why)
{
    *out = (struct blob_named){ 0 };
    return sweep->rows->contents(sweep->rows->ctx, blob_file_id(sweep->worker, number), named_add,
                                 out, why);
}

/* Runs body under the lock, to delete what no row named a moment ago, which is durable then, and
 * what the walk has not found named. */
static enum fault under_lock(struct blob_sweeper *sweep,
                             enum fault (*body)(void *arg, struct problem *why), void *arg,
                             struct problem *why)
{
    const struct blob_rows *rows = sweep->rows;
    enum fault f = blob_census_take(&sweep->census, rows, why);
    if (!f)
        f = rows->settle(rows->ctx, why);
    return f ? f : rows->hold(rows->ctx, body, arg, why);
}

/* Inside hold(): rows that the walk has found may have gone since.  Otherwise the index says less
 * than its table and is not to be believed, which is told when all is done. */
static enum fault look_again(struct blob_sweeper *sweep, uint32_t number, bool *named_still,
                             struct problem *why)
{
    const int64_t file = blob_file_id(sweep->worker, number);
    char path[BLOB_NAME_MAX];
    blob_census_release(&sweep->census);
    const enum fault f = blob_census_take(&sweep->census, sweep->rows, why);
    *named_still = !f && blob_census_of(&sweep->census, file).rows > 0;
    if (f || !*named_still)
        return f;
    blob_name_path(file, path);
    (void)problem_internal(&sweep->damage,
                           "the table says that rows name blob file %s, the index does not: the "
                           "database needs a REINDEX",
                           path);
    return FAULT_NONE;
}

static enum fault take_file(struct blob_sweeper *sweep, uint32_t number, struct problem *why)
{
    char name[BLOB_NAME_MAX];
    blob_name_number(number, name);
    if (sweep->plan->day)
        return blob_quarantine_take(sweep->store, sweep->folder, sweep->worker, number,
                                    sweep->plan->day, why);
    return unlinkat(sweep->folder, name, 0) == 0 ? FAULT_NONE
                                                 : problem_errno(why, errno, "remove a blob file");
}

/* A file to be removed. */
struct removal {
    struct blob_sweeper *sweep;
    uint32_t number;
    uint64_t moved; /* rows that have moved out of it since the walk */
    bool gone;
};

/* Inside hold(). */
static enum fault remove_unnamed(void *arg, struct problem *why)
{
    struct removal *removal = arg;
    struct blob_sweeper *sweep = removal->sweep;
    struct blob_named named = { 0 };
    const int64_t file = blob_file_id(sweep->worker, removal->number);
    enum fault f = blob_sweep_named(sweep, removal->number, &named, why);
    if (f || named.contents > 0)
        return f;
    if (blob_census_of(&sweep->census, file).rows > removal->moved) {
        bool named_still = false;
        f = look_again(sweep, removal->number, &named_still, why);
        if (f || named_still)
            return f;
    }
    f = take_file(sweep, removal->number, why);
    sweep->removed = sweep->removed || !f;
    removal->gone = !f;
    return f;
}

enum fault blob_sweep_remove(struct blob_sweeper *sweep, uint32_t number, uint64_t moved,
                             bool *gone, struct problem *why)
{
    struct removal removal = { .sweep = sweep, .number = number, .moved = moved };
    const enum fault f = under_lock(sweep, remove_unnamed, &removal, why);
    *gone = removal.gone;
    return f;
}

static void count_removed(struct blob_sweeper *sweep, uint64_t size)
{
    sweep->report->files_removed++;
    sweep->report->bytes_freed += size;
}

/* Inside hold(). */
static enum fault remove_each_doomed(void *arg, struct problem *why)
{
    struct blob_sweeper *sweep = arg;
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < sweep->doomed_count && !f; i++) {
        struct removal removal = { .sweep = sweep, .number = sweep->doomed[i].number };
        f = remove_unnamed(&removal, why);
        if (removal.gone)
            count_removed(sweep, sweep->doomed[i].size);
    }
    return f;
}

/* Takes what was gathered, in one piece under the lock. */
static enum fault remove_doomed(struct blob_sweeper *sweep, struct problem *why)
{
    if (sweep->doomed_count == 0)
        return FAULT_NONE;
    const enum fault f = under_lock(sweep, remove_each_doomed, sweep, why);
    sweep->doomed_count = 0;
    sweep->doomed_bytes = 0;
    return f;
}

static enum fault doom(struct blob_sweeper *sweep, uint32_t number, uint64_t size,
                       struct problem *why)
{
    if (sweep->plan->dry_run) {
        count_removed(sweep, size);
        return FAULT_NONE;
    }
    sweep->doomed[sweep->doomed_count++] = (struct blob_doomed){ number, size };
    sweep->doomed_bytes += size;
    if (sweep->doomed_count < BLOB_DOOMED_MAX && sweep->doomed_bytes < BLOB_DOOMED_BYTES_MAX)
        return FAULT_NONE;
    return remove_doomed(sweep, why);
}

/* A pack whose tail is to be cut. */
struct cutting {
    struct blob_sweeper *sweep;
    uint32_t number;
    int fd;
    uint64_t size;
    struct blob_named *named; /* out: as it is under the lock */
};

/* Inside hold(): looks again where the last named content ends, and cuts there. */
static enum fault cut_unnamed(void *arg, struct problem *why)
{
    struct cutting *c = arg;
    const int64_t file = blob_file_id(c->sweep->worker, c->number);
    const enum fault f = blob_sweep_named(c->sweep, c->number, c->named, why);
    if (f)
        return f;
    const uint64_t end = blob_census_of(&c->sweep->census, file).end;
    if (end > c->named->end)
        c->named->end = end; /* the walk has found more */
    if (c->named->end < c->size && ftruncate(c->fd, (off_t)c->named->end) != 0)
        return problem_errno(why, errno, "cut a pack");
    return FAULT_NONE;
}

static enum fault cut_open(struct blob_sweeper *sweep, uint32_t number, struct blob_named *named,
                           uint64_t size, struct problem *why)
{
    char name[BLOB_NAME_MAX];
    blob_name_number(number, name);
    const int fd = openat(sweep->folder, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return problem_errno(why, errno, "open a pack to cut it");
    struct cutting cutting = { sweep, number, fd, size, named };
    enum fault f = under_lock(sweep, cut_unnamed, &cutting, why);
    if (!f)
        f = blob_sync_file(fd, "flush a pack that was cut", why);
    (void)close(fd);
    return f;
}

/* Cuts the tail that no row names; *size is then where the file ends.  With a quarantine it stays,
 * as holes do, until so much is unnamed that the pack is compacted: a tail cannot be given back. */
static enum fault cut(struct blob_sweeper *sweep, uint32_t number, struct blob_named *named,
                      uint64_t *size, struct problem *why)
{
    const uint64_t before = *size;
    enum fault f = FAULT_NONE;
    if (sweep->plan->day)
        return FAULT_NONE;
    if (!sweep->plan->dry_run)
        f = cut_open(sweep, number, named, before, why);
    if (f || named->end >= before)
        return f;
    *size = named->end;
    sweep->report->bytes_freed += before - named->end;
    return FAULT_NONE;
}

static enum fault sweep_file(struct blob_sweeper *sweep, uint32_t number, struct problem *why)
{
    struct stat meta = { 0 };
    struct blob_named named = { 0 };
    char name[BLOB_NAME_MAX];
    blob_name_number(number, name);
    if (fstatat(sweep->folder, name, &meta, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? FAULT_NONE : problem_errno(why, errno, "look at a blob file");
    if (!S_ISREG(meta.st_mode))
        return FAULT_NONE; /* nothing of ours */
    uint64_t size = (uint64_t)meta.st_size;
    sweep->report->files_looked_at++;

    enum fault f = blob_sweep_named(sweep, number, &named, why);
    if (!f && named.contents == 0)
        return doom(sweep, number, size, why);
    if (!f && named.end < size)
        f = cut(sweep, number, &named, &size, why);
    if (!f && sweep->plan->extent == BLOB_SWEEP_ALL && size > 0 && named.bytes <= size / 2)
        f = blob_compact(sweep, number, size, why);
    return f;
}

static enum fault sweep_files(struct blob_sweeper *sweep, struct problem *why)
{
    enum fault f = FAULT_NONE;
    uint64_t number = 0;
    DIR *list = blob_list_open(sweep->folder);
    if (!list)
        return problem_errno(why, errno, "list a worker's folder");
    while (!f && blob_list_next(list, BLOB_FILE_DIGITS, &number))
        f = sweep_file(sweep, (uint32_t)number, why);
    if (!f && errno != 0)
        f = problem_errno(why, errno, "list a worker's folder");
    (void)closedir(list);
    if (!f)
        f = remove_doomed(sweep, why);
    return f;
}

/* A swept folder is closed by removing its lock; what was removed is durable before, so that a
 * folder without a lock needs no second look.  An empty folder goes, too. */
static enum fault folder_finish(struct blob_sweeper *sweep, bool had_lock, struct problem *why)
{
    if (had_lock)
        sweep->report->locks_removed++;
    if (sweep->plan->dry_run)
        return FAULT_NONE;
    if (sweep->removed) {
        const enum fault f = blob_sync_folder(sweep->folder, "flush a swept folder", why);
        if (f)
            return f;
    }
    char name[BLOB_NAME_MAX];
    blob_name_folder(sweep->worker, name);
    if (unlinkat(sweep->folder, BLOB_LOCK_NAME, 0) != 0)
        return problem_errno(why, errno, "remove the lock of a dead worker");
    /* Without its lock the folder may be swept by somebody else, who may remove it first. */
    if (unlinkat(sweep->store->root, name, AT_REMOVEDIR) != 0 && errno != ENOTEMPTY &&
        errno != EEXIST && errno != ENOENT)
        return problem_errno(why, errno, "remove the folder of a dead worker");
    return FAULT_NONE;
}

enum lock_outcome {
    LOCK_TAKEN,   /* the folder is ours to sweep */
    LOCK_MISSING, /* it has been swept before */
    LOCK_HELD     /* its worker lives, or somebody else sweeps it */
};

/* create: a folder without a lock gets one while it is swept, which keeps a second sweeper out. */
static enum fault lock_take(int folder, bool create, int *out, enum lock_outcome *outcome,
                            struct problem *why)
{
    struct stat meta = { 0 };
    const int lock =
        openat(folder, BLOB_LOCK_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC | (create ? O_CREAT : 0),
               BLOB_FILE_MODE);
    *outcome = LOCK_MISSING;
    if (lock < 0)
        return errno == ENOENT ? FAULT_NONE : problem_errno(why, errno, "open a worker's lock");
    if (flock(lock, LOCK_EX | LOCK_NB) == 0 && fstat(lock, &meta) == 0 && meta.st_nlink > 0) {
        *outcome = LOCK_TAKEN;
        *out = lock;
        return FAULT_NONE;
    }
    *outcome = LOCK_HELD;
    (void)close(lock);
    return FAULT_NONE;
}

/* Sweeps the open folder unless its worker lives. */
static enum fault sweep_folder(struct blob_sweeper *sweep, struct problem *why)
{
    enum lock_outcome outcome = LOCK_MISSING;
    int lock = -1;
    enum fault f = lock_take(sweep->folder, false, &lock, &outcome, why);
    const bool had_lock = outcome == LOCK_TAKEN;
    if (!f && outcome == LOCK_MISSING && sweep->plan->extent == BLOB_SWEEP_ALL &&
        !sweep->plan->dry_run)
        f = lock_take(sweep->folder, true, &lock, &outcome, why);
    const bool look = outcome == LOCK_TAKEN || (outcome == LOCK_MISSING && sweep->plan->dry_run &&
                                                sweep->plan->extent == BLOB_SWEEP_ALL);
    if (!f && look)
        f = sweep_files(sweep, why);
    if (!f && look)
        f = folder_finish(sweep, had_lock, why);
    if (lock >= 0)
        (void)close(lock);
    return f;
}

static enum fault sweep_worker(struct blob_sweeper *sweep, const char *name, uint64_t worker,
                               struct problem *why)
{
    const int folder =
        openat(sweep->store->root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0 && errno == ENOENT)
        return FAULT_NONE; /* another sweeper was faster */
    if (folder < 0)
        return problem_errno(why, errno, "open a worker's folder");
    sweep->worker = worker;
    sweep->folder = folder;
    sweep->removed = false;
    sweep->doomed_count = 0;
    sweep->doomed_bytes = 0;
    const enum fault f = sweep_folder(sweep, why);
    (void)close(folder);
    return f;
}

static enum fault sweep_workers(struct blob_sweeper *sweep, struct problem *why)
{
    enum fault f = FAULT_NONE;
    uint64_t worker = 0;
    DIR *list = blob_list_open(sweep->store->root);
    if (!list)
        return problem_errno(why, errno, "list the blob store");
    const char *name = blob_list_next(list, BLOB_FOLDER_DIGITS, &worker);
    while (name && !f) {
        f = sweep_worker(sweep, name, worker, why);
        if (!f)
            name = blob_list_next(list, BLOB_FOLDER_DIGITS, &worker);
    }
    if (!f && errno != 0)
        f = problem_errno(why, errno, "list the blob store");
    (void)closedir(list);
    return f;
}

enum fault blob_sweep(struct blob_store *store, const struct blob_rows *rows,
                      const struct blob_sweep_plan *plan, struct blob_sweep_report *report,
                      struct problem *why)
{
    struct blob_sweeper sweep = { .store = store, .rows = rows, .plan = plan, .report = report };
    *report = (struct blob_sweep_report){ 0 };
    enum fault f = sweep_workers(&sweep, why);
    blob_census_release(&sweep.census);
    if (!f && sweep.damage.fault)
        f = problem_internal(why, "a pack was left as it is: %s", sweep.damage.detail);
    return f;
}
