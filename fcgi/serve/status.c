#include "serve/status.h"

#include "base/clock.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define STATUS_FILE "sluice.serving"

enum { STATUS_MODE = 0640, TRY_AGAIN_NS = 50 * 1000000, NUMBER_MAX = 32 };

static bool path_of(const char *folder, char out[PATH_MAX])
{
    const int len = snprintf(out, PATH_MAX, "%s/" STATUS_FILE, folder);
    return len > 0 && len < PATH_MAX;
}

enum fault status_take(const char *folder, int64_t wait_ms, int *out, struct problem *why)
{
    char path[PATH_MAX];
    const int64_t end = clock_steady_ms() + wait_ms;
    if (!path_of(folder, path))
        return problem_set(why, FAULT_MALFORMED, "SLUICE_STATE is too long");
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, STATUS_MODE);
    if (fd < 0)
        return problem_errno(why, errno, "open of " STATUS_FILE);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_steady_ms() >= end) {
            (void)close(fd);
            return problem_set(why, FAULT_BUSY, "another sluice serve is using the state in %s",
                               folder);
        }
        (void)nanosleep(&(struct timespec){ .tv_nsec = TRY_AGAIN_NS }, NULL);
    }
    (void)!ftruncate(fd, 0); /* what an earlier one said is over */
    *out = fd;
    return FAULT_NONE;
}

void status_write(int fd, const struct config *config, int64_t since, const char *refused)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return;
    (void)fprintf(out, "pid=%d\nsince=%lld\nprogram=sluice " SLUICE_VERSION "\n", (int)getpid(),
                  (long long)since);
    if (refused)
        (void)fprintf(out, "refused_at=%lld\nrefused=%s\n", (long long)clock_now_ms(), refused);
    config_print(config, out);
    if (fclose(out) == 0 && pwrite(fd, text, len, 0) == (ssize_t)len)
        (void)!ftruncate(fd, (off_t)len);
    free(text);
}

/* The number of a line; false when there is none. */
static bool number_of(const struct status *status, const char *name, int64_t *out)
{
    char text[NUMBER_MAX];
    return status_value(status, name, text, sizeof text) && number_i64(text, strlen(text), out);
}

bool status_read(const char *folder, struct status *out)
{
    char path[PATH_MAX];
    const int fd = path_of(folder, path) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd < 0)
        return false;
    const bool lives = flock(fd, LOCK_SH | LOCK_NB) != 0; /* given back by close() */
    const ssize_t len = lives ? pread(fd, out->text, sizeof out->text - 1, 0) : -1;
    (void)close(fd);
    if (len <= 0)
        return false;
    out->text[len] = '\0';
    int64_t pid = 0;
    if (!number_of(out, "pid", &pid) || pid <= 1 || pid > INT_MAX ||
        !number_of(out, "since", &out->since))
        return false;
    out->pid = (pid_t)pid;
    if (!number_of(out, "refused_at", &out->refused_at))
        out->refused_at = 0;
    if (!status_value(out, "refused", out->refused, sizeof out->refused))
        out->refused[0] = '\0';
    return true;
}

bool status_value(const struct status *status, const char *name, char *out, size_t out_max)
{
    static const char standard[] = "  (default)";
    const size_t name_len = strlen(name);
    for (const char *at = status->text; *at;) {
        const size_t len = strcspn(at, "\n");
        if (len > name_len && at[name_len] == '=' && memcmp(at, name, name_len) == 0) {
            size_t value_len = len - name_len - 1;
            const char *value = at + name_len + 1;
            const size_t suffix = sizeof standard - 1;
            if (value_len >= suffix && memcmp(value + value_len - suffix, standard, suffix) == 0)
                value_len -= suffix;
            if (value_len >= out_max)
                return false;
            memcpy(out, value, value_len);
            out[value_len] = '\0';
            return true;
        }
        at += len + (at[len] == '\n');
    }
    return false;
}

void status_notify(const char *state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = getenv("NOTIFY_SOCKET");
    const size_t len = path ? strlen(path) : 0;
    if (len < 2 || len >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* an abstract name */
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    const socklen_t address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                  address_len);
    (void)close(fd);
}
