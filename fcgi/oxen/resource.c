#include "oxen/resource.h"

#include "base/text.h"
#include "db/oxen_store_push.h"
#include "http/route.h"

#include <assert.h>
#include <string.h>

/* What the address holds in place of the pattern's last capture, as the client sent it. */
static const char *raw_rest(const struct exchange *x)
{
    const char *pattern = x->route->pattern;
    const char *raw = x->uri.path;
    for (; *pattern == '/' && *raw == '/'; raw += strcspn(raw, "/")) {
        pattern++;
        raw++;
        const size_t len = strcspn(pattern, "/");
        if (len > 3 && strncmp(pattern + len - 4, "...}", 4) == 0)
            return raw;
        pattern += len;
    }
    return "";
}

/* Decodes one segment, to which the raw one has room; what is no escape stands for itself. */
static size_t decode(const char *raw, size_t len, char *out)
{
    enum { ESCAPE = 3 };
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        uint8_t byte = 0;
        if (raw[i] == '%' && len - i >= ESCAPE && text_unhex(raw + i + 1, 2, &byte, 1) &&
            byte != 0) {
            out[n++] = (char)byte;
            i += ESCAPE;
        } else {
            out[n++] = raw[i++];
        }
    }
    return n;
}

static bool is_dots(const char *segment, size_t len, size_t dots)
{
    return len == dots && strncmp(segment, "..", dots) == 0;
}

/* Both forms of the rest, without empty and "." segments. */
static enum fault clean(struct exchange *x, const char *raw, char **text, char **undecoded,
                        struct problem *why)
{
    const size_t room = strlen(raw) + 1;
    char *out = arena_alloc(x->arena, room);
    char *kept = arena_alloc(x->arena, room);
    size_t n = 0;
    size_t k = 0;
    if (!out || !kept)
        return problem_set(why, FAULT_TOO_LARGE, "the request address is too long");
    for (const char *at = raw; *at;) {
        const size_t len = strcspn(at, "/");
        const size_t start = n + (n > 0);
        const size_t got = decode(at, len, out + start);
        if (is_dots(out + start, got, 2))
            return problem_set(why, FAULT_MALFORMED, "a path must not hold '..'");
        if (got > 0 && !is_dots(out + start, got, 1)) {
            if (n > 0) {
                out[n] = '/';
                kept[k++] = '/';
            }
            n = start + got;
            memcpy(kept + k, at, len);
            k += len;
        }
        at += len + (at[len] == '/');
    }
    out[n] = '\0';
    kept[k] = '\0';
    *text = out;
    *undecoded = kept;
    return text_is_utf8(out, n)
               ? FAULT_NONE
               : problem_set(why, FAULT_MALFORMED, "the request address is not UTF-8");
}

/* What stands behind so many segments. */
static const char *behind(const char *path, size_t segments)
{
    for (; segments > 0 && *path; segments--) {
        path += strcspn(path, "/");
        path += *path == '/';
    }
    return path;
}

static size_t count_segments(const char *path)
{
    size_t count = *path != '\0';
    for (; *path; path++)
        count += *path == '/';
    return count;
}

static enum fault set(struct exchange *x, struct oxen_resource *out, const char *undecoded,
                      size_t segments, bool branch, struct problem *why)
{
    out->path = behind(out->text, segments);
    out->raw = behind(undecoded, segments);
    size_t len = out->path[0] ? (size_t)(out->path - out->text) - 1 : strlen(out->text);
    out->version = arena_strdup(x->arena, out->text, len);
    out->branch = branch ? out->version : NULL;
    return out->version ? FAULT_NONE : problem_internal(why, "no memory for a revision");
}

/* The longest name of a branch that the text begins with, but the whole text last: what is named so
 * and what lies in a shorter one's root may be confused in no other way. */
static enum fault find_branch(struct exchange *x, int64_t repository, struct oxen_resource *out,
                              const char *undecoded, bool *found, struct problem *why)
{
    const size_t all = count_segments(out->text);
    enum fault f = FAULT_NONE;
    for (size_t i = 1; i <= all && !f && !*found; i++) {
        const size_t segments = i == all ? all : all - i;
        f = set(x, out, undecoded, segments, true, why);
        if (!f)
            f = oxen_store_push_branch_find(x->db, repository, out->version, out->commit.bytes,
                                            found, why);
    }
    return f;
}

enum fault oxen_resource_read(struct exchange *x, const struct oxen_repository *repository,
                              struct oxen_resource *out, bool *found, struct problem *why)
{
    char *text = NULL;
    char *undecoded = NULL;
    *out = (struct oxen_resource){ .text = "" };
    *found = false;
    enum fault f = clean(x, raw_rest(x), &text, &undecoded, why);
    if (f)
        return f;
    assert(text && undecoded); /* clean() has set them */
    out->text = text;
    f = set(x, out, undecoded, 1, false, why);
    if (!f) {
        struct problem of_hash = PROBLEM_NONE;
        if (!oxen_hash_parse(out->version, &out->commit, &of_hash))
            f = oxen_store_push_commit_exists(x->db, repository->id, out->commit.bytes, found, why);
    }
    if (!f && !*found)
        f = find_branch(x, repository->id, out, undecoded, found, why);
    return f;
}

enum fault oxen_resource_revision(struct exchange *x, int64_t repository, const char *text,
                                  struct oxen_hash *out, bool *found, struct problem *why)
{
    struct problem of_hash = PROBLEM_NONE;
    enum fault f = FAULT_NONE;
    *found = false;
    if (!oxen_hash_parse(text, out, &of_hash))
        f = oxen_store_push_commit_exists(x->db, repository, out->bytes, found, why);
    if (!f && !*found)
        f = oxen_store_push_branch_find(x->db, repository, text, out->bytes, found, why);
    return f;
}

enum fault oxen_resource_missing(const char *code, const char *text, struct problem *why)
{
    return problem_code(why, FAULT_MISSING, code, "Could not find path: %s", text);
}

char *oxen_resource_tidy(struct exchange *x, const char *path, size_t len)
{
    char *out = arena_alloc(x->arena, len + 1);
    size_t n = 0;
    for (size_t at = 0; out && at < len;) {
        const size_t segment = strcspn(path + at, "/,");
        const size_t cut = segment < len - at ? segment : len - at;
        if (cut > 0 && !(cut == 1 && path[at] == '.')) {
            if (n > 0)
                out[n++] = '/';
            memcpy(out + n, path + at, cut);
            n += cut;
        }
        at += cut + 1;
    }
    return out;
}
