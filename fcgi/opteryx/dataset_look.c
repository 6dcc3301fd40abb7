#include "opteryx/dataset_look.h"

#include "base/clock.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "opteryx/validate.h"
#include "json/json.h"

static enum fault no_dataset(struct problem *why)
{
    return problem_set(why, FAULT_MISSING, "Dataset not found");
}

enum fault dataset_look_target(struct exchange *x, enum right right, struct opteryx_target *target,
                               struct problem *why)
{
    const char *path = exchange_path(x, 0);
    const bool named = validate_target(path, target);
    enum fault f = auth_require(x, right, named ? path : NULL, why);
    return f || named ? f : no_dataset(why);
}

enum fault dataset_look_get(struct db *db, struct look *look, struct arena *arena,
                            struct problem *why)
{
    bool found = false;
    const enum fault f =
        opteryx_store_dataset_get(db, &look->target, arena, &look->dataset, &found, why);
    return f || found ? f : no_dataset(why);
}

bool dataset_look_add(json_object *object, const char *name, json_object *value)
{
    return value && json_add(object, name, value);
}

bool dataset_look_add_text(json_object *object, const char *name, const char *text)
{
    return json_add(object, name, json_string(text));
}

bool dataset_look_add_number(json_object *object, const char *name, int64_t number)
{
    return dataset_look_add(object, name, json_object_new_int64(number));
}

bool dataset_look_add_time(json_object *object, const char *name, int64_t at)
{
    char iso[CLOCK_ISO_MAX];
    clock_iso(at, iso);
    return dataset_look_add_text(object, name, iso);
}

bool dataset_look_add_totals(json_object *object, const struct opteryx_totals *totals)
{
    json_object *made = json_object_new_object();
    return dataset_look_add(object, "totals", made) &&
           dataset_look_add_number(made, "files", totals->files) &&
           dataset_look_add_number(made, "rows", totals->rows) &&
           dataset_look_add_number(made, "bytes", totals->bytes);
}

static bool add_change(json_object *object, const char *name, int64_t files, int64_t rows)
{
    json_object *made = json_object_new_object();
    return dataset_look_add(object, name, made) && dataset_look_add_number(made, "files", files) &&
           dataset_look_add_number(made, "rows", rows);
}

bool dataset_look_snapshot(json_object *object, const struct opteryx_snapshot *s)
{
    return dataset_look_add_text(object, "commit_id", s->commit_id) &&
           dataset_look_add_number(object, "sequence", s->sequence) &&
           dataset_look_add_text(object, "parent", s->parent) &&
           dataset_look_add_text(object, "operation", s->operation) &&
           dataset_look_add_text(object, "message", s->message) &&
           dataset_look_add_text(object, "author", s->author) &&
           dataset_look_add_time(object, "at", s->at) &&
           add_change(object, "added", s->files_added, s->rows_added) &&
           add_change(object, "removed", s->files_removed, s->rows_removed) &&
           dataset_look_add_totals(object, &s->totals);
}

enum fault dataset_look_answer(struct exchange *x, bool ok, json_object *body, struct problem *why)
{
    if (ok)
        return exchange_reply_json(x, OPTERYX_OK, body, why);
    json_object_put(body);
    return why->fault ? why->fault : opteryx_request_no_memory(why);
}
