/*
 * quarantine.c - where files wait before they are deleted: quarantine/<day>/<worker>-<number>.
 *
 * They are renamed, never copied; a row that names one gets it back.
 */
#include "blob/sweep_internal.h"

#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUARANTINE "quarantine"

enum {
    NAME_LEN = BLOB_FOLDER_DIGITS + 1 + BLOB_FILE_DIGITS,
    DAY_LEN = 10, /* "2026-01-31" */
};

/* ---- folders and names ---- */

/* Opens a folder; make: after it was made.  *out is -1 when it is not there and was not to be made. */
static enum fault open_folder(int above, const char *name, bool make, int *out, struct problem *why)
{
    if (make && mkdirat(above, name, BLOB_FOLDER_MODE) != 0 && errno != EEXIST)
        return problem_errno(why, errno, "make a folder of the quarantine");
    *out = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*out >= 0 || (errno == ENOENT && !make))
        return FAULT_NONE;
    return problem_errno(why, errno, "open a folder of the quarantine");
}

static void name_file(uint64_t worker, uint32_t number, char out[BLOB_NAME_MAX])
{
    (void)snprintf(out, BLOB_NAME_MAX, "%0*llx-%0*x", BLOB_FOLDER_DIGITS,
                   (unsigned long long)worker, BLOB_FILE_DIGITS, number);
}

static bool parse_file(const char *name, uint64_t *worker, uint64_t *number)
{
    return strlen(name) == NAME_LEN && name[BLOB_FOLDER_DIGITS] == '-' &&
           number_hex64(name, BLOB_FOLDER_DIGITS, worker) &&
           number_hex64(name + BLOB_FOLDER_DIGITS + 1, BLOB_FILE_DIGITS, number);
}

static bool is_day(const char *name)
{
    return strlen(name) == DAY_LEN && strspn(name, "0123456789-") == DAY_LEN;
}

enum fault blob_quarantine_take(struct blob_store *store, int folder, uint64_t worker,
                                uint32_t number, const char *day, struct problem *why)
{
    int above = -1;
    int to = -1;
    char from_name[BLOB_NAME_MAX];
    char to_name[BLOB_NAME_MAX];
    blob_name_number(number, from_name);
    name_file(worker, number, to_name);
    enum fault f = open_folder(store->root, QUARANTINE, true, &above, why);
    if (!f)
        f = open_folder(above, day, true, &to, why);
    if (!f && renameat(folder, from_name, to, to_name) != 0)
        f = problem_errno(why, errno, "move a blob file into the quarantine");
    if (to >= 0)
        (void)close(to);
    if (above >= 0)
        (void)close(above);
    return f;
}

/* ---- what is done with each file ---- */

struct visit {
    struct blob_store *store;
    const struct blob_rows *rows;
    const char *before; /* only days before it; NULL: all */
    bool dry_run;
    struct blob_quarantine_report *report;
    enum fault (*each)(const struct visit *visit, int day, const char *name, struct problem *why);
    struct blob_census *census; /* taken at the first file */
};

