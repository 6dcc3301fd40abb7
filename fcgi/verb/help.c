/*
 * help.c - sluice help [VERB], sluice VERB --help.
 */
#include "verb/verb.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *verb;
    const char *text;
} texts[] = {
    { "serve",
      "usage: sluice serve [--config FILE] [--sockets FOLDER] [--create]\n"
      "Migrates the state and keeps SLUICE_BULK_WORKERS, _READ_WORKERS and _CONTROL_WORKERS\n"
      "workers running, on sockets from systemd (by these names) or made in FOLDER.  SIGTERM "
      "stops;\n"
      "SIGHUP reloads: the program and the settings as they are now replace those that run.\n"
      "  --sockets FOLDER  make bulk.sock, read.sock, control.sock and health.sock there\n"
      "  --create          make a state that is not there\n" },
    { "reload",
      "usage: sluice reload [--config FILE]\n"
      "Asks the sluice serve of this state to replace its workers by those of the program\n"
      "and the settings as they are now, and waits until they serve.\n" },
    { "worker",
      "usage: sluice worker [--ready FD]\n"
      "Serves FastCGI on descriptor 0, which is a listening socket, one request at a time.\n"
      "SIGTERM lets it finish the request in hand.  sluice serve starts and replaces workers.\n"
      "  --ready FD  write the process's number there once it serves\n" },
    { "migrate",
      "usage: sluice migrate [--config FILE] [--create | --dry-run]\n"
      "Upgrades the state and brings it up after a crash.  sluice serve does it by itself.\n"
      "  --create   make a state that is not there\n"
      "  --dry-run  change nothing: exit status 0 when workers may stay, 3 when it has work\n"
      "             that needs the state for itself\n" },
    { "check",
      "usage: sluice check [--config FILE] [--socket PATH]\n"
      "Prints the settings in effect and those that running workers have, and looks whether\n"
      "the state can be served: exit status 1 when not.\n"
      "  --socket PATH  whether workers listen there, and only the web server may ask them\n" },
    { "token",
      "usage: sluice token create --name N --rights LIST [--scope PATTERN] [--days D]\n"
      "       sluice token list\n"
      "       sluice token revoke N\n"
      "Gives access, lists it and takes it back.\n"
      "  --rights LIST    such as pinot:write,oxen:read or all:admin\n"
      "  --scope PATTERN  tables, workspace.collection.dataset or namespace/repository (*)\n"
      "  --days D         until it expires (never)\n" },
    { "dataset", "usage: sluice dataset list | show W.C.D | drop W.C.D\n"
                 "Lists, shows and drops Opteryx datasets.\n" },
    { "routes", "usage: sluice routes\n"
                "Prints all that is served: method, the right that a token needs, path.\n" },
    { "gc",
      "usage: sluice gc [--config FILE] [--dry-run] [--empty-quarantine]\n"
      "Takes back expired sessions and uploads, and the bytes that nothing names; these wait in\n"
      "quarantine for SLUICE_QUARANTINE_DAYS.\n"
      "  --dry-run           only say what would be taken\n"
      "  --empty-quarantine  remove all that waits there\n" },
};

const char *verb_help_all(void)
{
    return "usage: sluice VERB\n"
           "  serve                    migrate the state and keep workers running\n"
           "  reload                   let sluice serve take the present program and settings\n"
           "  worker                   serve FastCGI on descriptor 0\n"
           "  migrate                  upgrade the state, or --create it\n"
           "  check [--socket PATH]    print the settings and look over the state\n"
           "  token create --name N --rights LIST [--scope PATTERN] [--days D]\n"
           "  token list | token revoke N\n"
           "  dataset list | dataset show W.C.D | dataset drop W.C.D\n"
           "  gc [--dry-run] [--empty-quarantine]\n"
           "                           take back the bytes that nothing names\n"
           "  routes                   print all that is served, and the right that each needs\n"
           "  version                  print the version\n"
           "sluice help VERB says more.  Settings are SLUICE_* environment variables, or lines of "
           "the\n"
           "file that VERB --config FILE names; sluice check prints them.\n";
}

const char *verb_help(const char *verb)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(texts[i].verb, verb) == 0)
            return texts[i].text;
    }
    return NULL;
}
