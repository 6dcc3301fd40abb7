/*
 * commit.c - durable commits by 16 processes at once, one row of about 500 bytes each: the durable
 * commit of db/ against SQLite's own way (synchronous=FULL and a busy_timeout) on the same schema in
 * the same run.  Writes below the current folder and removes what it wrote.
 *
 *   bench_commit [seconds of each way]
 */
#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"
#include "db/migrate.h"
#include "db/token_store.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    WRITERS = 16,
    SECONDS = 10,
    SECONDS_MAX = 600,
    COMMITS_MAX = 1 << 20, /* of one writer; later ones are not counted */
    ROW_TEXT = 210,        /* bytes of each of the two texts that make a row about 500 bytes */
    WAIT_MS = 10000,       /* for the lock, or SQLite's busy_timeout */
    CHECKPOINT_BYTES = 64 * 1024 * 1024,
    US_IN_MS = 1000,
    US_IN_S = 1000000,
    NS_IN_US = 1000,
    PATH_BYTES = 64,
};

/* What one writer measured; shared with the parent. */
struct tally {
    uint32_t count;
    uint32_t busy; /* refusals after WAIT_MS */
    uint32_t us[COMMITS_MAX];
};

struct result {
    double rate; /* commits a second */
    double p50_ms;
    double p99_ms;
    double max_ms;
    uint32_t busy;
};

static void stop(const char *what)
{
    (void)fprintf(stderr, "commit: %s\n", what);
    exit(EXIT_FAILURE);
}

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * (int64_t)US_IN_S + t.tv_nsec / NS_IN_US;
}

static struct token_row random_row(void)
{
    struct token_row row = { .created_at = 1 };
    uint8_t id[(TOKEN_ID_MAX - 1) / 2];
    clock_random(id, sizeof id);
    clock_random(row.hash, sizeof row.hash);
    text_hex(id, sizeof id, row.id);
    memcpy(row.name, row.id, sizeof row.id);
    memset(row.rights, 'r', ROW_TEXT);
    memset(row.scope, 's', ROW_TEXT);
    return row;
}

static void tally_add(struct tally *tally, int64_t us)
{
    if (tally->count < COMMITS_MAX)
        tally->us[tally->count++] = (uint32_t)us;
}

static void write_ours(const char *folder, int64_t until, struct tally *tally)
{
    const struct db_options options = { .folder = folder,
                                        .lock_wait_ms = WAIT_MS,
                                        .checkpoint_bytes = CHECKPOINT_BYTES };
    struct problem why = PROBLEM_NONE;
    struct db *db = NULL;
    if (db_open(&options, &db, &why))
        stop(why.text);
    int64_t began = now_us();
    while (began < until) {
        const struct token_row row = random_row();
        why = PROBLEM_NONE;
        const enum fault f = token_store_add(db, &row, &why);
        const int64_t ended = now_us();
        if (f == FAULT_BUSY)
            tally->busy++;
        else if (f)
            stop(why.detail);
        else
            tally_add(tally, ended - began);
        began = ended;
    }
    db_close(db);
}

static const char *statement(enum statement which)
{
    static const char *const texts[] = {
#define STATEMENT(name, sql) [STMT_##name] = (sql),
#include "db/statements.def"
#undef STATEMENT
    };
    return texts[which];
}

static void bind(sqlite3_stmt *insert, const char *name, const char *value)
{
    (void)sqlite3_bind_text(insert, sqlite3_bind_parameter_index(insert, name), value, -1,
                            SQLITE_TRANSIENT);
}

