/*
 * log.h - one line an event on standard error: time, level, event, then key=value.
 *
 * A line is built in place and written with one write(2), so lines of several workers never mix.
 * Values with anything but plain characters are quoted and escaped; a line that would be too long
 * loses its last values.  Never hand a secret to it.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum { LOG_LINE_MAX = 2048 }; /* bytes; below PIPE_BUF, so that a write is whole */

struct log_line {
    size_t len;
    char data[LOG_LINE_MAX];
};

/* Starts a line at time now (milliseconds UTC).  level: "info", "warn" or "error"; event: a stable
 * name in lower case with underscores. */
void log_begin(struct log_line *line, int64_t now, const char *level, const char *event);

/* What a line to standard error begins with: the priority (sd-daemon(3)) that systemd's journal takes off
 * it, so that `journalctl -p err` finds errors; "" where it is something else. */
const char *log_priority(const char *level);

/* Appends key=value; a NULL or empty value is left out. */
void log_string(struct log_line *line, const char *key, const char *value);
void log_number(struct log_line *line, const char *key, int64_t value);

/* Writes the line. */
void log_end(struct log_line *line);

#endif
