#include "serve/children.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { ROOM_FIRST = 64, EXIT_NOT_EXECUTED = 127 };

enum fault children_add(struct children *children, const struct child *child, struct problem *why)
{
    if (children->count == children->room) {
        const size_t room = children->room ? 2 * children->room : ROOM_FIRST;
        struct child *list = realloc(children->list, room * sizeof *list);
        if (!list)
            return problem_internal(why, "out of memory for the list of workers");
        children->list = list;
        children->room = room;
    }
    children->list[children->count++] = *child;
    return FAULT_NONE;
}

struct child *children_find(struct children *children, pid_t pid)
{
    for (size_t i = 0; i < children->count; i++) {
        if (children->list[i].pid == pid)
            return &children->list[i];
    }
    return NULL;
}

void children_remove(struct children *children, struct child *child)
{
    *child = children->list[--children->count];
}

void children_release(struct children *children)
{
    free(children->list);
    *children = (struct children){ 0 };
}

/* In the new process; ends it when anything fails. */
static _Noreturn void become(const struct child_start *start, pid_t parent)
{
    sigset_t none;
    (void)sigemptyset(&none);
    int input = start->input;
    if (input < 0)
        input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const bool ready = input >= 0 && dup2(input, STDIN_FILENO) >= 0 &&
                       (start->says < 0 || dup2(start->says, CHILD_SAYS) >= 0) &&
                       sigprocmask(SIG_SETMASK, &none, NULL) == 0 &&
                       prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent;
    if (ready)
        (void)execve(start->program, start->arguments, start->environment);
    _exit(EXIT_NOT_EXECUTED);
}

enum fault child_start(const struct child_start *start, pid_t *out, struct problem *why)
{
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0)
        return problem_errno(why, errno, "fork");
    if (pid == 0)
        become(start, parent);
    *out = pid;
    return FAULT_NONE;
}
