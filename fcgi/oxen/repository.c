#include "oxen/repository.h"

#include "auth/auth.h"
#include "oxen/agent.h"
#include "oxen/names.h"
#include "oxen/reply.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

#define STORAGE_KIND "local" /* the client fails without one */

enum fault oxen_repository_missing(struct exchange *x, struct problem *why)
{
    return problem_code(why, FAULT_MISSING, OXEN_DESCRIBED, "Repository '%s/%s' not found",
                        exchange_path(x, 0), exchange_path(x, 1));
}

/* Asks for the right of the route on a repository that may not exist yet. */
static enum fault require(struct exchange *x, const char *namespace, const char *name,
                          struct problem *why)
{
    const char *resource = arena_printf(x->arena, "%s/%s", namespace, name);
    if (!resource)
        return problem_internal(why, "no memory for a resource's name");
    return auth_require(x, x->route->right, resource, why);
}

enum fault oxen_repository_open(struct exchange *x, struct oxen_repository *out,
                                struct problem *why)
{
    const char *namespace = exchange_path(x, 0);
    const char *name = exchange_path(x, 1);
    bool found = false;
    enum fault f = oxen_names_path(namespace, name, why);
    if (!f)
        f = require(x, namespace, name, why);
    if (!f)
        f = oxen_store_repository_find(x->db, namespace, name, out, &found, why);
    if (!f && !found)
        f = oxen_repository_missing(x, why);
    return f;
}

