#include "opteryx/utf8.h"

#include <string.h>

enum {
    ASCII_END = 0x80,
    TAIL_LEAST = 0x80,
    TAIL_MOST = 0xBF,
    TWO_LEAST = 0xC2, /* C0 and C1 would be overlong */
    THREE_LEAST = 0xE0,
    SURROGATES = 0xED,
    FOUR_LEAST = 0xF0,
    FOUR_MOST = 0xF4, /* U+10FFFF */
    THREE_FIRST = 0xA0,
    SURROGATES_END = 0x9F,
    FOUR_FIRST = 0x90,
    FOUR_END = 0x8F,
};

#define HIGH_BITS 0x8080808080808080U /* of eight bytes */

bool utf8_is_wide(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t word = 0;
    uint64_t seen = 0;
    for (; len >= sizeof word; len -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        seen |= word;
    }
    unsigned char rest = 0;
    for (; len > 0; len--)
        rest |= *at++;
    return (seen & HIGH_BITS) != 0 || rest >= ASCII_END;
}

/* The first byte of a longer sequence; RFC 3629 section 4 bounds the second by it. */
static bool begin(struct utf8 *utf8, unsigned char lead)
{
    utf8->least = TAIL_LEAST;
    utf8->most = TAIL_MOST;
    if (lead < TWO_LEAST || lead > FOUR_MOST)
        return false;
    if (lead < THREE_LEAST) {
        utf8->want = 1;
    } else if (lead < FOUR_LEAST) {
        utf8->want = 2;
        if (lead == THREE_LEAST)
            utf8->least = THREE_FIRST;
        else if (lead == SURROGATES)
            utf8->most = SURROGATES_END;
    } else {
        utf8->want = 3;
        if (lead == FOUR_LEAST)
            utf8->least = FOUR_FIRST;
        else if (lead == FOUR_MOST)
            utf8->most = FOUR_END;
    }
    return true;
}

/* The next byte of a piece that is not ASCII alone. */
static bool next(struct utf8 *utf8, unsigned char byte, uint64_t offset)
{
    if (utf8->want) {
        if (byte < utf8->least || byte > utf8->most) {
            utf8->bad_at = utf8->open_at;
            return false;
        }
        utf8->want--;
        utf8->least = TAIL_LEAST;
        utf8->most = TAIL_MOST;
    } else if (byte >= ASCII_END) {
        utf8->open_at = offset;
        utf8->bad_at = offset;
        return begin(utf8, byte);
    }
    return true;
}

bool utf8_feed(struct utf8 *utf8, const void *bytes, size_t len, bool *ascii)
{
    const unsigned char *at = bytes;
    *ascii = !utf8->want && !utf8_is_wide(bytes, len);
    if (!*ascii) {
        for (size_t i = 0; i < len; i++) {
            uint64_t word = HIGH_BITS;
            if (!utf8->want && len - i >= sizeof word)
                memcpy(&word, at + i, sizeof word);
            if ((word & HIGH_BITS) == 0)
                i += sizeof word - 1;
            else if (!next(utf8, at[i], utf8->offset + i))
                return false;
        }
    }
    utf8->offset += len;
    return true;
}

bool utf8_end(struct utf8 *utf8)
{
    utf8->bad_at = utf8->open_at;
    return utf8->want == 0;
}
