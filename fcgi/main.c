/*
 * main.c - the program: reads the settings, then does what the first argument says.
 */
#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "surfaces.h"
#include "verb/verb.h"
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: sluice VERB\n"
    "  worker                   serve FastCGI on descriptor 0 (spawn-fcgi, systemd sockets)\n"
    "  migrate                  create or upgrade the state; run it before the workers start\n"
    "  check [--socket PATH]    print the settings and look over the state\n"
    "  token create --name N --rights LIST [--scope PATTERN] [--days D]\n"
    "  token list | token revoke N\n"
    "  dataset list | dataset show W.C.D | dataset drop W.C.D\n"
    "  gc [--dry-run] [--empty-quarantine]\n"
    "                           take back the bytes that nothing names\n"
    "  version                  print the version\n"
    "Settings are SLUICE_* environment variables; sluice check prints them.\n";

static int serve(const struct config *config)
{
    struct problem why = PROBLEM_NONE;
    const struct surface *fallback = surfaces[surfaces_count - 1];
    if (worker_run(config, surfaces, surfaces_count, fallback, &why) == FAULT_NONE)
        return EXIT_DONE;
    struct log_line line;
    log_begin(&line, clock_now_ms(), "error", "worker_failed");
    log_string(&line, "text", why.text);
    log_string(&line, "detail", why.detail);
    log_end(&line);
    return EXIT_FAILED;
}

static int run(const struct config *config, int argc, char **argv)
{
    const char *verb = argv[0];
    struct problem why = PROBLEM_NONE;
    if (strcmp(verb, "check") == 0)
        return verb_check(config, argc, argv);
    if (verb_may(config, &why) != FAULT_NONE)
        return verb_failed(&why);
    if (strcmp(verb, "worker") == 0)
        return serve(config);
    if (strcmp(verb, "migrate") == 0)
        return verb_migrate(config, clock_now_ms(), argc, argv);
    if (strcmp(verb, "token") == 0)
        return verb_token(config, clock_now_ms(), argc, argv);
    if (strcmp(verb, "dataset") == 0)
        return verb_dataset(config, argc, argv);
    if (strcmp(verb, "gc") == 0)
        return verb_gc(config, clock_now_ms(), argc, argv);
    (void)fprintf(stderr, "sluice: there is no verb %s; sluice help lists them\n", verb);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static struct config config; /* the settings are large; they live as long as the process */
    struct problem why = PROBLEM_NONE;
    if (argc < 2) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0) {
        (void)puts("sluice " SLUICE_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        (void)fputs(usage, stdout);
        return EXIT_DONE;
    }
    if (config_load(&config, environ, &why) != FAULT_NONE)
        return verb_failed(&why);
    return run(&config, argc - 1, argv + 1);
}
