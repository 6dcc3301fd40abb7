#include "opteryx/validate.h"

#include "json/json.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    DETAIL_MAX = 128 * KIB,  /* bytes; each error repeats the input it is about, up to a bound */
    ECHO_TEXT_MAX = 8 * KIB, /* of a parameter, repeated once: more than VALIDATE_DIGITS_MAX */
    UTF16_MARK_LEN = 2,
};

static const char field_required[] = "Field required";

void validate_init(struct validate *v)
{
    v->count = 0;
    text_init(&v->detail, DETAIL_MAX);
}

void validate_release(struct validate *v)
{
    text_release(&v->detail);
}

const char *validate_body(struct validate *v, size_t *len)
{
    text_adds(&v->detail, "]}");
    *len = v->detail.len;
    return text_failed(&v->detail) ? NULL : text_string(&v->detail);
}

/* ---- one error ---- */

static void error_begin(struct validate *v, const char *type, const struct validate_loc *loc,
                        const char *message)
{
    text_adds(&v->detail, v->count++ ? ",{\"type\":" : "{\"detail\":[{\"type\":");
    json_quote(&v->detail, type, strlen(type));
    text_adds(&v->detail, ",\"loc\":[");
    for (size_t i = 0; i < VALIDATE_LOC_MAX && loc->names[i]; i++) {
        if (i)
            text_addc(&v->detail, ',');
        json_quote(&v->detail, loc->names[i], strlen(loc->names[i]));
    }
    text_adds(&v->detail, "],\"msg\":");
    json_quote(&v->detail, message, strlen(message));
    text_adds(&v->detail, ",\"input\":");
}

/* Repeats a text of the request, which nobody has been authorised for yet: only its beginning when it
 * is longer than most. */
static void echo_text(struct validate *v, const char *input, size_t len, size_t most)
{
    enum { CONTINUES_MASK = 0xC0, CONTINUES = 0x80 }; /* a byte inside of a character */
    struct text cut;
    size_t end = len < most ? len : most;
    while (end < len && end > 0 && ((unsigned char)input[end] & CONTINUES_MASK) == CONTINUES)
        end--;
    text_init(&cut, end + sizeof "...");
    text_add(&cut, input, end);
    if (end < len)
        text_adds(&cut, "...");
    json_quote(&v->detail, text_string(&cut), cut.len);
    text_release(&cut);
}

/* The same for a value, which several errors may be about; the beginning of a long one is text. */
static void echo_json(struct validate *v, json_object *input)
{
    struct text whole;
    text_init(&whole, OPTERYX_BODY_MAX * sizeof "\\u0000");
    json_write(&whole, input);
    if (text_failed(&whole))
        text_adds(&v->detail, "null");
    else if (whole.len <= OPTERYX_ECHO_MAX)
        text_add(&v->detail, text_string(&whole), whole.len);
    else
        echo_text(v, text_string(&whole), whole.len, OPTERYX_ECHO_MAX);
    text_release(&whole);
}

void validate_error(struct validate *v, const char *type, const struct validate_loc *loc,
                    const char *message, json_object *input)
{
    error_begin(v, type, loc, message);
    echo_json(v, input);
    text_addc(&v->detail, '}');
}

/* ctx: JSON of the "ctx" member, NULL when there is none. */
void validate_error_text(struct validate *v, const char *type, const struct validate_loc *loc,
                         const char *message, const char *input, const char *ctx)
{
    error_begin(v, type, loc, message);
    if (input)
        echo_text(v, input, strlen(input), ECHO_TEXT_MAX);
    else
        text_adds(&v->detail, "null");
    if (ctx)
        text_addf(&v->detail, ",\"ctx\":%s", ctx);
    text_addc(&v->detail, '}');
}

/* ---- integers in text ---- */

enum int_shape { INT_FINE, INT_BAD, INT_TOO_LONG };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits with single underscores between them, from *at on; their value, which stops growing where
 * it no longer matters, goes to *value. */