static enum fault count_file(const struct visit *visit, int day, const char *name,
                             struct problem *why)
{
    struct stat meta = { 0 };
    if (fstatat(day, name, &meta, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? FAULT_NONE
                               : problem_errno(why, errno, "look at a file of the quarantine");
    visit->report->files++;
    visit->report->bytes += (uint64_t)meta.st_size;
    return FAULT_NONE;
}

static enum fault is_named(const struct visit *visit, const char *name, bool *named,
                           struct problem *why)
{
    uint64_t worker = 0;
    uint64_t number = 0;
    *named = false;
    if (!parse_file(name, &worker, &number))
        return FAULT_NONE;
    const enum fault f = blob_census_take(visit->census, visit->rows, why);
    if (!f)
        *named = blob_census_of(visit->census, blob_file_id(worker, (uint32_t)number)).rows > 0;
    return f;
}

static enum fault delete_file(const struct visit *visit, int day, const char *name,
                              struct problem *why)
{
    bool named = false;
    enum fault f = is_named(visit, name, &named, why);
    if (!f && !named)
        f = count_file(visit, day, name, why);
    if (f || named || visit->dry_run || unlinkat(day, name, 0) == 0 || errno == ENOENT)
        return f;
    return problem_errno(why, errno, "delete a file of the quarantine");
}

/* Puts a file back unless one of that name is there. */
static enum fault put_back(const struct visit *visit, int day, const char *name,
                           struct problem *why)
{
    uint64_t worker = 0;
    uint64_t number = 0;
    int folder = -1;
    char folder_name[BLOB_NAME_MAX];
    char file_name[BLOB_NAME_MAX];
    (void)parse_file(name, &worker, &number);
    blob_name_folder(worker, folder_name);
    blob_name_number((uint32_t)number, file_name);
    enum fault f = open_folder(visit->store->root, folder_name, true, &folder, why);
    if (f)
        return f;
    if (faccessat(folder, file_name, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
        f = count_file(visit, day, name, why);
        if (!f && renameat(day, name, folder, file_name) != 0)
            f = problem_errno(why, errno, "put a file of the quarantine back");
        if (!f)
            f = blob_sync_folder(folder, "flush a worker's folder", why);
        if (!f)
            f = blob_sync_folder(visit->store->root, "flush the blob store's folder", why);
    }
    (void)close(folder);
    return f;
}

static enum fault return_file(const struct visit *visit, int day, const char *name,
                              struct problem *why)
{
    bool named = false;
    const enum fault f = is_named(visit, name, &named, why);
    return f || !named ? f : put_back(visit, day, name, why);
}

/* ---- the way through ---- */

static enum fault visit_day(const struct visit *visit, int above, const char *name,
                            struct problem *why)
{
    int day = -1;
    uint64_t worker = 0;
    uint64_t number = 0;
    enum fault f = open_folder(above, name, false, &day, why);
    if (f || day < 0)
        return f;
    DIR *list = blob_list_open(day);
    if (!list)
        f = problem_errno(why, errno, "list the quarantine");
    const struct dirent *entry = list ? readdir(list) : NULL;
    while (!f && entry) {
        if (parse_file(entry->d_name, &worker, &number))
            f = visit->each(visit, day, entry->d_name, why);
        entry = readdir(list);
    }
    if (list)
        (void)closedir(list);
    (void)close(day);
    if (!visit->dry_run) /* it goes when it is empty */
        (void)unlinkat(above, name, AT_REMOVEDIR);
    return f;
}

static enum fault visit_all(const struct visit *visit, struct problem *why)
{
    int above = -1;
    *visit->report = (struct blob_quarantine_report){ 0 };
    enum fault f = open_folder(visit->store->root, QUARANTINE, false, &above, why);
    if (f || above < 0)
        return f;
    DIR *list = blob_list_open(above);
    if (!list)
        f = problem_errno(why, errno, "list the quarantine");
    const struct dirent *entry = list ? readdir(list) : NULL;
    while (!f && entry) {
        if (is_day(entry->d_name) && (!visit->before || strcmp(entry->d_name, visit->before) < 0))
            f = visit_day(visit, above, entry->d_name, why);
        entry = readdir(list);
    }
    if (list)
        (void)closedir(list);
    (void)close(above);
    return f;
}

enum fault blob_quarantine_return(struct blob_store *store, const struct blob_rows *rows,
                                  struct blob_quarantine_report *report, struct problem *why)
{
    struct blob_census census = { .slots = NULL };
    const struct visit visit = {
        .store = store, .rows = rows, .report = report, .each = return_file, .census = &census
    };
    const enum fault f = visit_all(&visit, why);
    blob_census_release(&census);
    return f;
}

enum fault blob_quarantine_empty(struct blob_store *store, const struct blob_rows *rows,
                                 const char *before, bool dry_run,
                                 struct blob_quarantine_report *report, struct problem *why)
{
    struct blob_census census = { .slots = NULL };
    const struct visit visit = { .store = store,
                                 .rows = rows,
                                 .before = before,
                                 .dry_run = dry_run,
                                 .report = report,
                                 .each = delete_file,
                                 .census = &census };
    const enum fault f = visit_all(&visit, why);
    blob_census_release(&census);
    return f;
}

enum fault blob_quarantine_size(struct blob_store *store, struct blob_quarantine_report *report,
                                struct problem *why)
{
    const struct visit visit = {
        .store = store, .dry_run = true, .report = report, .each = count_file
    };
    return visit_all(&visit, why);
}
