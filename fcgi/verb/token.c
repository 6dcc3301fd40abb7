/*
 * token.c - sluice token create | list | revoke.
 */
#include "auth/token.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"
#include "db/db.h"
#include "db/token_store.h"
#include "stream/digest.h"
#include "verb/verb.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const int64_t day_ms = INT64_C(24) * 60 * 60 * 1000;

/* The options of `token create`. */
struct wish {
    const char *name;
    const char *rights;
    const char *scope;
    int64_t days; /* 0: for ever */
};

static enum fault wish_days(const char *text, int64_t *days, struct problem *why)
{
    enum { DAYS_MAX = 36500 };
    if (!number_i64(text, strlen(text), days) || *days < 1 || *days > DAYS_MAX)
        return problem_set(why, FAULT_MALFORMED, "--days must be a number from 1 to %d", DAYS_MAX);
    return FAULT_NONE;
}

static enum fault wish_misused(struct problem *why)
{
    return problem_set(why, FAULT_MALFORMED,
                       "token create takes --name N --rights LIST [--scope PATTERN] [--days D]");
}

static enum fault wish_read(int argc, char **argv, struct wish *wish, struct problem *why)
{
    static const struct option options[] = { { "name", required_argument, NULL, 'n' },
                                             { "rights", required_argument, NULL, 'r' },
                                             { "scope", required_argument, NULL, 's' },
                                             { "days", required_argument, NULL, 'd' },
                                             { NULL, 0, NULL, 0 } };
    enum fault f = FAULT_NONE;
    opterr = 0;
    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1 && !f;
         c = getopt_long(argc, argv, "", options, NULL)) {
        if (c == 'n')
            wish->name = optarg;
        else if (c == 'r')
            wish->rights = optarg;
        else if (c == 's')
            wish->scope = optarg;
        else if (c == 'd')
            f = wish_days(optarg, &wish->days, why);
        else
            f = wish_misused(why);
    }
    return f || optind == argc ? f : wish_misused(why);
}

static bool is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "._-@";
    const size_t len = strlen(name);
    return len > 0 && len < NAME_MAX_BYTES && strspn(name, allowed) == len;
}

static enum fault wish_check(const struct wish *wish, struct problem *why)
{
    if (!wish->name || !is_name(wish->name))
        return problem_set(why, FAULT_MALFORMED,
                           "--name is required: letters, digits, '.', '_', '-', '@'");
    if (!wish->rights)
        return problem_set(why, FAULT_MALFORMED, "--rights is required, for example all:write");
    if (strlen(wish->rights) >= NAME_MAX_BYTES || strlen(wish->scope) >= NAME_MAX_BYTES)
        return problem_set(why, FAULT_MALFORMED, "--rights and --scope take at most %d bytes",
                           NAME_MAX_BYTES - 1);
    if (!wish->scope[0] || !text_is_utf8(wish->scope, strlen(wish->scope)))
        return problem_set(why, FAULT_MALFORMED, "--scope must be a pattern such as 'sales*'");
    return auth_rights_check(wish->rights, why);
}

/* A new secret, printed once; only its hash goes into the row. */
static void make_token(const struct wish *wish, int64_t now, struct token_row *row,
                       char text[TOKEN_TEXT_MAX])
{
    struct token_text token = { 0 };
    uint8_t id[TOKEN_ID_DIGITS / 2];
    clock_random(id, sizeof id);
    clock_random(token.secret, sizeof token.secret);
    text_hex(id, sizeof id, token.id);
    token_print(&token, text);
    (void)snprintf(row->id, sizeof row->id, "%s", token.id);
    (void)snprintf(row->name, sizeof row->name, "%s", wish->name);
    (void)snprintf(row->rights, sizeof row->rights, "%s", wish->rights);
    (void)snprintf(row->scope, sizeof row->scope, "%s", wish->scope);
    digest_sha256_of(token.secret, sizeof token.secret, row->hash);
    row->created_at = now;
    row->expires_at = wish->days > 0 ? now + wish->days * day_ms : 0;
}

static enum fault token_create(const struct config *config, int64_t now, int argc, char **argv,
                               struct problem *why)
{
    struct wish wish = { .scope = "*" };
    struct token_row row = { 0 };
    char text[TOKEN_TEXT_MAX];
    struct db *db = NULL;
    enum fault f = wish_read(argc, argv, &wish, why);
    if (!f)
        f = wish_check(&wish, why);
    if (!f)
        f = verb_open_db(config, false, &db, why);
    if (!f) {
        make_token(&wish, now, &row, text);
        f = token_store_add(db, &row, why);
    }
    db_close(db);
    if (!f) {
        (void)fprintf(stderr, "token %s (%s on %s); this is the only time it is shown:\n",
                      wish.name, wish.rights, wish.scope);
        if (strcmp(wish.scope, "*") != 0 && !strchr(wish.scope, '/')) {
            (void)fprintf(stderr,
                          "a pattern covers whole names: 'sales*' covers sales and sales_eu, "
                          "'sales.*' neither; sluice routes lists what needs which right\n");
        }
        (void)puts(text);
    }
    return f;
}

static enum fault print_token(void *ctx, const struct token_row *row, struct problem *why)
{
    char created[CLOCK_ISO_MAX];
    char expires[CLOCK_ISO_MAX] = "never";
    (void)ctx;
    (void)why;
    clock_iso(row->created_at, created);
    if (row->expires_at != 0)
        clock_iso(row->expires_at, expires);
    (void)printf("%-24s %-28s %-20s %-21s %s\n", row->name, row->rights, row->scope, created,
                 expires);
    return FAULT_NONE;
}

static enum fault token_list(const struct config *config, struct problem *why)
{
    struct db *db = NULL;
    enum fault f = verb_open_db(config, true, &db, why);
    if (!f) {
        (void)printf("%-24s %-28s %-20s %-21s %s\n", "name", "rights", "scope", "created",
                     "expires");
        f = token_store_list(db, print_token, NULL, why);
    }
    db_close(db);
    return f;
}

static enum fault token_revoke(const struct config *config, const char *name, struct problem *why)
{
    struct db *db = NULL;
    enum fault f = verb_open_db(config, false, &db, why);
    if (!f)
        f = token_store_revoke(db, name, why);
    db_close(db);
    return f;
}

int verb_token(const struct config *config, int64_t now, int argc, char **argv)
{
    struct problem why = PROBLEM_NONE;
    enum fault f = FAULT_NONE;
    if (argc >= 2 && strcmp(argv[1], "create") == 0)
        f = token_create(config, now, argc - 1, argv + 1, &why);
    else if (argc == 2 && strcmp(argv[1], "list") == 0)
        f = token_list(config, &why);
    else if (argc == 3 && strcmp(argv[1], "revoke") == 0)
        f = token_revoke(config, argv[2], &why);
    else
        return verb_misused("token create OPTION... | list | revoke NAME");
    return f ? verb_failed(&why) : EXIT_DONE;
}
