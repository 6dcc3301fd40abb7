#include "db/sqlite/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNTERS_FILE "sluice.seq"

enum { COUNTERS_MODE = 0640 };

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "processes share these, so they must be lock-free");

/* Writes the bytes that the file lacks, so that no later store into the map can lack its disk block,
 * which would be a SIGBUS.  What is there stays: an older program's workers may be counting in it. */
static bool allocate(int fd, size_t from)
{
    static const struct counters zero;
    const size_t len = sizeof zero - from;
    return pwrite(fd, &zero, len, (off_t)from) == (ssize_t)len && fsync(fd) == 0;
}

static enum fault map(int fd, bool create, struct counters **out, struct problem *why)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return problem_errno(why, errno, "fstat of " COUNTERS_FILE);
    if (status.st_size < (off_t)sizeof(struct counters)) {
        if (!create)
            return problem_set(why, FAULT_UNAVAILABLE,
                               "the state folder is not prepared: run `sluice migrate`");
        if (!allocate(fd, (size_t)status.st_size))
            return problem_errno(why, errno, "write of " COUNTERS_FILE);
    }
    void *shared = mmap(NULL, sizeof(struct counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED)
        return problem_errno(why, errno, "mmap of " COUNTERS_FILE);
    *out = shared;
    return FAULT_NONE;
}

enum fault counters_open(int folder, bool create, struct counters **out, struct problem *why)
{
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0);
    const int fd = openat(folder, COUNTERS_FILE, flags, COUNTERS_MODE);
    if (fd < 0) {
        if (errno == ENOENT)
            return problem_set(why, FAULT_UNAVAILABLE,
                               "the state folder is not prepared: run `sluice migrate`");
        return problem_errno(why, errno, "open of " COUNTERS_FILE);
    }
    const enum fault f = map(fd, create, out, why);
    (void)close(fd); /* the map stays */
    return f;
}

const struct counters *counters_look(int folder)
{
    struct stat status;
    const int fd = openat(folder, COUNTERS_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return NULL;
    const void *shared = MAP_FAILED;
    if (fstat(fd, &status) == 0 && status.st_size >= (off_t)sizeof(struct counters))
        shared = mmap(NULL, sizeof(struct counters), PROT_READ, MAP_SHARED, fd, 0);
    (void)close(fd);
    return shared == MAP_FAILED ? NULL : shared;
}

void counters_close(const struct counters *counters)
{
    union {
        const struct counters *mapped;
        void *memory;
    } const as = { .mapped = counters };
    if (counters)
        (void)munmap(as.memory, sizeof *counters);
}

/* Raises a counter to number unless it is past it. */
static void raise_to(_Atomic uint64_t *counter, uint64_t number)
{
    uint64_t seen = atomic_load(counter);
    while (seen < number && !atomic_compare_exchange_weak(counter, &seen, number))
        continue;
}

uint64_t counters_begin(struct counters *counters)
{
    return atomic_fetch_add(&counters->begun, 1) + 1;
}

void counters_commit(struct counters *counters, uint64_t number)
{
    raise_to(&counters->committed, number);
}

void counters_void(struct counters *counters, uint64_t number)
{
    uint64_t before = number - 1;
    (void)atomic_compare_exchange_strong(&counters->durable, &before, number);
}

void counters_settle(struct counters *counters, uint64_t number)
{
    raise_to(&counters->durable, number);
}

void counters_level(struct counters *counters)
{
    /* A machine's crash may have left any older mixture of the three: go on from the highest. */
    uint64_t highest = atomic_load(&counters->begun);
    if (highest < atomic_load(&counters->durable))
        highest = atomic_load(&counters->durable);
    raise_to(&counters->begun, highest);
    raise_to(&counters->committed, highest);
    raise_to(&counters->durable, highest);
}
