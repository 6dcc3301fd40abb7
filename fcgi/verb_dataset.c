/*
 * verb_dataset.c - sluice dataset list|show|drop: Opteryx's datasets, as the operator sees them.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "db/db.h"
#include "db/opteryx_store_dataset.h"
#include "opteryx/columns.h"
#include "opteryx/validate.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>

static enum fault print_listed(void *ctx, const struct opteryx_listed *listed, bool *enough,
                               struct problem *why)
{
    char changed[CLOCK_ISO_MAX];
    (void)ctx;
    (void)why;
    *enough = false;
    clock_iso(listed->changed_at, changed);
    (void)printf("%s.%s.%s\t%s\t%lld rows\t%lld files\t%lld bytes\t%s\n", listed->target.workspace,
                 listed->target.collection, listed->target.dataset, listed->commit_id,
                 (long long)listed->totals.rows, (long long)listed->totals.files,
                 (long long)listed->totals.bytes, changed);
    return FAULT_NONE;
}

static enum fault list(struct db *db, struct problem *why)
{
    const struct opteryx_target first = { .workspace = "" };
    return opteryx_store_dataset_list(db, &first, print_listed, NULL, why);
}

static enum fault print_snapshot(void *ctx, const struct opteryx_snapshot *s, bool *enough,
                                 struct problem *why)
{
    char at[CLOCK_ISO_MAX];
    (void)ctx;
    (void)why;
    *enough = false;
    clock_iso(s->at, at);
    (void)printf("%lld\t%s\t%s\t%s\tby %s\t%lld rows\t%lld files\t%s\n", (long long)s->sequence,
                 s->commit_id, at, s->operation, s->author, (long long)s->totals.rows,
                 (long long)s->totals.files, s->message ? s->message : "");
    return FAULT_NONE;
}

static enum fault print_columns(struct arena *arena, const char *json, struct problem *why)
{
    struct columns columns;
    columns_init(&columns, arena);
    enum fault f = columns_read(&columns, json, why);
    for (size_t i = 0; !f && i < columns.count; i++) {
        char word[TYPE_TEXT_MAX];
        type_print(&columns.list[i].type, word);
        (void)printf("%s\t%s%s\n", columns.list[i].name, word,
                     columns.list[i].nullable ? "" : " NOT NULL");
    }
    return f;
}

static enum fault show(struct db *db, const struct opteryx_target *target, struct problem *why)
{
    struct opteryx_dataset dataset = { .number = 0 };
    bool found = false;
    struct arena *arena = arena_create(ARENA_MAX);
    if (!arena)
        return problem_internal(why, "no memory for a dataset");
    enum fault f = opteryx_store_dataset_get(db, target, arena, &dataset, &found, why);
    if (!f && !found)
        f = problem_set(why, FAULT_MISSING, "Dataset not found");
    if (!f)
        f = print_columns(arena, dataset.columns, why);
    if (!f)
        f = opteryx_store_dataset_snapshots(db, dataset.number, INT64_MAX, INT64_MAX,
                                            print_snapshot, NULL, why);
    arena_destroy(arena);
    return f;
}

static enum fault drop(struct db *db, const char *name, const struct opteryx_target *target,
                       struct problem *why)
{
    const enum fault f = opteryx_store_dataset_drop(db, target, why);
    if (!f)
        (void)printf("dropped %s; `sluice gc` takes its bytes back\n", name);
    return f;
}

int verb_dataset(const struct config *config, int argc, char **argv)
{
    struct problem why = PROBLEM_NONE;
    struct opteryx_target target = { .workspace = "" };
    struct db *db = NULL;
    const char *action = argc > 1 ? argv[1] : "";
    const bool lists = strcmp(action, "list") == 0 && argc == 2;
    const bool shows = strcmp(action, "show") == 0 && argc == 3;
    const bool drops = strcmp(action, "drop") == 0 && argc == 3;
    if (!lists && !shows && !drops)
        return verb_misused("dataset list | show W.C.D | drop W.C.D");
    enum fault f = FAULT_NONE;
    if (!lists && !validate_target(argv[2], &target))
        f = problem_set(&why, FAULT_MALFORMED, "a dataset is workspace.collection.dataset");
    if (!f)
        f = verb_open_db(config, !drops, &db, &why);
    if (!f && lists)
        f = list(db, &why);
    else if (!f && shows)
        f = show(db, &target, &why);
    else if (!f)
        f = drop(db, argv[2], &target, &why);
    db_close(db);
    return f ? verb_failed(&why) : EXIT_DONE;
}
