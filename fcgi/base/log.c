#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEAD_MAX = CLOCK_ISO_MAX + 96, /* bytes of time, level, event and pid */
    NUMBER_MAX = 24,               /* bytes of a number */
    KEY_MAX = 64,                  /* bytes of a key */
    VALUE_MAX = 1024,              /* bytes of a value, escaped: longer ones are cut */
};

/* What snprintf() left in max bytes. */
static size_t printed(int len, size_t max)
{
    if (len < 0)
        return 0;
    return (size_t)len < max ? (size_t)len : max - 1;
}

/* Appends a whole piece or nothing; the last byte is kept for the line end. */
static void put(struct log_line *line, const char *bytes, size_t len)
{
    if (len > LOG_LINE_MAX - 1 - line->len)
        return;
    memcpy(line->data + line->len, bytes, len);
    line->len += len;
}

static bool is_plain(unsigned char byte)
{
    return byte > ' ' && byte < 0x7F && byte != '"' && byte != '=' && byte != '\\';
}

/* The value as it stands, or quoted with C escapes, cut to max bytes; returns its length.  Bytes
 * past ASCII are escaped, too: among them are controls of terminals (C1). */
static size_t escape(const char *value, char *out, size_t max)
{
    size_t plain = 0;
    while (is_plain((unsigned char)value[plain]))
        plain++;
    if (plain <= max && value[plain] == '\0') {
        memcpy(out, value, plain);
        return plain;
    }
    enum { WIDEST = 5 }; /* \xHH and the closing quote */
    size_t len = 0;
    out[len++] = '"';
    for (const char *at = value; *at && len + WIDEST < max; at++) {
        const unsigned char byte = (unsigned char)*at;
        if (byte == '"' || byte == '\\') {
            out[len++] = '\\';
            out[len++] = *at;
        } else if (byte < ' ' || byte >= 0x7F) {
            len += (size_t)snprintf(out + len, WIDEST, "\\x%02x", byte);
        } else {
            out[len++] = *at;
        }
    }
    out[len++] = '"';
    return len;
}

/* Whether standard error is systemd's journal: JOURNAL_STREAM (systemd.exec(5)) is its "device:inode". */
static bool to_journal(void)
{
    char stream[2 * NUMBER_MAX];
    struct stat meta = { 0 };
    const char *told = getenv("JOURNAL_STREAM");
    if (!told || fstat(STDERR_FILENO, &meta) != 0)
        return false;
    (void)snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)meta.st_dev,
                   (unsigned long long)meta.st_ino);
    return strcmp(stream, told) == 0;
}

const char *log_priority(const char *level)
{
    if (!to_journal())
        return "";
    if (strcmp(level, "error") == 0)
        return "<3>";
    return strcmp(level, "warn") == 0 ? "<4>" : "<6>";
}

void log_begin(struct log_line *line, int64_t now, const char *level, const char *event)
{
    char at[CLOCK_ISO_MAX];
    char head[HEAD_MAX];
    clock_iso(now, at);
    const int len = snprintf(head, sizeof head, "%s%s %s %s pid=%d", log_priority(level), at, level,
                             event, (int)getpid());
    line->len = 0;
    put(line, head, printed(len, sizeof head));
}

void log_string(struct log_line *line, const char *key, const char *value)
{
    char pair[KEY_MAX + VALUE_MAX];
    if (!value || !value[0])
        return;
    const size_t key_len = printed(snprintf(pair, KEY_MAX, " %s=", key), KEY_MAX);
    const size_t value_len = escape(value, pair + key_len, VALUE_MAX);
    put(line, pair, key_len + value_len);
}

void log_number(struct log_line *line, const char *key, int64_t value)
{
    char pair[2 * KEY_MAX];
    const int len = snprintf(pair, sizeof pair, " %s=%lld", key, (long long)value);
    put(line, pair, printed(len, sizeof pair));
}

void log_end(struct log_line *line)
{
    line->data[line->len++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line->data, line->len);
    (void)ignored;
}
