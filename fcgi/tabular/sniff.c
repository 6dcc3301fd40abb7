#include "tabular/sniff.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { ASCII_END = 0x80, CONTROL_END = 0x20 };

#define ARCHIVE "a zip archive, as .xlsx workbooks are; send the table that is in it"

static const struct {
    const char *magic;
    size_t len;
    const char *what;
    bool readable; /* text could begin so: the byte behind it tells */
} magics[] = {
    { "\x1F\x8B", 2, "gzip; send it with Content-Encoding: gzip", false },
    { "\x28\xB5\x2F\xFD", 4, "zstd; send it with Content-Encoding: zstd", false },
    { "\x78\x9C", 2, "deflate; send it with Content-Encoding: deflate", false },
    { "\x78\xDA", 2, "deflate; send it with Content-Encoding: deflate", false },
    { "PK\x03\x04", 4, ARCHIVE, false },
    { "PK\x05\x06", 4, ARCHIVE, false },
    { "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8, "an .xls workbook; send the table that is in it",
      false },
    { "BZh", 3, "bzip2, which is not served; send gzip or zstd", true },
    { "\xFD"
      "7zXZ\0",
      6, "xz, which is not served; send gzip or zstd", false },
    { "7z\xBC\xAF\x27\x1C", 6, "a 7z archive; send the table that is in it", false },
    { "\x04\x22\x4D\x18", 4, "lz4, which is not served; send gzip or zstd", false },
    { "PAR1", 4, "Parquet; name it .parquet", true },
    { "PARE", 4, "encrypted Parquet", true },
    { "ARROW1\0", 7, "Arrow, which is not served; send Parquet", false },
    { "ORC", 3, "ORC, which is not served; send Parquet", true },
    { "Obj\x01", 4, "Avro, which is not served; send Parquet", false },
    { "SQLite format 3\0", 16, "an SQLite database; send the table that is in it", false },
    { "%PDF-", 5, "PDF", false },
};

/* Whether what follows a magic that is readable is nothing that follows it in a text. */
static bool binary_follows(const char *bytes, size_t len, size_t magic)
{
    const unsigned char next = len > magic ? (unsigned char)bytes[magic] : ' ';
    return next >= ASCII_END || (next < CONTROL_END && !strchr("\t\r\n", next)) ||
           (strncmp(bytes, "BZh", 3) == 0 && len >= 6 && memcmp(bytes + 4, "1AY", 3) == 0);
}

/* UTF-16 and UTF-32 without a mark: ASCII leaves one place of each unit 0, or three. */
static const char *wide_text(const char *bytes, size_t len)
{
    enum { UNIT = 4, HALF = 2 };
    size_t zeros[UNIT] = { 0 };
    const size_t units = len / UNIT;
    const size_t halves = len / HALF;
    for (size_t i = 0; i < len - len % HALF; i++)
        zeros[i % UNIT] += bytes[i] == '\0';
    const size_t even = zeros[0] + zeros[2];
    const size_t odd = zeros[1] + zeros[3];
    if (units && zeros[1] >= units && zeros[2] >= units && zeros[3] >= units && zeros[0] == 0)
        return "UTF-32; send UTF-8";
    if (units && zeros[0] >= units && zeros[1] >= units && zeros[2] >= units && zeros[3] == 0)
        return "UTF-32; send UTF-8";
    if ((even == 0 && odd * 2 >= halves && odd) || (odd == 0 && even * 2 >= halves && even))
        return "UTF-16; send UTF-8";
    return NULL;
}

static bool begins(const char *bytes, size_t len, const char *with, size_t with_len)
{
    return len >= with_len && memcmp(bytes, with, with_len) == 0;
}

const char *sniff_binary(const char *bytes, size_t len)
{
    if (begins(bytes, len, "\xFF\xFE\0\0", 4) || begins(bytes, len, "\0\0\xFE\xFF", 4))
        return "UTF-32; send UTF-8";
    if (begins(bytes, len, "\xFF\xFE", 2) || begins(bytes, len, "\xFE\xFF", 2))
        return "UTF-16; send UTF-8";
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        if (begins(bytes, len, magics[i].magic, magics[i].len) &&
            (!magics[i].readable || binary_follows(bytes, len, magics[i].len)))
            return magics[i].what;
    }
    return wide_text(bytes, len);
}

/* The first byte from at on that is no white space of JSON. */
static size_t past_blanks(const char *bytes, size_t len, size_t at)
{
    while (at < len && bytes[at] && strchr(" \t\r\n", bytes[at]))
        at++;
    return at;
}

const char *sniff_text(const char *bytes, size_t len, bool json)
{
    static const char *const pages[] = { "<!doctype", "<html", "<head", "<body", "<table" };
    const size_t at = past_blanks(bytes, len, 0);
    const size_t next = past_blanks(bytes, len, at + 1);
    const char first = (char)(at < len ? bytes[at] : '\0');
    const char second = (char)(next < len ? bytes[next] : '\0');
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        const size_t wanted = strlen(pages[i]);
        if (len - at >= wanted && strncasecmp(bytes + at, pages[i], wanted) == 0)
            return "HTML";
    }
    if (len - at >= 5 && strncasecmp(bytes + at, "<?xml", 5) == 0)
        return "XML";
    if (first == '[' && (json || second == '{' || second == '['))
        return "a JSON array; send NDJSON, one object a line";
    if (first == '{' && !json && second == '"')
        return "JSON; name it .ndjson";
    return NULL;
}
