#include "serve/launch.h"

#include "serve/children.h"
#include "serve/sockets.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 12, NUMBER_MAX = 16 };

/* An argument list, which exec takes as if it could change it. */
struct line {
    const char *words[ARGUMENTS_MAX]; /* NULL-terminated */
    size_t count;
};

static char *const *arguments_of(const struct line *line)
{
    const union {
        const char *const *words;
        char *const *arguments;
    } as = { .words = line->words };
    return as.arguments;
}

static void add(struct line *line, const char *word)
{
    line->words[line->count++] = word;
}

static void add_option(struct line *line, const char *option, const char *value)
{
    if (!value)
        return;
    add(line, option);
    add(line, value);
}

enum fault launch_worker(const struct serve_options *options, int socket, int says, pid_t *out,
                         struct problem *why)
{
    char ready[NUMBER_MAX];
    struct line line = { .words = { options->program, "worker" }, .count = 2 };
    (void)snprintf(ready, sizeof ready, "%d", CHILD_SAYS);
    add_option(&line, "--ready", ready);
    const struct child_start start = { .program = options->program,
                                       .arguments = arguments_of(&line),
                                       .environment = environ,
                                       .input = socket,
                                       .says = says };
    return child_start(&start, out, why);
}

enum fault launch_migrate(const struct serve_options *options, const char *option, pid_t *out,
                          struct problem *why)
{
    struct line line = { .words = { options->program, "migrate" }, .count = 2 };
    add_option(&line, "--config", options->config_file);
    if (option)
        add(&line, option);
    const struct child_start start = { .program = options->program,
                                       .arguments = arguments_of(&line),
                                       .environment = options->environment,
                                       .input = -1,
                                       .says = -1 };
    return child_start(&start, out, why);
}

enum fault launch_anew(const struct serve_options *options, const char *old, bool end_first,
                       const char *const *names, size_t count, struct problem *why)
{
    struct line line = { .words = { options->program, "serve" }, .count = 2 };
    add_option(&line, "--config", options->config_file);
    add_option(&line, "--sockets", options->sockets);
    add_option(&line, end_first ? "--old-end-first" : "--old", old);
    const union {
        char *const *given;
        char **environment;
    } before = { .given = options->environment };
    char **const present = environ;
    environ = before.environment;
    enum fault f = sockets_hand_over(names, count, why);
    if (!f) {
        (void)execve(options->program, arguments_of(&line), environ);
        f = problem_errno(why, errno, "execute the program anew");
        sockets_inherited(count, false);
    }
    environ = present;
    return f;
}
