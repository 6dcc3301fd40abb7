/*
 * serve.c - sluice serve: the command line of the supervisor.
 */
#include "serve/serve.h"
#include "base/clock.h"
#include "base/log.h"
#include "verb/verb.h"

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char serve_usage[] = "serve [--config FILE] [--sockets FOLDER] [--create]";

static bool read_options(int argc, char **argv, struct serve_options *out)
{
    static const struct option options[] = { { "sockets", required_argument, NULL, 's' },
                                             { "create", no_argument, NULL, 'c' },
                                             { "old", required_argument, NULL, 'o' },
                                             { "old-end-first", required_argument, NULL, 'e' },
                                             { NULL, 0, NULL, 0 } };
    opterr = 0;
    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1;
         c = getopt_long(argc, argv, "", options, NULL)) {
        if (c == 's')
            out->sockets = optarg;
        else if (c == 'c')
            out->create = true;
        else if (c == 'o' || c == 'e')
            out->old = optarg;
        else
            return false;
        out->old_end_first = out->old_end_first || c == 'e';
    }
    return optind == argc;
}

/* The file that is executed: by the name that was called, so that a newer program in its place is
 * taken at a reload; found by PATH, it is the one that runs. */
static bool find_program(const char *called, char out[PATH_MAX])
{
    if (strchr(called, '/'))
        return realpath(called, out) != NULL;
    const ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (len > 0)
        out[len] = '\0';
    return len > 0;
}

int verb_serve(const struct config *config, const char *program, const char *config_file,
               char *const *environment, int argc, char **argv)
{
    char path[PATH_MAX];
    struct serve_options options = { .program = path,
                                     .config_file = config_file,
                                     .environment = environment };
    struct problem why = PROBLEM_NONE;
    if (!read_options(argc, argv, &options))
        return verb_misused(serve_usage);
    enum fault f = FAULT_NONE;
    if (!find_program(program, path))
        f = problem_set(&why, FAULT_MISSING, "the program %s cannot be found", program);
    if (!f)
        f = serve_run(config, &options, &why);
    if (!f)
        return EXIT_DONE;
    struct log_line line;
    log_begin(&line, clock_now_ms(), "error", "serve_ended");
    log_string(&line, "text", why.text);
    log_string(&line, "detail", why.detail);
    log_end(&line);
    return why.fault == FAULT_MALFORMED ? EXIT_USAGE : EXIT_FAILED;
}
