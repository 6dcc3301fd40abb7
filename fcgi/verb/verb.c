/*
 * verb.c - what the verbs share: how they fail, whose state they touch, and how they open it.
 */
#include "verb/verb.h"
#include "base/log.h"
#include "db/db.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int verb_failed(const struct problem *why)
{
    (void)fprintf(stderr, "%ssluice: %s%s%s\n", log_priority("error"), why->text,
                  why->detail[0] ? ": " : "", why->detail);
    return why->fault == FAULT_MALFORMED ? EXIT_USAGE : EXIT_FAILED;
}

int verb_misused(const char *verb_and_options)
{
    (void)fprintf(stderr, "sluice: the usage is: sluice %s (see sluice help)\n", verb_and_options);
    return EXIT_USAGE;
}

enum fault verb_may(const struct config *config, struct problem *why)
{
    char path[PATH_MAX];
    struct stat info = { 0 };
    const int len = snprintf(path, sizeof path, "%s/sluice.db", config->state);
    if (len < 0 || (size_t)len >= sizeof path)
        return problem_set(why, FAULT_MALFORMED, "SLUICE_STATE is too long");
    /* A folder that waits for its state belongs to who will serve it. */
    if (stat(path, &info) != 0 && stat(config->state, &info) != 0)
        return FAULT_NONE;
    if (info.st_uid == geteuid() || (S_ISDIR(info.st_mode) && geteuid() != 0))
        return FAULT_NONE;
    const struct passwd *owner = getpwuid(info.st_uid);
    return problem_set(why, FAULT_FORBIDDEN,
                       "the state in %s belongs to user %s (%u): run this as that user, "
                       "with runuser or sudo -u",
                       config->state, owner ? owner->pw_name : "?", (unsigned)info.st_uid);
}

enum fault verb_open_db(const struct config *config, bool read_only, struct db **out,
                        struct problem *why)
{
    const struct db_options options = { .folder = config->state,
                                        .lock_wait_ms = config->lock_wait_ms,
                                        .checkpoint_bytes = config->checkpoint_bytes,
                                        .read_only = read_only };
    return db_open(&options, out, why);
}
