#include "tabular/csv_header.h"

#include "tabular/reading.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HINT_MAX = 64 };

/* What separates values where no comma does. */
static const char other_separators[CSV_HEADER_OTHERS + 1] = ";\t|";

void csv_header_init(struct csv_header *header)
{
    *header = (struct csv_header){ .separator = ',' };
}

void csv_header_note(struct csv_header *header, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char *found = bytes[i] ? strchr(other_separators, bytes[i]) : NULL;
        if (found)
            header->others[found - other_separators]++;
    }
}

/* The separator that the header rather seems to have than commas; '\0': none. */
static char separator_guess(const struct csv_header *header, const struct columns *columns)
{
    size_t most = 0;
    for (size_t i = 1; i < CSV_HEADER_OTHERS; i++)
        most = header->others[i] > header->others[most] ? i : most;
    const bool likely = header->separator == ',' && header->others[most] > 0 &&
                        header->others[most] >= columns->count;
    return (char)(likely ? other_separators[most] : '\0');
}

/* As people read it. */
static const char *separator_word(char separator, char out[sizeof "'x'"])
{
    (void)snprintf(out, sizeof "'x'", "'%c'", separator);
    return separator == '\t' ? "a tab" : out;
}

enum fault csv_header_column(const struct csv_header *header, struct columns *columns,
                             const char *bytes, size_t len, struct problem *why)
{
    const struct type unknown = { .kind = TYPE_NULL };
    char word[sizeof "'x'"];
    char hint[HINT_MAX] = "";
    const enum fault f = columns_add(columns, bytes, len, &unknown, true, why);
    const char guess = separator_guess(header, columns);
    if (f && guess)
        (void)snprintf(hint, sizeof hint, "; the header seems to be separated by %s",
                       separator_word(guess, word));
    return f ? reading_refused("CSV", f, hint, why) : FAULT_NONE;
}

/* Whether the first line is "sep=;": then it names the separator and no columns. */
static bool separator_line(struct csv_header *header, struct columns *columns,
                           struct issues *issues)
{
    static const char word[] = "sep=";
    const size_t len = sizeof word - 1;
    char shown[sizeof "'x'"];
    const size_t count = columns->count;
    const char *first = columns->list[0].name;
    if (header->separator_named || strncasecmp(first, word, len) != 0)
        return false;
    const bool comma = count == 2 && first[len] == '\0' && columns->list[1].name[0] == '\0';
    const bool other = count == 1 && first[len] && first[len + 1] == '\0' &&
                       ispunct((unsigned char)first[len]) && first[len] != '"';
    const bool tab = count == 1 && strcmp(first + len, "\t") == 0;
    if (!comma && !other && !tab)
        return false;
    header->separator = (char)(comma ? ',' : first[len]);
    header->separator_named = true;
    columns_init(columns, columns->arena);
    memset(header->others, 0, sizeof header->others);
    issues_add(issues, NULL, "the first line is no header: it says that values are separated by %s",
               separator_word(header->separator, shown));
    return true;
}

/* What is odd about the header without being wrong. */
static void header_told(const struct csv_header *header, const struct columns *columns,
                        struct issues *issues)
{
    char word[sizeof "'x'"];
    const char guess = separator_guess(header, columns);
    if (guess) {
        issues_add(
            issues, NULL,
            "the header seems to be separated by %s: only commas separate values, unless the "
            "first line is sep= and the separator",
            separator_word(guess, word));
    }
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *column = &columns->list[i];
        if (column->name[0] == '\0')
            issues_add(issues, NULL, "column %zu has no name", i + 1);
        else if (columns_find(columns, column->name) != column)
            issues_add(issues, column->name, "more than one column has the name '%.256s'",
                       column->name);
    }
}

bool csv_header_end(struct csv_header *header, struct columns *columns, struct issues *issues)
{
    if (separator_line(header, columns, issues))
        return false;
    header_told(header, columns, issues);
    return true;
}
