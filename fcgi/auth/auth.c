#include "auth/auth.h"

#include "auth/token.h"
#include "db/token_store.h"
#include "http/origin.h"
#include "stream/digest.h"

#include <assert.h>
#include <fnmatch.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

/* One "surface:right" of a list. */
struct grant {
    const char *surface;
    size_t surface_len;
    enum right right; /* RIGHT_NONE: the word is not one */
};

_Static_assert((int)PRINCIPAL_ID_MAX == (int)TOKEN_ID_MAX, "an id is copied whole");

static enum right right_named(const char *word, size_t len)
{
    static const struct {
        const char *word;
        enum right right;
    } words[] = {
        { "read", RIGHT_READ },
        { "write", RIGHT_WRITE },
        { "admin", RIGHT_ADMIN },
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i].word) == len && memcmp(words[i].word, word, len) == 0)
            return words[i].right;
    }
    return RIGHT_NONE;
}

/* Reads the grant at *at and moves behind it; false at the end of the list. */
static bool grant_next(const char **at, struct grant *out)
{
    if (**at == '\0')
        return false;
    const char *end = *at + strcspn(*at, ",");
    const char *colon = memchr(*at, ':', (size_t)(end - *at));
    const char *word = colon ? colon + 1 : end;
    out->surface = *at;
    out->surface_len = (size_t)((colon ? colon : end) - *at);
    out->right = right_named(word, (size_t)(end - word));
    *at = *end ? end + 1 : end;
    return true;
}

static bool surface_is(const struct grant *grant, const char *name)
{
    return strlen(name) == grant->surface_len &&
           memcmp(grant->surface, name, grant->surface_len) == 0;
}

/* Whether a list of words with commas between them has the grant's surface. */
static bool is_listed(const char *list, const struct grant *grant)
{
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += strspn(at, ", ");
        if (strcspn(at, ",") == grant->surface_len &&
            memcmp(at, grant->surface, grant->surface_len) == 0)
            return true;
    }
    return false;
}

enum fault auth_rights_check(const char *rights, struct problem *why)
{
#define SURFACE(name) ", " #name
    static const char names[] = "all"
#include "surfaces.def"
        ;
#undef SURFACE
    struct grant grant = { 0 };
    const char *at = rights;
    size_t count = 0;
    while (grant_next(&at, &grant)) {
        if (!is_listed(names, &grant) || grant.right == RIGHT_NONE) {
            return problem_set(
                why, FAULT_MALFORMED,
                "rights are a list of surface:right, surface one of %s and right one "
                "of read, write, admin",
                names);
        }
        count++;
    }
    if (count == 0)
        return problem_set(why, FAULT_MALFORMED, "rights are empty; for example all:write");
    return FAULT_NONE;
}

bool auth_scope_matches(const char *scope, const char *resource)
{
    char pattern[NAME_MAX_BYTES];
    for (const char *at = scope; *at;) {
        const char *end = strchrnul(at, ',');
        const size_t len = (size_t)(end - at);
        if (len < sizeof pattern) {
            memcpy(pattern, at, len);
            pattern[len] = '\0';
            if (fnmatch(pattern, resource, FNM_NOESCAPE) == 0)
                return true;
        }
        at = *end ? end + 1 : end;
    }
    return false;
}

static bool holds_right(const struct principal *who, const char *surface, enum right right)
{
    struct grant grant = { 0 };
    const char *at = who->rights;
    while (grant_next(&at, &grant)) {
        if ((surface_is(&grant, "all") || surface_is(&grant, surface)) && grant.right >= right)
            return true;
    }
    return false;
}

static enum fault enter_open(struct exchange *x, struct principal *who, struct problem *why)
{
    if (!origin_is_loopback(x->io.param(x->io.ctx, "SERVER_ADDR")))
        return problem_set(why, FAULT_FORBIDDEN,
                           "authentication is off, which is allowed on loopback addresses only");
    who->open = true;
    (void)snprintf(who->id, sizeof who->id, "anonymous");
    (void)snprintf(who->name, sizeof who->name, "anonymous");
    (void)snprintf(who->rights, sizeof who->rights, "all:admin");
    (void)snprintf(who->scope, sizeof who->scope, "*");
    return FAULT_NONE;
}

/* Compares in constant time, for unknown ids with nobody's hash, so that the time taken tells
 * neither a secret nor which ids exist. */
static bool secret_is(const struct token_text *token, const struct token_row *row, bool found)
{
    uint8_t hash[DIGEST_SHA256_BYTES];
    digest_sha256_of(token->secret, sizeof token->secret, hash);
    const bool same = CRYPTO_memcmp(hash, row->hash, sizeof hash) == 0;
    return found && same;
}

static enum fault enter_token(struct exchange *x, struct principal *who, struct problem *why)
{
    struct token_text token = { 0 };
    struct token_row row = { 0 };
    bool found = false;
    const char *header = exchange_header(x, "Authorization");
    if (!header || !header[0])
        return problem_set(why, FAULT_UNAUTHENTIC, "no credential was sent");
    if (!token_from_header(header, &token))
        return problem_set(why, FAULT_UNAUTHENTIC, "the credential is not a token of this server");
    enum fault f = token_store_get(x->db, token.id, &row, &found, why);
    if (f)
        return f;
    if (!secret_is(&token, &row, found))
        return problem_set(why, FAULT_UNAUTHENTIC, "the token is unknown or was revoked");
    if (row.expires_at != 0 && row.expires_at <= x->now)
        return problem_set(why, FAULT_UNAUTHENTIC, "the token has expired");
    memcpy(who->id, row.id, sizeof who->id);
    memcpy(who->name, row.name, sizeof who->name);
    memcpy(who->rights, row.rights, sizeof who->rights);
    memcpy(who->scope, row.scope, sizeof who->scope);
    return FAULT_NONE;
}

/* Sets x->caller, once a request. */
static enum fault authenticate(struct exchange *x, struct problem *why)
{
    if (x->caller)
        return FAULT_NONE;
    struct principal *who = arena_alloc(x->arena, sizeof *who);
    if (!who)
        return problem_internal(why, "no memory for the principal");
    enum fault f =
        x->config->auth == AUTH_OPEN ? enter_open(x, who, why) : enter_token(x, who, why);
    if (!f)
        x->caller = who;
    return f;
}

/* For the log: a copy, for the handler may forget the name. */
static enum fault name_resource(struct exchange *x, const char *resource, struct problem *why)
{
    if (!resource)
        return FAULT_NONE;
    x->resource = arena_strdup(x->arena, resource, strlen(resource));
    return x->resource ? FAULT_NONE : problem_internal(why, "no memory for a resource's name");
}

enum fault auth_require(struct exchange *x, enum right right, const char *resource,
                        struct problem *why)
{
    enum fault f = name_resource(x, resource, why);
    if (!f)
        f = authenticate(x, why);
    if (f)
        return f;
    const struct principal *who = x->caller;
    assert(who); /* authenticate() has set it */
    if (!holds_right(who, x->surface->name, right))
        return problem_set(why, FAULT_FORBIDDEN, "the token does not hold this right");
    if (resource && !auth_scope_matches(who->scope, resource))
        return problem_set(why, FAULT_FORBIDDEN, "the token's scope does not cover %s", resource);
    x->who = who;
    return FAULT_NONE;
}
