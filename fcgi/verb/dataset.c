/*
 * dataset.c - sluice dataset list|show|drop: Opteryx's datasets, as the operator sees them.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "db/db.h"
#include "db/opteryx_store_dataset.h"
#include "opteryx/validate.h"
#include "tabular/columns.h"
#include "verb/verb.h"

#include <stdio.h>
#include <string.h>

enum { LINES_MAX = 64 * MIB }; /* bytes of a page of a list; messages may be long */

/* Lines of a list, put together while its statement runs and printed when it has ended: whoever
 * reads the other end of a pipe may take hours, and an open statement keeps the log from ending. */
struct lines {
    struct text text;
    int64_t count;
    struct opteryx_target last; /* of datasets */
    int64_t last_sequence;      /* of snapshots */
};

static enum fault lines_print(struct lines *lines, struct problem *why)
{
    if (text_failed(&lines->text))
        return problem_internal(why, "no memory for a list");
    (void)fputs(text_string(&lines->text), stdout);
    text_clear(&lines->text);
    return FAULT_NONE;
}

static enum fault add_listed(void *ctx, const struct opteryx_listed *listed, bool *enough,
                             struct problem *why)
{
    struct lines *lines = ctx;
    char changed[CLOCK_ISO_MAX];
    (void)why;
    clock_iso(listed->changed_at, changed);
    text_addf(&lines->text, "%s.%s.%s\t%s\t%lld rows\t%lld files\t%lld bytes\t%s\n",
              listed->target.workspace, listed->target.collection, listed->target.dataset,
              listed->commit_id, (long long)listed->totals.rows, (long long)listed->totals.files,
              (long long)listed->totals.bytes, changed);
    lines->last = listed->target;
    *enough = ++lines->count == OPTERYX_PAGE;
    return FAULT_NONE;
}

static enum fault list(struct db *db, struct problem *why)
{
    struct lines lines = { .count = OPTERYX_PAGE };
    enum fault f = FAULT_NONE;
    text_init(&lines.text, LINES_MAX);
    while (!f && lines.count == OPTERYX_PAGE) {
        const struct opteryx_target after = lines.last;
        lines.count = 0;
        f = opteryx_store_dataset_list(db, &after, add_listed, &lines, why);
        if (!f)
            f = lines_print(&lines, why);
    }
    text_release(&lines.text);
    return f;
}

static enum fault add_snapshot(void *ctx, const struct opteryx_snapshot *s, bool *enough,
                               struct problem *why)
{
    struct lines *lines = ctx;
    char at[CLOCK_ISO_MAX];
    (void)why;
    clock_iso(s->at, at);
    text_addf(&lines->text, "%lld\t%s\t%s\t%s\tby %s\t%lld rows\t%lld files\t%s\n",
              (long long)s->sequence, s->commit_id, at, s->operation, s->author,
              (long long)s->totals.rows, (long long)s->totals.files, s->message ? s->message : "");
    lines->last_sequence = s->sequence;
    *enough = ++lines->count == OPTERYX_PAGE;
    return FAULT_NONE;
}

static enum fault snapshots(struct db *db, int64_t dataset, struct problem *why)
{
    struct lines lines = { .count = OPTERYX_PAGE, .last_sequence = INT64_MAX };
    enum fault f = FAULT_NONE;
    text_init(&lines.text, LINES_MAX);
    while (!f && lines.count == OPTERYX_PAGE) {
        lines.count = 0;
        f = opteryx_store_dataset_snapshots(db, dataset, lines.last_sequence, OPTERYX_PAGE,
                                            add_snapshot, &lines, why);
        if (!f)
            f = lines_print(&lines, why);
    }
    text_release(&lines.text);
    return f;
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
        f = snapshots(db, dataset.number, why);
    arena_destroy(arena);
    return f;
}

static enum fault drop(struct db *db, const char *name, const struct opteryx_target *target,
                       struct problem *why)
{
    enum fault f = opteryx_store_dataset_drop(db, target, why);
    for (bool more = true; !f && more;)
        f = opteryx_store_dropped_sweep(db, &more, why);
    if (!f)
        f = db_settle(db, why);
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
