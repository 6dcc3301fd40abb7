/*
 * fuzz_json.c - what json_parse() takes, json_write() writes so that it reads back the same; what it
 * refuses has a reason inside the text.
 */
#include "json/json.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { TEXT_MAX = 64 * 1024 * 1024 };

static void must_read_back(json_object *value)
{
    struct text first;
    struct text second;
    struct problem why = PROBLEM_NONE;
    json_object *again = NULL;
    text_init(&first, TEXT_MAX);
    text_init(&second, TEXT_MAX);
    json_write(&first, value);
    assert(!text_failed(&first) && text_is_utf8(text_string(&first), first.len));
    const enum fault f = json_parse(text_string(&first), first.len, &again, NULL, &why);
    assert(f == FAULT_NONE);
    json_write(&second, again);
    assert(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    json_object_put(again);
    text_release(&first);
    text_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct json_error error = { SIZE_MAX, NULL };
    struct problem why = PROBLEM_NONE;
    json_object *value = NULL;
    if (json_parse((const char *)bytes, len, &value, &error, &why) == FAULT_NONE) {
        must_read_back(value);
        json_object_put(value);
        return 0;
    }
    assert(value == NULL && why.fault != FAULT_NONE);
    assert(why.fault == FAULT_INTERNAL || (error.reason && error.offset <= len));
    return 0;
}
