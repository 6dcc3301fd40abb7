#include "tabular/reading.h"

struct type reading_type(unsigned seen)
{
    const unsigned number = READING_INT | READING_FLOAT;
    struct type type = { .kind = TYPE_NULL };
    if (seen & READING_TEXT || (seen & READING_BOOL && seen & number))
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
    return numbers + truths + texts > 1;
}