/* One row in a transaction of its own, as SQLite commits it. */
static int insert_plain(sqlite3 *sqlite, sqlite3_stmt *insert, const struct token_row *row)
{
    bind(insert, ":id", row->id);
    bind(insert, ":name", row->name);
    bind(insert, ":rights", row->rights);
    bind(insert, ":scope", row->scope);
    (void)sqlite3_bind_blob(insert, sqlite3_bind_parameter_index(insert, ":hash"), row->hash,
                            sizeof row->hash, SQLITE_TRANSIENT);
    (void)sqlite3_bind_int64(insert, sqlite3_bind_parameter_index(insert, ":created_at"), 1);
    (void)sqlite3_bind_int64(insert, sqlite3_bind_parameter_index(insert, ":expires_at"), 0);
    int code = sqlite3_exec(sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(insert) == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(sqlite);
    (void)sqlite3_reset(insert);
    if (code == SQLITE_OK)
        code = sqlite3_exec(sqlite, "COMMIT", NULL, NULL, NULL);
    if (!sqlite3_get_autocommit(sqlite))
        (void)sqlite3_exec(sqlite, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

static void write_plain(const char *folder, int64_t until, struct tally *tally)
{
    char path[PATH_BYTES];
    sqlite3 *sqlite = NULL;
    sqlite3_stmt *insert = NULL;
    (void)snprintf(path, sizeof path, "%s/sluice.db", folder);
    if (sqlite3_open(path, &sqlite) != SQLITE_OK ||
        sqlite3_busy_timeout(sqlite, WAIT_MS) != SQLITE_OK ||
        sqlite3_exec(sqlite, "PRAGMA synchronous = FULL", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(sqlite, statement(STMT_TOKEN_ADD), -1, &insert, NULL) != SQLITE_OK)
        stop("plain connection");
    int64_t began = now_us();
    while (began < until) {
        const struct token_row row = random_row();
        const int code = insert_plain(sqlite, insert, &row);
        const int64_t ended = now_us();
        if (code == SQLITE_BUSY)
            tally->busy++;
        else if (code != SQLITE_OK)
            stop(sqlite3_errmsg(sqlite));
        else
            tally_add(tally, ended - began);
        began = ended;
    }
    (void)sqlite3_finalize(insert);
    (void)sqlite3_close(sqlite);
}

static void folder_remove(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder)
        return;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    (void)closedir(folder);
    (void)rmdir(path);
}

static int ascending(const void *a, const void *b)
{
    const uint32_t *x = a;
    const uint32_t *y = b;
    return (*x > *y) - (*x < *y);
}

static struct result summarise(const struct tally *tallies, double seconds)
{
    struct result result = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < WRITERS; i++) {
        count += tallies[i].count;
        result.busy += tallies[i].busy;
    }
    uint32_t *all = calloc(count + 1, sizeof *all);
    if (!all || count == 0)
        stop("nothing was committed");
    size_t at = 0;
    for (size_t i = 0; i < WRITERS; i++) {
        memcpy(all + at, tallies[i].us, tallies[i].count * sizeof *all);
        at += tallies[i].count;
    }
    qsort(all, count, sizeof *all, ascending);
    result.rate = (double)count / seconds;
    const size_t middle = count / 2;
    const size_t late = count - 1 - count / 100;
    result.p50_ms = (double)all[middle] / US_IN_MS;
    result.p99_ms = (double)all[late] / US_IN_MS;
    result.max_ms = (double)all[count - 1] / US_IN_MS;
    free(all);
    return result;
}

typedef void writer(const char *folder, int64_t until, struct tally *tally);

static struct result measure(writer *write_rows, int64_t seconds)
{
    char folder[] = "bench-commit-XXXXXX";
    struct migrate_report report;
    struct problem why = PROBLEM_NONE;
    struct tally *tallies = mmap(NULL, WRITERS * sizeof *tallies, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tallies == MAP_FAILED || !mkdtemp(folder))
        stop("no room for the measurement");
    if (migrate_run(folder, WAIT_MS, 1, &report, &why))
        stop(why.text);
    const int64_t began = now_us();
    for (size_t i = 0; i < WRITERS; i++) {
        if (fork() == 0) {
            write_rows(folder, began + seconds * US_IN_S, &tallies[i]);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        continue;
    const double took = (double)(now_us() - began) / US_IN_S;
    const struct result result = summarise(tallies, took);
    (void)munmap(tallies, WRITERS * sizeof *tallies);
    folder_remove(folder);
    return result;
}

/* The median time of a small write that is synced by itself. */
static double flush_ms(void)
{
    enum { ROUNDS = 101, MIDDLE = ROUNDS / 2, BYTES = 4096 };
    static char block[BYTES];
    uint32_t us[ROUNDS];
    char path[] = "bench-flush-XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0)
        stop("no file to flush");
    for (size_t i = 0; i < ROUNDS; i++) {
        const int64_t began = now_us();
        if (write(fd, block, sizeof block) != BYTES || fdatasync(fd) != 0)
            stop("flush");
        us[i] = (uint32_t)(now_us() - began);
    }
    (void)close(fd);
    (void)unlink(path);
    qsort(us, ROUNDS, sizeof us[0], ascending);
    return (double)us[MIDDLE] / US_IN_MS;
}

static void print_machine(void)
{
    struct utsname name;
    struct statfs fs;
    const char *defects = NULL;
    if (uname(&name) != 0 || statfs(".", &fs) != 0)
        stop("machine");
    (void)printf("machine: %ld processors, Linux %s, file system 0x%lx, flush of 4 KiB %.2f ms,"
                 " SQLite %s\n",
                 sysconf(_SC_NPROCESSORS_ONLN), name.release, (unsigned long)fs.f_type, flush_ms(),
                 migrate_sqlite_version(&defects));
}

static void print_result(const char *way, const struct result *result)
{
    (void)printf("= commit, %s | %.0f /s | p50 %.2f, p99 %.2f, max %.2f ms; busy %u\n", way,
                 result->rate, result->p50_ms, result->p99_ms, result->max_ms, result->busy);
}

int main(int argc, char **argv)
{
    uint64_t seconds = SECONDS;
    if (argc > 1 &&
        (!number_u64(argv[1], strlen(argv[1]), &seconds) || seconds == 0 || seconds > SECONDS_MAX))
        stop("usage: bench_commit [seconds]");
    print_machine();
    const struct result ours = measure(write_ours, (int64_t)seconds);
    const struct result plain = measure(write_plain, (int64_t)seconds);
    print_result("durable", &ours);
    print_result("plain", &plain);
    (void)printf(
        "= commit, durable against plain | %.1f times | p50 %.2f, p99 %.3f, max %.3f of it\n",
        ours.rate / plain.rate, ours.p50_ms / plain.p50_ms, ours.p99_ms / plain.p99_ms,
        ours.max_ms / plain.max_ms);
    return EXIT_SUCCESS;
}
