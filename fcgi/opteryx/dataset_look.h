/*
 * dataset_look.h - what the routes of datasets share: one look at the rows, and the members that
 * their answers have in common.
 */
#ifndef OPTERYX_DATASET_LOOK_H
#define OPTERYX_DATASET_LOOK_H

#include "auth/auth.h"
#include "db/opteryx_store_dataset.h"
#include "http/exchange.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct page;

/* One look at the rows of a dataset, of one moment, so that a dataset that is dropped meanwhile is not
 * mixed with its successor. */
struct look {
    struct exchange *x;
    struct opteryx_target target;
    struct opteryx_dataset dataset;
    struct opteryx_snapshot snapshot;
    struct opteryx_file file;
    const char *columns; /* of the snapshot */
    const char *commit;  /* that was made */
    int64_t after;       /* of the page, or the number of the file */
    struct page *page;
};

/* The name in the path, once the caller has the right to it. */
MUST_CHECK enum fault dataset_look_target(struct exchange *x, enum right right,
                                          struct opteryx_target *target, struct problem *why);

/* The dataset of look->target; arena: for its columns, NULL without them.  FAULT_MISSING. */
MUST_CHECK enum fault dataset_look_get(struct db *db, struct look *look, struct arena *arena,
                                       struct problem *why);

/* Each adds a member to an object; false when out of memory, which value NULL stands for, too. */
bool dataset_look_add(json_object *object, const char *name, json_object *value);
bool dataset_look_add_text(json_object *object, const char *name, const char *text);
bool dataset_look_add_number(json_object *object, const char *name, int64_t number);
bool dataset_look_add_time(json_object *object, const char *name, int64_t at);
bool dataset_look_add_totals(json_object *object, const struct opteryx_totals *totals);

/* All members of a snapshot. */
bool dataset_look_snapshot(json_object *object, const struct opteryx_snapshot *s);

/* Answers with body, which is taken, when ok, else with the reason or the lack of memory. */
MUST_CHECK enum fault dataset_look_answer(struct exchange *x, bool ok, json_object *body,
                                          struct problem *why);

#endif