static bool digits(const char **at, int64_t most, size_t *count, int64_t *value)
{
    const int base = 10;
    *count = 0;
    *value = 0;
    while (is_digit(**at) || (**at == '_' && *count && is_digit((*at)[1]))) {
        if (**at != '_') {
            ++*count;
            if (*value <= most)
                *value = *value * base + (**at - '0');
        }
        ++*at;
    }
    return *count > 0;
}

/* most: past which the value does not matter, below INT64_MAX / 100.  As pydantic's str_as_int:
 * blanks around, a sign, leading zeros, underscores, ".0" at the end. */
static enum int_shape int_parse(const char *text, int64_t most, int64_t *out)
{
    static const char blanks[] = " \t\n\r\v\f";
    size_t count = 0;
    int64_t value = 0;
    text += strspn(text, blanks);
    const bool negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    if (!digits(&text, most, &count, &value))
        return INT_BAD;
    if (*text == '.')
        text += 1 + strspn(text + 1, "0");
    text += strspn(text, blanks);
    if (*text != '\0')
        return INT_BAD;
    if (count > VALIDATE_DIGITS_MAX)
        return INT_TOO_LONG;
    *out = negative ? -value : value;
    return INT_FINE;
}

static void error_bound(struct validate *v, const struct validate_loc *loc, const char *text,
                        int64_t bound, bool upper)
{
    char message[PROBLEM_TEXT_MAX];
    char ctx[PROBLEM_TEXT_MAX];
    (void)snprintf(message, sizeof message, "Input should be %s than or equal to %lld",
                   upper ? "less" : "greater", (long long)bound);
    (void)snprintf(ctx, sizeof ctx, "{\"%s\":%lld}", upper ? "le" : "ge", (long long)bound);
    validate_error_text(v, upper ? "less_than_equal" : "greater_than_equal", loc, message, text,
                        ctx);
}

void validate_integer(struct validate *v, const struct validate_bounds *bounds, const char *text,
                      int64_t *out)
{
    const struct validate_loc loc = { { bounds->where, bounds->name } };
    int64_t value = 0;
    if (!text)
        return;
    const enum int_shape shape = int_parse(text, bounds->most, &value);
    if (shape == INT_BAD) {
        validate_error_text(v, "int_parsing", &loc,
                            "Input should be a valid integer, unable to parse string as an integer",
                            text, NULL);
    } else if (shape == INT_TOO_LONG) {
        validate_error_text(v, "int_parsing_size", &loc,
                            "Unable to parse input string as an integer, exceeded maximum size",
                            text, NULL);
    } else if (value < bounds->least) {
        error_bound(v, &loc, text, bounds->least, false);
    } else if (value > bounds->most) {
        error_bound(v, &loc, text, bounds->most, true);
    } else {
        *out = value;
    }
}

void validate_part(struct validate *v, const char *where, const char *text, int64_t *out)
{
    const struct validate_loc loc = { { where, "part" } };
    const struct validate_bounds bounds = { where, "part", 0, OPTERYX_PARTS_MAX - 1 };
    if (text)
        validate_integer(v, &bounds, text, out);
    else
        validate_error_text(v, "missing", &loc, field_required, NULL, NULL);
}

/* ---- JSON bodies ---- */

/* application/json or application/ANY+json; parameters do not matter. */
static bool is_json(const char *content_type)
{
    static const char main_type[] = "application/";
    static const char suffix[] = "+json";
    if (!content_type || strncasecmp(content_type, main_type, sizeof main_type - 1) != 0)
        return false;
    const char *sub = content_type + sizeof main_type - 1;
    size_t len = strcspn(sub, "; \t");
    if (len == strlen("json") && strncasecmp(sub, "json", len) == 0)
        return true;
    return len >= sizeof suffix - 1 &&
           strncasecmp(sub + len - (sizeof suffix - 1), suffix, sizeof suffix - 1) == 0;
}

