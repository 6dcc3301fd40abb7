#include "tabular/issues.h"

#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void issues_init(struct issues *issues, struct arena *arena)
{
    *issues = (struct issues){ .arena = arena };
}

void issues_add(struct issues *issues, const char *column, const char *format, ...)
{
    char text[PROBLEM_TEXT_MAX];
    va_list values;
    if (issues->count == OPTERYX_ISSUES_MAX)
        return;
    va_start(values, format);
    (void)vsnprintf(text, sizeof text, format, values);
    va_end(values);
    struct issue *issue = &issues->list[issues->count];
    issue->text = arena_strdup(issues->arena, text, strlen(text));
    issue->column = column ? arena_strdup(issues->arena, column, strlen(column)) : NULL;
    if (issue->text && (!column || issue->column))
        issues->count++;
}

void issues_write(const struct issues *issues, struct text *out)
{
    text_addc(out, '[');
    for (size_t i = 0; i < issues->count; i++) {
        const struct issue *issue = &issues->list[i];
        text_adds(out, i ? ",{\"issue\":" : "{\"issue\":");
        json_quote(out, issue->text, strlen(issue->text));
        text_adds(out, ",\"column\":");
        if (issue->column)
            json_quote(out, issue->column, strlen(issue->column));
        else
            text_adds(out, "null");
        text_addc(out, '}');
    }
    text_addc(out, ']');
}
