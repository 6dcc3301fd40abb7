/*
 * check.c - sluice check: the effective settings and whether the state can be served.
 */
#include "base/clock.h"
#include "blob/blob.h"
#include "db/migrate.h"
#include "serve/status.h"
#include "verb/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static enum fault check_folder(const char *folder, struct problem *why)
{
    struct stat info = { 0 };
    if (stat(folder, &info) != 0) {
        return problem_set(why, FAULT_MISSING,
                           "the state folder %s cannot be read (%s); "
                           "sluice migrate creates it",
                           folder, strerror(errno));
    }
    if (!S_ISDIR(info.st_mode))
        return problem_set(why, FAULT_MALFORMED, "%s is not a folder", folder);
    if (info.st_mode & S_IWOTH)
        return problem_set(why, FAULT_FORBIDDEN,
                           "the state folder %s can be written by everybody; chmod o-w it", folder);
    if (access(folder, R_OK | W_OK | X_OK) != 0)
        return problem_set(why, FAULT_FORBIDDEN,
                           "the state folder %s cannot be written by this user", folder);
    return FAULT_NONE;
}

/* Whether a file in the folder takes a byte that reaches the disk: a file system that has given up
 * after an error calls itself writable still. */
static enum fault try_write(int folder, struct problem *why)
{
    static const char name[] = "sluice.check";
    enum { MODE = 0600 };
    const int fd = openat(folder, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, MODE);
    if (fd < 0)
        return problem_errno(why, errno, "make a file in the state folder");
    enum fault f = FAULT_NONE;
    if (write(fd, name, 1) != 1 || fsync(fd) != 0)
        f = problem_errno(why, errno, "write a file in the state folder");
    (void)close(fd);
    (void)unlinkat(folder, name, 0);
    return f;
}

static enum fault check_room(int folder, int64_t floor, struct problem *why)
{
    struct blob_disk disk = { 0 };
    const enum fault f = blob_disk(folder, floor, &disk, why);
    if (!f && disk.free < disk.floor) {
        return problem_set(
            why, FAULT_STORAGE_FULL,
            "%llu bytes are free, and uploads are refused below %llu: "
            "delete, run sluice gc --empty-quarantine, or see SLUICE_FREE_FLOOR_BYTES",
            (unsigned long long)disk.free, (unsigned long long)disk.floor);
    }
    return f;
}

static enum fault check_disk(const struct config *config, struct problem *why)
{
    const int folder = open(config->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return problem_errno(why, errno, "open of the state folder");
    enum fault f = try_write(folder, why);
    if (!f)
        f = check_room(folder, config->free_floor_bytes, why);
    (void)close(folder);
    return f;
}

/* A worker socket must be a Unix socket closed to others (whoever speaks to it names itself), and
 * somebody must listen. */
static enum fault check_socket(const char *path, struct problem *why)
{
    struct stat info = { 0 };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path)
        return problem_set(why, FAULT_MALFORMED, "the socket's path is too long");
    if (stat(path, &info) != 0 || !S_ISSOCK(info.st_mode))
        return problem_set(why, FAULT_MISSING, "%s is not a socket; are the workers started?",
                           path);
    if (info.st_mode & (S_IROTH | S_IWOTH))
        return problem_set(why, FAULT_FORBIDDEN,
                           "the socket %s is open to everybody; its mode must be 0660", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool answered =
        fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        (void)close(fd);
    return answered ? FAULT_NONE
                    : problem_set(why, FAULT_MISSING, "nobody listens on the socket %s", path);
}

static bool say(const char *what, enum fault f, const struct problem *why)
{
    (void)printf("%-14s %s%s%s%s\n", what, f ? "NOT OK: " : "ok", f ? why->text : "",
                 f && why->detail[0] ? ": " : "", f ? why->detail : "");
    return f == FAULT_NONE;
}

/* The state folder, one line a question. */
static bool check_state(const struct config *config)
{
    struct problem why = PROBLEM_NONE;
    if (!say("state folder", check_folder(config->state, &why), &why))
        return false;
    why = PROBLEM_NONE;
    const bool ours = say("owner", verb_may(config, &why), &why);
    why = PROBLEM_NONE;
    bool good = say("schema", migrate_check(config->state, &why), &why) && ours;
    why = PROBLEM_NONE;
    if (ours) /* or the file that is tried would be another user's */
        good = say("disk", check_disk(config, &why), &why) && good;
    return good;
}

/* One line of config_print(): said when the running workers have another value. */
static void print_difference(const struct status *status, char *line)
{
    char value[STATUS_TEXT_MAX];
    char *equals = strchr(line, '=');
    char *standard = strstr(line, "  (default)");
    *equals = '\0';
    if (standard)
        *standard = '\0';
    if (status_value(status, line, value, sizeof value) && strcmp(value, equals + 1) != 0)
        (void)printf("%-14s %s=%s, until a reload\n", "running", line, value);
}

/* The settings that running workers have and a start would not, so that nobody is misled. */
static void print_running(const struct config *config)
{
    struct status status;
    char program[STATUS_REFUSED_MAX];
    char since[CLOCK_ISO_MAX];
    char *text = NULL;
    size_t len = 0;
    if (!status_read(config->state, &status)) {
        (void)printf("%-14s nobody serves this state\n", "running");
        return;
    }
    if (!status_value(&status, "program", program, sizeof program))
        program[0] = '\0';
    clock_iso(status.since, since);
    (void)printf("%-14s %s, process %d, since %s\n", "running", program, (int)status.pid, since);
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return;
    config_print(config, out);
    if (fclose(out) == 0) {
        for (char *line = text; *line;) {
            char *end = strchrnul(line, '\n');
            char *next = *end ? end + 1 : end;
            *end = '\0';
            print_difference(&status, line);
            line = next;
        }
    }
    free(text);
}

int verb_check(const struct config *config, int argc, char **argv)
{
    static const struct option options[] = { { "socket", required_argument, NULL, 's' },
                                             { NULL, 0, NULL, 0 } };
    static const char check_usage[] = "check [--socket PATH]";
    const char *socket_path = NULL;
    const char *defects = NULL;
    struct problem why = PROBLEM_NONE;
    opterr = 0;
    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1;
         c = getopt_long(argc, argv, "", options, NULL)) {
        if (c != 's')
            return verb_misused(check_usage);
        socket_path = optarg;
    }
    if (optind < argc)
        return verb_misused(check_usage);
    config_print(config, stdout);
    const char *version = migrate_sqlite_version(&defects);
    (void)printf("%-14s %s, known defects of this version: %s\n", "sqlite", version, defects);
    print_running(config);
    bool good = check_state(config);
    if (socket_path)
        good = say("socket", check_socket(socket_path, &why), &why) && good;
    return good ? EXIT_DONE : EXIT_FAILED;
}
