/*
 * check.c - sluice check: the effective settings and whether the state can be served.
 */
#include "db/migrate.h"
#include "verb/verb.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
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
    enum fault f = check_folder(config->state, &why);
    bool good = say("state folder", f, &why);
    if (good) {
        why = PROBLEM_NONE;
        good = say("owner", verb_may(config, &why), &why);
        why = PROBLEM_NONE;
        f = migrate_check(config->state, &why);
        good = say("schema", f, &why) && good;
    }
    if (socket_path) {
        why = PROBLEM_NONE;
        f = check_socket(socket_path, &why);
        good = say("socket", f, &why) && good;
    }
    return good ? EXIT_DONE : EXIT_FAILED;
}
