#include "tabular/reading.h"

enum fault reading_refused(const char *kind, enum fault f, const char *hint, struct problem *why)
{
    const struct problem of_columns = *why;
    if (f != FAULT_UNPROCESSABLE)
        return f;
    *why = PROBLEM_NONE;
    return problem_set(why, f, "the part is not %s: %.512s%s", kind, of_columns.text, hint);
}

struct type reading_type(unsigned seen)
{
    const unsigned number = READING_INT | READING_FLOAT;
    const unsigned text = READING_TEXT | READING_OBJECT | READING_LIST;
    struct type type = { .kind = TYPE_NULL };
    if (seen & text || (seen & READING_BOOL && seen & number))
        type.kind = seen & READING_WIDE ? TYPE_NVARCHAR : TYPE_VARCHAR;
    else if (seen & READING_BOOL)
        type.kind = TYPE_BOOL;
    else if (seen & READING_FLOAT)
        type.kind = TYPE_FLOAT64;
    else if (seen & READING_INT)
        type.kind = TYPE_INT64;
    return type;
}

bool reading_is_mixed(unsigned seen)
{
    const int numbers = (seen & (READING_INT | READING_FLOAT)) != 0;
    const int truths = (seen & READING_BOOL) != 0;
    const int texts = (seen & READING_TEXT) != 0;
    const int objects = (seen & READING_OBJECT) != 0;
    const int lists = (seen & READING_LIST) != 0;
    return numbers + truths + texts + objects + lists > 1;
}