void oxen_repository_uuid(const struct exchange *x, char out[OXEN_UUID_MAX])
{
    enum { UUID_BYTES = 16, VERSION_AT = 6, VARIANT_AT = 8, VERSION = 0x40, VARIANT = 0x80 };
    uint8_t id[UUID_BYTES];
    char hex[2 * UUID_BYTES + 1];
    memcpy(id, x->random, sizeof id);
    id[VERSION_AT] = (uint8_t)((id[VERSION_AT] & 0x0F) | VERSION);
    id[VARIANT_AT] = (uint8_t)((id[VARIANT_AT] & 0x3F) | VARIANT);
    text_hex(id, sizeof id, hex);
    (void)snprintf(out, OXEN_UUID_MAX, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
}

/* ---- POST /api/repos ---- */

/* Whether the media type is application/json, whatever its parameters. */
static bool is_json(const char *content_type)
{
    static const char json[] = "application/json";
    if (!content_type || strncasecmp(content_type, json, sizeof json - 1) != 0)
        return false;
    const char after = content_type[sizeof json - 1];
    return after == '\0' || after == ';' || after == ' ';
}

static enum fault read_names(struct exchange *x, const char **namespace, const char **name,
                             struct problem *why)
{
    json_object *body = NULL;
    json_object *files = NULL;
    struct problem of_json = PROBLEM_NONE;
    if (!is_json(exchange_header(x, "Content-Type")))
        return problem_set(why, FAULT_MALFORMED, "Unsupported Content-Type");
    const enum fault f = exchange_json(x, JSON_BODY_MAX, &body, &of_json);
    if (f == FAULT_MALFORMED)
        return problem_set(why, f, "Invalid JSON");
    if (f) {
        *why = of_json;
        return f;
    }
    *namespace = json_text_of(body, "namespace");
    *name = json_text_of(body, "name");
    if (!*namespace || !*name)
        return problem_set(why, FAULT_MALFORMED, "Invalid JSON");
    if (json_object_object_get_ex(body, "files", &files) && files)
        return problem_set(why, FAULT_MALFORMED,
                           "a repository is created empty; push its files afterwards");
    return FAULT_NONE;
}

/* A repository's members that every answer has, in the order of the recordings. */
static void add_names(struct text *out, const char *namespace, const char *name)
{
    oxen_reply_text(out, "namespace", namespace);
    oxen_reply_text(out, "name", name);
}

enum fault oxen_repository_create(struct exchange *x, struct problem *why)
{
    char uuid[OXEN_UUID_MAX];
    const char *namespace = NULL;
    const char *name = NULL;
    oxen_repository_uuid(x, uuid);
    enum fault f = auth_require(x, x->route->right, NULL, why);
    if (!f)
        f = read_names(x, &namespace, &name, why);
    if (!f)
        f = oxen_names_new(namespace, name, why);
    if (!f)
        f = require(x, namespace, name, why);
    if (!f)
        f = oxen_store_repository_add(x->db, namespace, name, uuid, x->now, why);
    if (f == FAULT_CONFLICT)
        why->code = OXEN_SAID;
    if (f)
        return f;

    struct text out;
    oxen_reply_begin(&out, "resource_found", OXEN_UNVERSIONED);
    oxen_reply_key(&out, "repository");
    text_addc(&out, '{');
    add_names(&out, namespace, name);
    oxen_reply_text(&out, "latest_commit", NULL);
    oxen_reply_text(&out, "min_version", OXEN_MIN_VERSION);
    oxen_reply_text(&out, "storage_kind", STORAGE_KIND);
    oxen_reply_text(&out, "repo_uuid", uuid);
    text_addc(&out, '}');
    return oxen_reply_end(x, &out, why);
}

/* ---- GET /api/repos/{namespace}/{repo_name} ---- */

enum fault oxen_repository_show(struct exchange *x, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    enum fault f = oxen_repository_open(x, &repository, why);
    if (f)
        return f;

    struct text out;
    oxen_reply_begin(&out, "resource_found", OXEN_UNVERSIONED);
    oxen_reply_key(&out, "repository");
    text_addc(&out, '{');
    add_names(&out, repository.namespace, repository.name);
    oxen_reply_text(&out, "min_version", OXEN_MIN_VERSION);
    oxen_reply_truth(&out, "is_empty", repository.branches == 0);
    oxen_reply_text(&out, "storage_kind", STORAGE_KIND);
    oxen_reply_text(&out, "repo_uuid", repository.uuid);
    /* what is uploaded counts as soon as a commit may name it */
    oxen_reply_number(&out, "size", repository.branches == 0 ? 0 : repository.bytes);
    oxen_reply_key(&out, "data_types");
    text_adds(&out, "[]");
    oxen_reply_number(&out, "branch_count", repository.branches);
    text_addc(&out, '}');
    return oxen_reply_end(x, &out, why);
}

/* ---- GET /api/repos/{namespace} ---- */

struct listing {
    struct exchange *x;
    struct text out;
};

/* Each repository that the caller may read by itself. */
static enum fault add_listed(void *ctx, const struct oxen_repository *repository,
                             struct problem *why)
{
    struct listing *listing = ctx;
    struct text *out = &listing->out;
    struct problem of_one = PROBLEM_NONE;
    const enum fault f = require(listing->x, repository->namespace, repository->name, &of_one);
    if (f == FAULT_FORBIDDEN)
        return FAULT_NONE;
    if (f) {
        *why = of_one;
        return f;
    }
    if (out->len > 0)
        text_addc(out, ',');
    text_addc(out, '{');
    add_names(out, repository->namespace, repository->name);
    oxen_reply_text(out, "min_version", OXEN_MIN_VERSION);
    text_addc(out, '}');
    return FAULT_NONE; /* the text remembers a failure */
}

/* A namespace without any is an empty list, as is one of which the caller may read none. */
enum fault oxen_repository_list(struct exchange *x, struct problem *why)
{
    struct listing listing = { .x = x };
    const char *namespace = exchange_path(x, 0);
    text_init(&listing.out, JSON_REPLY_MAX);
    enum fault f = oxen_names_path(namespace, "", why);
    if (!f)
        f = auth_require(x, x->route->right, NULL, why);
    if (!f)
        f = oxen_store_repository_each(x->db, namespace, add_listed, &listing, why);
    if (!f && text_failed(&listing.out))
        f = problem_internal(why, "no memory for a list of repositories");
    if (!f) {
        struct text out;
        oxen_reply_begin(&out, "resource_found", OXEN_VERSIONED);
        oxen_reply_key(&out, "repositories");
        text_addc(&out, '[');
        text_add(&out, text_string(&listing.out), listing.out.len);
        text_addc(&out, ']');
        f = oxen_reply_end(x, &out, why);
    }
    text_release(&listing.out);
    return f;
}