static void error_syntax(struct validate *v, const struct json_error *error)
{
    text_adds(&v->detail, v->count++ ? "," : "{\"detail\":[");
    text_addf(&v->detail,
              "{\"type\":\"json_invalid\",\"loc\":[\"body\",%zu],\"msg\":\"JSON decode error\","
              "\"input\":{},\"ctx\":{\"error\":",
              error->offset);
    json_quote(&v->detail, error->reason, strlen(error->reason));
    text_adds(&v->detail, "}}");
}

/* Python decodes UTF-16 by its mark and then finds no JSON in it. */
static bool is_utf16(const char *bytes, size_t len)
{
    return len >= UTF16_MARK_LEN && (memcmp(bytes, "\xFF\xFE", UTF16_MARK_LEN) == 0 ||
                                     memcmp(bytes, "\xFE\xFF", UTF16_MARK_LEN) == 0);
}

enum fault validate_json(struct validate *v, const char *content_type, const char *bytes,
                         size_t len, json_object **out, struct problem *why)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* Python skips the mark of UTF-8 */
    const struct validate_loc loc = { { "body" } };
    struct json_error error = { 0, "Expecting value" };
    struct problem of_parser = PROBLEM_NONE;
    if (len == 0) {
        validate_error_text(v, "missing", &loc, field_required, NULL, NULL);
        return FAULT_NONE;
    }
    if (is_utf16(bytes, len) && is_json(content_type)) {
        error_syntax(v, &error);
        return FAULT_NONE;
    }
    if (!text_is_utf8(bytes, len))
        return problem_set(why, FAULT_MALFORMED, "There was an error parsing the body");
    if (!is_json(content_type)) {
        error_begin(v, "model_attributes_type", &loc,
                    "Input should be a valid dictionary or object to extract fields from");
        echo_text(v, bytes, len, OPTERYX_ECHO_MAX);
        text_addc(&v->detail, '}');
        return FAULT_NONE;
    }
    const size_t skip =
        len >= sizeof mark - 1 && memcmp(bytes, mark, sizeof mark - 1) == 0 ? sizeof mark - 1 : 0;
    enum fault f = json_parse(bytes + skip, len - skip, out, &error, &of_parser);
    if (f == FAULT_MALFORMED) {
        error_syntax(v, &error);
        return FAULT_NONE;
    }
    if (f)
        *why = of_parser;
    return f;
}

/* Whether value is an object; the error when not. */
bool validate_object(struct validate *v, const struct validate_loc *loc, json_object *value)
{
    if (json_object_is_type(value, json_type_object))
        return true;
    validate_error(v, "model_attributes_type", loc,
                   "Input should be a valid dictionary or object to extract fields from", value);
    return false;
}

/* A required member of an object; the error when it is absent. */
bool validate_member(struct validate *v, const struct validate_loc *loc, json_object *object,
                     const char *name, json_object **out)
{
    if (json_object_object_get_ex(object, name, out))
        return true;
    validate_error(v, "missing", loc, field_required, object);
    return false;
}

/* A text value, as it stands; NULL and the error for another type. */
static const char *string(struct validate *v, const struct validate_loc *loc, json_object *value)
{
    if (json_object_is_type(value, json_type_string))
        return json_object_get_string(value);
    validate_error(v, "string_type", loc, "Input should be a valid string", value);
    return NULL;
}

/* The same for a text that is kept as it is, and so may hold no NUL. */
const char *validate_string(struct validate *v, const struct validate_loc *loc, json_object *value)
{
    const char *text = string(v, loc, value);
    if (!text || strlen(text) == (size_t)json_object_get_string_len(value))
        return text;
    validate_error(v, "value_error", loc, "Value error, a NUL character cannot be kept", value);
    return NULL;
}

bool validate_is_name(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_-";
    const size_t len = strspn(text, allowed);
    return len > 0 && len <= OPTERYX_NAME_MAX && text[len] == '\0';
}

