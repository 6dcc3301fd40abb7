#include "tabular/utf8.h"

#include "tabular/bytes8.h"

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

bool utf8_is_wide(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t seen = 0;
    for (; len >= BYTES8; len -= BYTES8, at += BYTES8)
        seen |= bytes8_load(at);
    unsigned char rest = 0;
    for (; len > 0; len--)
        rest |= *at++;
    return (seen & BYTES8_HIGHS) != 0 || rest >= ASCII_END;
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

static bool is_tail(unsigned char byte)
{
    return byte >= TAIL_LEAST && byte <= TAIL_MOST;
}

/* The length of the well-formed sequence of two or three bytes at the start of three; 0: none. */
static size_t short_sequence(const unsigned char *at)
{
    if (*at < TWO_LEAST || *at >= FOUR_LEAST || !is_tail(at[1]))
        return 0;
    if (*at < THREE_LEAST)
        return 2;
    const bool overlong = *at == THREE_LEAST && at[1] < THREE_FIRST;
    const bool surrogate = *at == SURROGATES && at[1] > SURROGATES_END;
    return is_tail(at[2]) && !overlong && !surrogate ? 3 : 0;
}

/* Passes over what is well-formed and common, in a piece between two sequences; the bytes left are
 * for next() to judge. */
static const unsigned char *common_run(const unsigned char *at, const unsigned char *end)
{
    while (end - at >= BYTES8) {
        const uint64_t high = bytes8_load(at) & BYTES8_HIGHS;
        at += high ? bytes8_first(high) : BYTES8;
        const size_t taken = high && end - at >= BYTES8 ? short_sequence(at) : 0;
        if (high && !taken)
            break;
        at += taken;
    }
    return at;
}

bool utf8_feed(struct utf8 *utf8, const void *bytes, size_t len, bool *ascii)
{
    const unsigned char *const from = bytes;
    const unsigned char *const end = from + len;
    *ascii = !utf8->want && !utf8_is_wide(bytes, len);
    for (const unsigned char *at = *ascii ? end : from; at < end;) {
        if (!utf8->want)
            at = common_run(at, end);
        if (at < end && !next(utf8, *at, utf8->offset + (uint64_t)(at - from)))
            return false;
        at += at < end;
    }
    utf8->offset += len;
    return true;
}

bool utf8_end(struct utf8 *utf8)
{
    utf8->bad_at = utf8->open_at;
    return utf8->want == 0;
}
