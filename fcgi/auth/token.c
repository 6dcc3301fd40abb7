#include "auth/token.h"

#include "base/text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char token_prefix[] = "slc_";

enum {
    PREFIX_LEN = sizeof token_prefix - 1,
    TOKEN_LEN = TOKEN_TEXT_MAX - 1,
    BASIC_MAX = 1024, /* bytes of a Basic credential in base64; ours need about 150 */
};

bool token_parse(const char *text, size_t len, struct token_text *out)
{
    uint8_t id[TOKEN_ID_DIGITS / 2];
    if (len != TOKEN_LEN || memcmp(text, token_prefix, PREFIX_LEN) != 0 ||
        text[PREFIX_LEN + TOKEN_ID_DIGITS] != '_')
        return false;
    const char *secret = text + PREFIX_LEN + TOKEN_ID_DIGITS + 1;
    if (!text_unhex(text + PREFIX_LEN, TOKEN_ID_DIGITS, id, sizeof id) ||
        !text_unhex(secret, (size_t)2 * TOKEN_SECRET_BYTES, out->secret, TOKEN_SECRET_BYTES))
        return false;
    text_hex(id, sizeof id, out->id);
    return true;
}

/* The token is the password: what stands behind the first ':' (RFC 7617 section 2). */
/* RFC 7617, and also without the padding at its end: Pinot's clients take every '=' away. */
static bool parse_basic(const char *given, struct token_text *out)
{
    enum { GROUP = 4 }; /* digits of three bytes */
    unsigned char plain[BASIC_MAX];
    unsigned char encoded[BASIC_MAX];
    size_t len = strlen(given);
    if (len == 0 || len > BASIC_MAX - GROUP || len % GROUP == 1)
        return false;
    memcpy(encoded, given, len); /* NOLINT(bugprone-not-null-terminated-result): it has a length */
    for (; len % GROUP != 0; len++)
        encoded[len] = '=';
    int plain_len = EVP_DecodeBlock(plain, encoded, (int)len);
    if (plain_len < 0)
        return false;
    /* EVP_DecodeBlock counts the padding as bytes */
    for (size_t i = len; i > 0 && encoded[i - 1] == '=' && plain_len > 0; i--)
        plain_len--;
    const unsigned char *colon = memchr(plain, ':', (size_t)plain_len);
    if (!colon)
        return false;
    const char *password = (const char *)colon + 1;
    return token_parse(password, (size_t)plain_len - (size_t)(colon + 1 - plain), out);
}

/* What stands behind the scheme when header names it; NULL otherwise. */
static const char *behind_scheme(const char *header, const char *scheme)
{
    const size_t len = strlen(scheme);
    if (strncasecmp(header, scheme, len) != 0 || header[len] != ' ')
        return NULL;
    return header + len + strspn(header + len, " ");
}

bool token_from_header(const char *header, struct token_text *out)
{
    const char *credential = behind_scheme(header, "Bearer");
    if (credential)
        return token_parse(credential, strlen(credential), out);
    credential = behind_scheme(header, "Basic");
    return credential && parse_basic(credential, out);
}

void token_print(const struct token_text *token, char out[TOKEN_TEXT_MAX])
{
    char secret[2 * TOKEN_SECRET_BYTES + 1];
    text_hex(token->secret, TOKEN_SECRET_BYTES, secret);
    (void)snprintf(out, TOKEN_TEXT_MAX, "%s%s_%s", token_prefix, token->id, secret);
}
