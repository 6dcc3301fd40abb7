/*
 * status.h - what is running, for whoever asks: sluice.serving in the state folder, and the notice of
 * readiness that systemd waits for.
 *
 * The file is held locked (flock) by the supervisor as long as it lives.  It holds lines NAME=value:
 * pid, since (milliseconds UTC at which the present workers served), program, refused_at and refused
 * (when and why a reload changed nothing; absent: none since), and every setting as config_print()
 * prints it.
 */
#ifndef SERVE_STATUS_H
#define SERVE_STATUS_H

#include "base/config.h"
#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { STATUS_TEXT_MAX = 32768, STATUS_REFUSED_MAX = 512 }; /* bytes with the NUL */

/* Takes the file of a state folder; *out is its descriptor, closed on exec.  FAULT_BUSY when another
 * supervisor lives; wait_ms: for one that is just ending. */
MUST_CHECK enum fault status_take(const char *folder, int64_t wait_ms, int *out,
                                  struct problem *why);

/* Says what runs; refused may be NULL.  A disk that takes nothing makes this news late, not wrong. */
void status_write(int fd, const struct config *config, int64_t since, const char *refused);

/* What a state's supervisor has said. */
struct status {
    pid_t pid;
    int64_t since;
    int64_t refused_at; /* 0: no reload was */
    char refused[STATUS_REFUSED_MAX];
    char text[STATUS_TEXT_MAX];
};

/* Reads it; false when no supervisor lives. */
bool status_read(const char *folder, struct status *out);

/* The value of a line of it, copied into out, without " (default)"; false when there is none. */
bool status_value(const struct status *status, const char *name, char *out, size_t out_max);

/* sd_notify(3): sends state to NOTIFY_SOCKET, if systemd has set it. */
void status_notify(const char *state);

#endif
