/*
 * token.h - the text of a credential: "slc_<id>_<secret>", and how a request carries it.
 *
 * id: 16 hexadecimal digits, public, the key of the stored row.  secret: 64 digits, 256 random
 * bits, of which only the SHA-256 is stored.
 */
#ifndef AUTH_TOKEN_H
#define AUTH_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TOKEN_ID_DIGITS = 16,
    TOKEN_SECRET_BYTES = 32,
    TOKEN_TEXT_MAX = 4 + TOKEN_ID_DIGITS + 1 + 2 * TOKEN_SECRET_BYTES + 1, /* with the NUL */
};

struct token_text {
    char id[TOKEN_ID_DIGITS + 1];
    uint8_t secret[TOKEN_SECRET_BYTES];
};

/* Reads a token's text of len bytes; false for anything of another form. */
bool token_parse(const char *text, size_t len, struct token_text *out);

/* Reads an Authorization header (RFC 9110 section 11.4): "Bearer <token>" (RFC 6750) or "Basic
 * <base64 of anything:token>" (RFC 7617; the token is the password).  Scheme names in any case. */
bool token_from_header(const char *header, struct token_text *out);

/* Writes the text of a new token made of random bytes (TOKEN_ID_DIGITS / 2 for the id, then the
 * secret). */
void token_print(const struct token_text *token, char out[TOKEN_TEXT_MAX]);

#endif
