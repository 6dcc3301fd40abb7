/*
 * main.c - the program: reads the settings, then does what the first argument says.
 */
#include "base/clock.h"
#include "base/config.h"
#include "base/config_file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/number.h"
#include "surfaces.h"
#include "verb/verb.h"
#include "worker.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the environment was before a file of settings was read into it: strings that stay. */
static char **environment_copy(void)
{
    size_t count = 0;
    while (environ[count])
        count++;
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        copy[i] = environ[i];
    return copy;
}

/* The descriptor of `worker [--ready FD]`; -1 for none, below that for a wrong line. */
static int ready_descriptor(int argc, char **argv)
{
    enum { WRONG = -2, FD_MAX = 1 << 20 };
    int64_t fd = 0;
    if (argc == 1)
        return -1;
    const bool right = argc == 3 && strcmp(argv[1], "--ready") == 0 &&
                       number_i64(argv[2], strlen(argv[2]), &fd) && fd >= 0 && fd < FD_MAX;
    return right ? (int)fd : WRONG;
}

static int work(const struct config *config, int argc, char **argv)
{
    struct problem why = PROBLEM_NONE;
    const struct surface *fallback = surfaces[surfaces_count - 1];
    const int says = ready_descriptor(argc, argv);
    if (says < -1)
        return verb_misused("worker [--ready FD]");
    if (worker_run(config, says, surfaces, surfaces_count, fallback, &why) == FAULT_NONE)
        return EXIT_DONE;
    struct log_line line;
    log_begin(&line, clock_now_ms(), "error", "worker_failed");
    log_string(&line, "text", why.text);
    log_string(&line, "detail", why.detail);
    log_end(&line);
    return EXIT_FAILED;
}

/* What is served, and what a token needs for it: made of the tables that requests are matched with. */
static int print_routes(void)
{
    static const char *const words[] = {
        [RIGHT_NONE] = "-", [RIGHT_READ] = "read", [RIGHT_WRITE] = "write", [RIGHT_ADMIN] = "admin"
    };
    for (size_t s = 0; s < surfaces_count; s++) {
        for (size_t i = 0; i < surfaces[s]->route_count; i++) {
            const struct route *route = &surfaces[s]->routes[i];
            char right[NAME_MAX_BYTES] = "-";
            if (route->right != RIGHT_NONE)
                (void)snprintf(right, sizeof right, "%s:%s", surfaces[s]->name,
                               words[route->right]);
            (void)printf("%-7s %-15s %s\n", route->method, right, route->pattern);
        }
    }
    return EXIT_DONE;
}

/* The command line: sluice VERB [--config FILE] ... */
struct call {
    const char *program;
    const char *config_file;
    char **environment;
    int argc; /* of the verb, which is argv[0] */
    char **argv;
};

static int run(const struct config *config, const struct call *call)
{
    const char *verb = call->argv[0];
    struct problem why = PROBLEM_NONE;
    if (strcmp(verb, "check") == 0)
        return verb_check(config, call->argc, call->argv);
    if (verb_may(config, &why) != FAULT_NONE)
        return verb_failed(&why);
    if (strcmp(verb, "serve") == 0)
        return verb_serve(config, call->program, call->config_file, call->environment, call->argc,
                          call->argv);
    if (strcmp(verb, "worker") == 0)
        return work(config, call->argc, call->argv);
    if (strcmp(verb, "reload") == 0)
        return verb_reload(config, call->argc, call->argv);
    if (strcmp(verb, "migrate") == 0)
        return verb_migrate(config, clock_now_ms(), call->argc, call->argv);
    if (strcmp(verb, "token") == 0)
        return verb_token(config, clock_now_ms(), call->argc, call->argv);
    if (strcmp(verb, "dataset") == 0)
        return verb_dataset(config, call->argc, call->argv);
    return verb_gc(config, clock_now_ms(), call->argc, call->argv);
}

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* sluice help [VERB], sluice VERB --help; false when neither was called. */
static bool help(int argc, char **argv)
{
    const char *text = NULL;
    if (is_help(argv[1]))
        text = argc > 2 ? verb_help(argv[2]) : verb_help_all();
    else if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
        text = verb_help(argv[1]);
    if (text)
        (void)fputs(text, stdout);
    return text != NULL;
}

/* Takes --config FILE off the line, behind the verb. */
static enum fault read_config(struct call *call, struct config *config, struct problem *why)
{
    static const char option[] = "--config";
    enum { TAKEN = 2 };
    if (call->argc > TAKEN && strcmp(call->argv[1], option) == 0) {
        call->config_file = call->argv[2];
        call->argv[TAKEN] = call->argv[0];
        call->argv += TAKEN;
        call->argc -= TAKEN;
        const enum fault f = config_file_export(call->config_file, why);
        if (f)
            return f;
    }
    return config_load(config, environ, why);
}

int main(int argc, char **argv)
{
    static struct config config; /* the settings are large; they live as long as the process */
    struct problem why = PROBLEM_NONE;
    if (argc < 2) {
        (void)fputs(verb_help_all(), stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0) {
        (void)puts("sluice " SLUICE_VERSION);
        return EXIT_DONE;
    }
    if (help(argc, argv))
        return EXIT_DONE;
    if (strcmp(argv[1], "routes") == 0)
        return argc == 2 ? print_routes() : verb_misused("routes");
    if (!verb_help(argv[1])) {
        (void)fprintf(stderr, "sluice: there is no verb %s; sluice help lists them\n", argv[1]);
        return EXIT_USAGE;
    }
    struct call call = {
        .program = argv[0], .environment = environment_copy(), .argc = argc - 1, .argv = argv + 1
    };
    enum fault f =
        call.environment ? FAULT_NONE : problem_internal(&why, "out of memory for the environment");
    if (!f)
        f = read_config(&call, &config, &why);
    const int status = f ? verb_failed(&why) : run(&config, &call);
    free(call.environment);
    return status;
}
