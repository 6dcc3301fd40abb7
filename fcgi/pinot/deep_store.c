#include "pinot/deep_store.h"

#include "auth/auth.h"
#include "base/limits.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ESCAPE_LEN = 3 }; /* "%41" */

static const char scheme[] = "file:";

bool deep_store_is_file(const char *uri)
{
    return strncmp(uri, scheme, sizeof scheme - 1) == 0;
}

/* The byte of "%41" at at: two digits, and not a NUL. */
static bool escaped_byte(const char *at, uint64_t *byte)
{
    return strnlen(at, ESCAPE_LEN) == ESCAPE_LEN && number_hex64(at + 1, ESCAPE_LEN - 1, byte) &&
           *byte != 0;
}

/* The decoded path of a file: URI; false when there is none. */
static bool path_of(const char *uri, char out[PINOT_URI_MAX])
{
    static const char here[] = "//localhost/";
    if (!deep_store_is_file(uri))
        return false;
    const char *at = uri + sizeof scheme - 1;
    if (strncmp(at, here, sizeof here - 1) == 0)
        at += sizeof here - 2;
    else if (strncmp(at, "///", 3) == 0)
        at += 2;
    if (at[0] != '/' || at[1] == '/')
        return false;
    size_t len = 0;
    while (*at && *at != '?' && *at != '#') {
        uint64_t byte = (unsigned char)*at;
        const bool escaped = *at == '%';
        if (len == PINOT_URI_MAX - 1 || (escaped && !escaped_byte(at, &byte)))
            return false;
        at += escaped ? ESCAPE_LEN : 1;
        out[len] = (char)byte;
        len++;
    }
    out[len] = '\0';
    return true;
}

/* No "." or ".." and no empty segment. */
static bool is_straight(const char *path)
{
    for (const char *at = path; at; at = strchr(at, '/')) {
        if (*at == '/')
            at++;
        const size_t len = strcspn(at, "/");
        if (len == 0 || (len <= 2 && strspn(at, ".") >= len))
            return false;
    }
    return true;
}

static bool is_below(const char *path, const char *root, size_t root_len)
{
    while (root_len > 1 && root[root_len - 1] == '/')
        root_len--;
    return root_len > 0 && strncmp(path, root, root_len) == 0 && path[root_len] == '/';
}

/* Whether the open file's own path is below what root is after all links. */
static bool is_really_below(int fd, const char *root)
{
    char link[sizeof "/proc/self/fd/" + 3 * sizeof fd];
    char path[PATH_MAX];
    char *real = realpath(root, NULL);
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t len = readlink(link, path, sizeof path - 1);
    if (len > 0)
        path[len] = '\0';
    const bool below = real && len > 0 && is_below(path, real, strlen(real));
    free(real);
    return below;
}

/* Opens path when it is a regular file below the root; -1 otherwise.  O_NONBLOCK: a fifo must not
 * hold the worker. */
static int open_below(const char *path, const char *root, int64_t *bytes)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !is_really_below(fd, root)) {
        (void)close(fd);
        return -1;
    }
    *bytes = st.st_size;
    return fd;
}

/* The folder of the entry at at, of len bytes, when it is for the asker; NULL otherwise. */
static const char *folder_for(const struct deep_store *store, const char *at, size_t len,
                              size_t *folder_len)
{
    char tables[NAME_MAX_BYTES];
    const char *equals = *at != '/' ? memchr(at, '=', len) : NULL;
    const size_t pattern = equals ? (size_t)(equals - at) : 0;
    *folder_len = len;
    if (!equals)
        return store->every_table ? at : NULL;
    if (pattern >= sizeof tables)
        return NULL; /* config_load() has refused it */
    memcpy(tables, at, pattern);
    tables[pattern] = '\0';
    *folder_len = len - pattern - 1;
    return auth_scope_matches(tables, store->table) ? equals + 1 : NULL;
}

/* Finds the folder that path is below.  *below is false when there is none. */
static int open_any(const struct deep_store *store, const char *path, int64_t *bytes, bool *below)
{
    char root[PATH_MAX];
    *below = false;
    for (const char *at = store->roots; *at; at += *at == ':') {
        const size_t len = strcspn(at, ":");
        size_t folder_len = 0;
        const char *folder = folder_for(store, at, len, &folder_len);
        if (folder && folder_len < sizeof root && is_straight(path) &&
            is_below(path, folder, folder_len)) {
            *below = true;
            memcpy(root, folder, folder_len);
            root[folder_len] = '\0';
            return open_below(path, root, bytes);
        }
        at += len;
    }
    return -1;
}

int64_t deep_store_bytes(const struct deep_store *store, const char *uri)
{
    char path[PINOT_URI_MAX];
    int64_t bytes = -1;
    bool below = false;
    if (store->roots[0] == '\0' || !path_of(uri, path))
        return -1;
    const int fd = open_any(store, path, &bytes, &below);
    if (fd < 0)
        return -1;
    (void)close(fd);
    return bytes;
}

enum fault deep_store_open(const struct deep_store *store, const char *uri, int *fd, int64_t *bytes,
                           struct problem *why)
{
    char path[PINOT_URI_MAX];
    bool below = false;
    if (path_of(uri, path))
        *fd = open_any(store, path, bytes, &below);
    if (!below) {
        return problem_set(why, FAULT_FORBIDDEN,
                           "only file: URIs below the folders of SLUICE_DEEP_STORE_ROOTS that are "
                           "for this table are read: %.512s is not",
                           uri);
    }
    if (*fd >= 0)
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED, "Source '%.512s' does not exist or is no file", uri);
}
