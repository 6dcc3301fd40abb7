/* Folders of the store, read as streams. */
#include "blob/sweep_internal.h"

#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

DIR *blob_list_open(int folder)
{
    const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    if (!list && fd >= 0)
        (void)close(fd);
    return list;
}

const char *blob_list_next(DIR *list, size_t digits, uint64_t *number)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(list);
        if (!entry)
            return NULL;
        const size_t len = strlen(entry->d_name);
        if (len == digits && strspn(entry->d_name, "0123456789abcdef") == len &&
            number_hex64(entry->d_name, len, number))
            return entry->d_name;
    }
}