/* One name of a target. */
static void name_parse(struct validate *v, json_object *target, const char *field,
                       char out[OPTERYX_NAME_MAX + 1])
{
    const struct validate_loc loc = { { "body", "target", field } };
    json_object *value = NULL;
    if (!validate_member(v, &loc, target, field, &value))
        return;
    const char *text = string(v, &loc, value);
    if (!text)
        return;
    if (strlen(text) != (size_t)json_object_get_string_len(value) || !validate_is_name(text)) {
        validate_error_text(v, "string_pattern_mismatch", &loc,
                            "String should match pattern '^[A-Za-z0-9_-]{1,128}$'", text,
                            "{\"pattern\":\"^[A-Za-z0-9_-]{1,128}$\"}");
    } else {
        (void)snprintf(out, OPTERYX_NAME_MAX + 1, "%s", text);
    }
}

void validate_target_object(struct validate *v, json_object *value, struct opteryx_target *out)
{
    const struct validate_loc loc = { { "body", "target" } };
    if (!validate_object(v, &loc, value))
        return;
    name_parse(v, value, "workspace", out->workspace);
    name_parse(v, value, "collection", out->collection);
    name_parse(v, value, "dataset", out->dataset);
}

static void mode_parse(struct validate *v, json_object *value, enum opteryx_mode *out)
{
    const struct validate_loc loc = { { "body", "conflict_resolution" } };
    const char *word =
        json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
    for (size_t i = 0; word && i <= OPTERYX_APPEND; i++) {
        if (strlen(word) == (size_t)json_object_get_string_len(value) &&
            strcmp(word, opteryx_store_mode_word((enum opteryx_mode)i)) == 0) {
            *out = (enum opteryx_mode)i;
            return;
        }
    }
    error_begin(v, "enum", &loc, "Input should be 'fail', 'overwrite' or 'append'");
    echo_json(v, value);
    text_adds(&v->detail, ",\"ctx\":{\"expected\":\"'fail', 'overwrite' or 'append'\"}}");
}

void validate_commit(struct validate *v, json_object *body, struct commit_request *out)
{
    const struct validate_loc of_body = { { "body" } };
    const struct validate_loc of_target = { { "body", "target" } };
    const struct validate_loc of_message = { { "body", "snapshot_message" } };
    json_object *value = NULL;
    if (!validate_object(v, &of_body, body))
        return;
    if (validate_member(v, &of_target, body, "target", &value))
        validate_target_object(v, value, &out->target);
    if (json_object_object_get_ex(body, "snapshot_message", &value) && value)
        out->message = validate_string(v, &of_message, value);
    if (json_object_object_get_ex(body, "conflict_resolution", &value))
        mode_parse(v, value, &out->mode);
}

void validate_session(struct validate *v, json_object *body, struct opteryx_target *out,
                      bool *has_target)
{
    const struct validate_loc of_body = { { "body" } };
    json_object *value = NULL;
    *has_target = false;
    if (!body || !validate_object(v, &of_body, body) ||
        !json_object_object_get_ex(body, "target", &value) || !value)
        return;
    validate_target_object(v, value, out);
    *has_target = v->count == 0;
}

void validate_rollback(struct validate *v, json_object *body, const char **snapshot)
{
    const struct validate_loc of_body = { { "body" } };
    const struct validate_loc loc = { { "body", "snapshot" } };
    json_object *value = NULL;
    if (validate_object(v, &of_body, body) && validate_member(v, &loc, body, "snapshot", &value))
        *snapshot = validate_string(v, &loc, value);
}

bool validate_target(const char *text, struct opteryx_target *out)
{
    const char *first = strchr(text, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    char *const parts[] = { out->workspace, out->collection, out->dataset };
    if (!second)
        return false;
    const char *const begins[] = { text, first + 1, second + 1 };
    const size_t lens[] = { (size_t)(first - text), (size_t)(second - first) - 1,
                            strlen(second + 1) };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (lens[i] > OPTERYX_NAME_MAX)
            return false;
        memcpy(parts[i], begins[i], lens[i]);
        parts[i][lens[i]] = '\0';
        if (!validate_is_name(parts[i]))
            return false;
    }
    return true;
}
