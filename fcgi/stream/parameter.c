#include "stream/parameter.h"

#include <string.h>

#define TOKEN_CHARS "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define BLANKS " \t"

/* What no unquoted word holds: controls, blanks, ';' and the quote. */
#define WORD_ENDS                                                                                  \
    "\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18"   \
    "\x19\x1a\x1b\x1c\x1d\x1e\x1f ;\"\x7f"

size_t parameter_token(const char *text)
{
    return strspn(text, TOKEN_CHARS);
}

/* Ends the word that ends at text.  NULL when something else follows before the next ';', else
 * what comes behind that, or the end. */
static char *end_word(char *text)
{
    char *next = text + strspn(text, BLANKS);
    if (*next && *next != ';')
        return NULL;
    const bool more = *next == ';';
    *text = '\0';
    return more ? next + 1 : next;
}

bool parameter_begin(char *text, char **word, char **at)
{
    char *first = text + strspn(text, BLANKS);
    const size_t len = strcspn(first, WORD_ENDS);
    char *next = len > 0 ? end_word(first + len) : NULL;
    if (!next)
        return false;
    *word = first;
    *at = next;
    return true;
}

/* Unescapes the text behind an opening quote where it stands.  What follows the closing quote, or
 * NULL when there is none. */
static char *end_quoted(char *text)
{
    char *to = text;
    while (*text && *text != '"') {
        if (text[0] == '\\' && (text[1] == '"' || text[1] == '\\'))
            text++;
        *to++ = *text++;
    }
    if (!*text)
        return NULL;
    char *next = end_word(text + 1);
    *to = '\0';
    return next;
}

enum parameter parameter_next(char **at, char **name, char **value)
{
    char *text = *at + strspn(*at, BLANKS ";");
    if (!*text) {
        *at = text;
        return PARAMETER_NONE;
    }
    const size_t name_len = parameter_token(text);
    if (name_len == 0 || text[name_len] != '=')
        return PARAMETER_BROKEN;
    char *start = text + name_len + 1;
    const bool quoted = *start == '"';
    char *next = quoted ? end_quoted(start + 1) : end_word(start + strcspn(start, WORD_ENDS));
    if (!next)
        return PARAMETER_BROKEN;
    text[name_len] = '\0';
    *name = text;
    *value = quoted ? start + 1 : start;
    *at = next;
    return PARAMETER_FOUND;
}
