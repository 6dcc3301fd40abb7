/*
 * sockets.h - the sockets that the pools listen on: systemd's, a former supervisor's, or new ones.
 */
#ifndef SERVE_SOCKETS_H
#define SERVE_SOCKETS_H

#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>

enum { SOCKETS_FIRST = 3 }; /* the descriptor of the first, as sd_listen_fds(3) has it */

/* Leaves the socket of names[i] on descriptor SOCKETS_FIRST + i, closed on exec.  Takes those that the
 * environment hands over (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES); where there are
 * none, makes folder/NAME.sock, mode 0660, in the place of what an earlier run has left. */
MUST_CHECK enum fault sockets_open(const char *folder, const char *const *names, size_t count,
                                   struct problem *why);

/* Sets LISTEN_* for this process and keeps the sockets open over an exec. */
MUST_CHECK enum fault sockets_hand_over(const char *const *names, size_t count,
                                        struct problem *why);

/* Whether an exec keeps the sockets; sockets_open() leaves them so that it does not. */
void sockets_inherited(size_t count, bool inherited);

/* Removes what sockets_open() has made in folder. */
void sockets_remove(const char *folder, const char *const *names, size_t count);

#endif
