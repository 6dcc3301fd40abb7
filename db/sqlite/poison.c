#include "db/sqlite/poison.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#define POISON_FILE "sluice.poison"

enum { POISON_MODE = 0640 };

bool poison_present(int folder, const struct counters *counters)
{
    if (counters && atomic_load(&counters->failed) != 0)
        return true;
    /* Anything but a clear "not there" counts: a folder that cannot be looked at is no proof. */
    return faccessat(folder, POISON_FILE, F_OK, 0) == 0 || errno != ENOENT;
}

void poison_set(int folder, struct counters *counters)
{
    if (counters)
        atomic_store(&counters->failed, 1);
    const int fd =
        openat(folder, POISON_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, POISON_MODE);
    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
    (void)fsync(folder);
}

enum fault poison_clear(int folder, struct counters *counters, struct problem *why)
{
    if (unlinkat(folder, POISON_FILE, 0) != 0 && errno != ENOENT)
        return problem_errno(why, errno, "unlink of " POISON_FILE);
    if (fsync(folder) != 0)
        return problem_errno(why, errno, "fsync of the state folder");
    if (counters)
        atomic_store(&counters->failed, 0);
    return FAULT_NONE;
}
