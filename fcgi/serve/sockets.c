#include "serve/sockets.h"

#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    SOCKET_MODE = 0660, /* whoever speaks to it says who the client is */
    NAMES_MAX = 256,    /* bytes of LISTEN_FDNAMES */
    NUMBER_MAX = 24,    /* bytes of a number as text */
};

/* ---- handed over ---- */

static bool is_number(const char *name, int64_t expected)
{
    int64_t value = 0;
    const char *text = getenv(name);
    return text && number_i64(text, strlen(text), &value) && value == expected;
}

/* The place of a name in "first:second", -1 when it is not there. */
static int place_of(const char *list, const char *name)
{
    const size_t len = strlen(name);
    int place = 0;
    for (const char *at = list;; place++) {
        const char *end = strchrnul(at, ':');
        if ((size_t)(end - at) == len && memcmp(at, name, len) == 0)
            return place;
        if (*end == '\0')
            return -1;
        at = end + 1;
    }
}

/* Puts what came in any order where it belongs, by way of copies behind all of them. */
static enum fault sort_given(const char *const *names, size_t count, struct problem *why)
{
    const char *list = getenv("LISTEN_FDNAMES");
    int copies[8];
    if (!list || count > sizeof copies / sizeof copies[0])
        return problem_set(why, FAULT_UNAVAILABLE, "the sockets came without their names");
    for (size_t i = 0; i < count; i++) {
        const int place = place_of(list, names[i]);
        if (place < 0 || place >= (int)count)
            return problem_set(why, FAULT_UNAVAILABLE, "no socket named %s was handed over",
                               names[i]);
        copies[i] = fcntl(SOCKETS_FIRST + place, F_DUPFD_CLOEXEC, SOCKETS_FIRST + (int)count);
        if (copies[i] < 0)
            return problem_errno(why, errno, "dup of a socket");
    }
    for (size_t i = 0; i < count; i++) {
        if (dup3(copies[i], SOCKETS_FIRST + (int)i, O_CLOEXEC) < 0)
            return problem_errno(why, errno, "dup of a socket");
        (void)close(copies[i]);
    }
    return FAULT_NONE;
}

/* ---- made ---- */

static bool somebody_listens(const struct sockaddr_un *address)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    const bool answered =
        connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN;
    (void)close(fd);
    return answered;
}

static enum fault make_one(const char *folder, const char *name, int number, struct problem *why)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const int len = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s.sock", folder, name);
    if (len < 0 || (size_t)len >= sizeof address.sun_path)
        return problem_set(why, FAULT_MALFORMED, "the path %s is too long for a socket", folder);
    if (somebody_listens(&address))
        return problem_set(why, FAULT_BUSY, "somebody else listens on %s", address.sun_path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return problem_errno(why, errno, "socket");
    (void)unlink(address.sun_path);
    const mode_t mask = umask(~(mode_t)SOCKET_MODE & (S_IRWXU | S_IRWXG | S_IRWXO));
    const bool made = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                      listen(fd, BACKLOG) == 0;
    const int code = errno;
    (void)umask(mask);
    if (made && fd != number) {
        if (dup3(fd, number, O_CLOEXEC) < 0)
            return problem_errno(why, errno, "dup of a socket");
        (void)close(fd);
    }
    return made ? FAULT_NONE
                : problem_set(why, FAULT_UNAVAILABLE, "the socket %s cannot be made: %s",
                              address.sun_path, strerror(code));
}

enum fault sockets_open(const char *folder, const char *const *names, size_t count,
                        struct problem *why)
{
    if (is_number("LISTEN_PID", getpid()) && is_number("LISTEN_FDS", (int64_t)count))
        return sort_given(names, count, why);
    if (!folder)
        return problem_set(why, FAULT_MALFORMED,
                           "no sockets were handed over: start it by systemd, or give --sockets");
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < count && !f; i++)
        f = make_one(folder, names[i], SOCKETS_FIRST + (int)i, why);
    return f;
}

enum fault sockets_hand_over(const char *const *names, size_t count, struct problem *why)
{
    char list[NAMES_MAX] = "";
    char pid[NUMBER_MAX];
    char many[NUMBER_MAX];
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const int len = snprintf(list + used, sizeof list - used, "%s%s", i ? ":" : "", names[i]);
        if (len < 0 || (size_t)len >= sizeof list - used)
            return problem_internal(why, "the sockets' names are too long");
        used += (size_t)len;
    }
    (void)snprintf(pid, sizeof pid, "%d", (int)getpid());
    (void)snprintf(many, sizeof many, "%zu", count);
    if (setenv("LISTEN_PID", pid, 1) != 0 || setenv("LISTEN_FDS", many, 1) != 0 ||
        setenv("LISTEN_FDNAMES", list, 1) != 0)
        return problem_errno(why, errno, "setenv");
    sockets_inherited(count, true);
    return FAULT_NONE;
}

void sockets_inherited(size_t count, bool inherited)
{
    for (size_t i = 0; i < count; i++)
        (void)fcntl(SOCKETS_FIRST + (int)i, F_SETFD, inherited ? 0 : FD_CLOEXEC);
}

void sockets_remove(const char *folder, const char *const *names, size_t count)
{
    struct sockaddr_un address;
    for (size_t i = 0; folder && i < count; i++) {
        (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/%s.sock", folder, names[i]);
        (void)unlink(address.sun_path);
    }
}
