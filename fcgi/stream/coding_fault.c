/* The faults that every coding knows. */
#include "stream/coding.h"
#include "stream/coding_internal.h"

enum fault coding_bad_header(const char *name, struct problem *why)
{
    return problem_code(why, FAULT_UNPROCESSABLE, CODING_BAD_HEADER, "invalid %s header", name);
}

enum fault coding_bad_checksum(const char *name, struct problem *why)
{
    return problem_code(why, FAULT_UNPROCESSABLE, CODING_CHECKSUM,
                        "corrupt %s stream does not have a matching checksum", name);
}

enum fault coding_corrupt(const char *name, struct problem *why)
{
    return problem_code(why, FAULT_UNPROCESSABLE, CODING_CORRUPT, "corrupt %s stream", name);
}

enum fault coding_trailing(const char *name, struct problem *why)
{
    return problem_code(why, FAULT_UNPROCESSABLE, CODING_TRAILING,
                        "bytes after the end of the %s stream", name);
}

enum fault coding_dictionary(const char *name, struct problem *why)
{
    return problem_code(why, FAULT_UNPROCESSABLE, CODING_DICTIONARY,
                        "the %s stream needs a dictionary, and none is known here", name);
}

enum fault coding_window(const char *name, int mib, struct problem *why)
{
    return problem_code(why, FAULT_UNPROCESSABLE, CODING_WINDOW,
                        "the window of the %s stream is larger than the %d MiB that are served",
                        name, mib);
}
