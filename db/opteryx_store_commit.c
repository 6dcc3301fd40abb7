/*
 * opteryx_store_commit.c - the transactions that make a snapshot: of a session, or of an old one.
 */
#include "db/opteryx_store.h"
#include "db/opteryx_store_dataset.h"
#include "db/opteryx_store_internal.h"

#include <string.h>

/* What the transaction has read and decided. */
struct step {
    const struct opteryx_commit *commit;
    const char *operation;
    bool exists;
    struct opteryx_dataset dataset; /* as it was */
    int64_t sequence;               /* of the new snapshot */
    struct opteryx_ranges ranges;   /* and where its files lie */
    int64_t structure;
    struct opteryx_totals added;
    struct opteryx_totals removed;
    struct opteryx_totals totals; /* of the new snapshot */
};

/* If-Match: the dataset must be at that commit. */
static enum fault match_check(const struct step *step, struct problem *why)
{
    const char *wanted = step->commit->if_match;
    if (!wanted || (step->exists && (strcmp(wanted, OPTERYX_ANY_COMMIT) == 0 ||
                                     strcmp(wanted, step->dataset.commit_id) == 0)))
        return FAULT_NONE;
    if (!step->exists)
        return problem_set(why, FAULT_PRECONDITION, "the dataset does not exist");
    return problem_set(why, FAULT_PRECONDITION, "the dataset is not at commit %.64s but at %s",
                       wanted, step->dataset.commit_id);
}

/* The session and the dataset as the plan needs them; *outcome says when it does not stand. */
static enum fault look(struct db *db, struct step *step, enum opteryx_outcome *outcome,
                       struct problem *why)
{
    const struct opteryx_commit *commit = step->commit;
    struct opteryx_session session = { .revision = 0 };
    bool repeated = false;
    enum fault f = opteryx_store_session_get(db, commit->session, commit->owner_id, commit->now,
                                             NULL, &session, why);
    if (!f)
        f = opteryx_store_session_takes(&session, commit->target, commit->mode, &repeated, why);
    if (!f && repeated) {
        *outcome = OPTERYX_REPEATED;
        return FAULT_NONE;
    }
    if (!f)
        f = opteryx_store_dataset_get(db, commit->target, NULL, &step->dataset, &step->exists, why);
    if (f)
        return f;
    if (step->exists && commit->mode == OPTERYX_FAIL)
        return problem_set(why, FAULT_CONFLICT,
                           "Dataset already exists - FAIL on conflict selected");
    f = match_check(step, why);
    if (f)
        return f;
    const bool stands =
        session.revision == commit->revision && step->exists == (commit->structure != NULL) &&
        (!step->exists || strcmp(commit->structure, step->dataset.structure_id) == 0);
    *outcome = stands ? OPTERYX_COMMITTED : OPTERYX_OVERTAKEN;
    return FAULT_NONE;
}

enum fault opteryx_store_part_totals(struct db *db, const char *session, struct opteryx_totals *out,
                                     struct problem *why)
{
    enum { COUNT, ROWS, BYTES };
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_PART_TOTALS);
    query_text(&q, ":session", session);
    enum fault f = query_step(&q, &row, why);
    if (!f && row) {
        *out = (struct opteryx_totals){ .files = query_column_int(&q, COUNT),
                                        .rows = query_column_int(&q, ROWS),
                                        .bytes = query_column_int(&q, BYTES) };
    }
    query_done(&q);
    return f;
}

static enum fault parts_count(struct db *db, struct step *step, struct problem *why)
{
    const enum fault f = opteryx_store_part_totals(db, step->commit->session, &step->added, why);
    if (!f && step->added.files == 0 && !step->commit->of_contract)
        return problem_set(why, FAULT_UNPROCESSABLE, "no parts have been uploaded");
    return f;
}

static enum fault dataset_create(struct db *db, struct step *step, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_DATASET_ADD);
    query_text(&q, ":workspace", step->commit->target->workspace);
    query_text(&q, ":collection", step->commit->target->collection);
    query_text(&q, ":name", step->commit->target->dataset);
    query_int(&q, ":now", step->commit->now);
    enum fault f = query_step(&q, &row, why);
    if (!f && !row)
        f = problem_internal(why, "a new dataset has no number");
    if (!f) {
        step->dataset =
            (struct opteryx_dataset){ .number = query_column_int(&q, 0),
                                      .ranges = { .first_file = 1, .next_file = 1, .count = 1 },
                                      .next_file = 1 };
    }
    query_done(&q);
    return f;
}

/* The columns, unless they stay as they are. */
static enum fault structure_write(struct db *db, struct step *step, struct problem *why)
{
    step->structure = step->dataset.structure;
    if (!step->commit->columns)
        return FAULT_NONE;
    step->structure = step->sequence;
    struct query q = query_for(db, STMT_OPTERYX_STRUCTURE_ADD);
    query_int(&q, ":dataset", step->dataset.number);
    query_int(&q, ":structure", step->structure);
    query_text(&q, ":columns", step->commit->columns);
    return query_run(&q, NULL, why);
}

static enum fault snapshot_write(struct db *db, const struct step *step, struct problem *why)
{
    const struct opteryx_ranges *ranges = &step->ranges;
    struct query q = query_for(db, STMT_OPTERYX_SNAPSHOT_ADD);
    query_int(&q, ":dataset", step->dataset.number);
    query_int(&q, ":sequence", step->sequence);
    query_text(&q, ":commit_id", step->commit->id);
    query_text(&q, ":parent", step->exists ? step->dataset.commit_id : NULL);
    query_int(&q, ":structure", step->structure);
    query_text(&q, ":operation", step->operation);
    query_text(&q, ":message", step->commit->message);
    query_text(&q, ":author", step->commit->author);
    query_int(&q, ":at", step->commit->now);
    query_int(&q, ":files_added", step->added.files);
    query_int(&q, ":files_removed", step->removed.files);
    query_int(&q, ":rows_added", step->added.rows);
    query_int(&q, ":rows_removed", step->removed.rows);
    query_int(&q, ":files", step->totals.files);
    query_int(&q, ":rows", step->totals.rows);
    query_int(&q, ":bytes", step->totals.bytes);
    query_int(&q, ":first_file", ranges->first_file);
    query_int(&q, ":next_file", ranges->next_file);
    query_int(&q, ":as_of", ranges->as_of);
    if (ranges->base)
        query_int(&q, ":base", ranges->base);
    else
        query_null(&q, ":base");
    query_int(&q, ":ranges", ranges->count);
    return query_run(&q, NULL, why);
}

bool opteryx_store_totals_add(struct opteryx_totals *to, const struct opteryx_totals *more)
{
    return !__builtin_add_overflow(to->files, more->files, &to->files) &&
           !__builtin_add_overflow(to->rows, more->rows, &to->rows) &&
           !__builtin_add_overflow(to->bytes, more->bytes, &to->bytes);
}

/* Where the files of a session lie, and of the dataset with them.  An overwrite leaves all that were
 * there before behind; an append goes on where the last file is, or, after a rollback, begins a range
 * that is based on it. */
static enum fault ranges_extend(struct step *step, struct problem *why)
{
    const struct opteryx_ranges *before = &step->dataset.ranges;
    const bool overwrites = step->exists && step->commit->mode == OPTERYX_OVERWRITE;
    step->ranges = *before;
    step->totals = step->dataset.totals;
    if (overwrites || before->next_file != step->dataset.next_file) {
        step->ranges = (struct opteryx_ranges){ .first_file = step->dataset.next_file, .count = 1 };
        if (overwrites) {
            step->removed = step->dataset.totals;
            step->totals = (struct opteryx_totals){ .files = 0 };
        } else {
            step->ranges.base = step->dataset.sequence;
            step->ranges.count = before->count + 1;
        }
    }
    step->ranges.next_file = step->dataset.next_file + step->added.files;
    if (step->ranges.count > OPTERYX_RANGES_MAX)
        return problem_set(why, FAULT_CONFLICT,
                           "the dataset was rolled back and appended to too often; overwrite it");
    if (!opteryx_store_totals_add(&step->totals, &step->added))
        return problem_set(why, FAULT_UNPROCESSABLE,
                           "the dataset would hold more rows than can be counted");
    return FAULT_NONE;
}

static enum fault files_add(struct db *db, const struct step *step, struct problem *why)
{
    int64_t changes = 0;
    struct query q = query_for(db, STMT_OPTERYX_FILE_ADD);
    query_int(&q, ":dataset", step->dataset.number);
    query_int(&q, ":first", step->dataset.next_file);
    query_int(&q, ":sequence", step->sequence);
    query_text(&q, ":session", step->commit->session);
    enum fault f = query_run(&q, &changes, why);
    if (!f && changes != step->added.files)
        f = problem_internal(why, "%lld files of %lld parts", (long long)changes,
                             (long long)step->added.files);
    return f;
}

static enum fault dataset_move(struct db *db, const struct step *step, struct problem *why)
{
    int64_t changes = 0;
    struct query q = query_for(db, STMT_OPTERYX_DATASET_MOVE);
    query_int(&q, ":dataset", step->dataset.number);
    query_int(&q, ":sequence", step->sequence);
    query_int(&q, ":files", step->added.files);
    enum fault f = query_run(&q, &changes, why);
    if (!f && changes != 1)
        f = problem_internal(why, "the dataset moved inside a transaction");
    return f;
}

static enum fault session_close(struct db *db, const struct opteryx_commit *commit,
                                struct problem *why)
{
    int64_t changes = 0;
    struct query q = query_for(db, STMT_OPTERYX_SESSION_COMMIT);
    query_text(&q, ":session", commit->session);
    query_int(&q, ":revision", commit->revision);
    query_int(&q, ":now", commit->now);
    query_text(&q, ":mode", opteryx_store_mode_word(commit->mode));
    query_text(&q, ":answer", commit->answer);
    query_text(&q, ":workspace", commit->target->workspace);
    query_text(&q, ":collection", commit->target->collection);
    query_text(&q, ":dataset", commit->target->dataset);
    enum fault f = query_run(&q, &changes, why);
    if (!f && changes != 1)
        f = problem_internal(why, "the session moved inside a transaction");
    return f;
}

static enum fault write(struct db *db, struct step *step, struct problem *why)
{
    enum fault f = parts_count(db, step, why);
    if (!f && !step->exists)
        f = dataset_create(db, step, why);
    step->sequence = step->dataset.sequence + 1;
    step->operation = "create";
    if (step->exists)
        step->operation = step->commit->mode == OPTERYX_APPEND ? "append" : "overwrite";
    if (!f)
        f = structure_write(db, step, why);
    if (!f)
        f = ranges_extend(step, why);
    if (!f)
        f = files_add(db, step, why);
    if (!f)
        f = snapshot_write(db, step, why);
    if (!f)
        f = dataset_move(db, step, why);
    if (!f)
        f = session_close(db, step->commit, why);
    if (!f && step->commit->of_contract)
        f = opteryx_store_contract_move(db, step->commit->session, "committed", step->commit->id,
                                        why);
    return f;
}

struct committing {
    const struct opteryx_commit *commit;
    enum opteryx_outcome outcome;
};

static enum fault commit_body(struct db *db, void *ctx, struct problem *why)
{
    struct committing *committing = ctx;
    struct step step = { .commit = committing->commit };
    const enum fault f = look(db, &step, &committing->outcome, why);
    return !f && committing->outcome == OPTERYX_COMMITTED ? write(db, &step, why) : f;
}

enum fault opteryx_store_commit(struct db *db, const struct opteryx_commit *commit,
                                enum opteryx_outcome *outcome, struct problem *why)
{
    struct committing committing = { .commit = commit };
    const enum fault f = db_write(db, commit_body, &committing, why);
    *outcome = committing.outcome;
    return f;
}

/* ---- rollback ---- */

static bool same_ranges(const struct opteryx_ranges *a, const struct opteryx_ranges *b)
{
    return a->first_file == b->first_file && a->next_file == b->next_file && a->as_of == b->as_of &&
           a->base == b->base;
}

/* One link of a snapshot's chain of ranges, and what the files up to its end are. */
struct link {
    struct opteryx_ranges ranges;
    struct opteryx_totals totals;
};

/* Goes to the link that this one is based on; *end when there is none. */
static enum fault link_next(struct db *db, int64_t dataset, struct link *link, bool *end,
                            struct problem *why)
{
    *end = link->ranges.base == 0;
    return *end ? FAULT_NONE
                : opteryx_store_dataset_range(db, dataset, link->ranges.base, &link->ranges,
                                              &link->totals, why);
}

/* The files that both chains hold: the links of both are gone down, the higher first, until they begin
 * at the same file and on the same base.  What they share ends where the shorter one does. */
static enum fault in_common(struct db *db, int64_t dataset, struct link a, struct link b,
                            struct opteryx_totals *out, struct problem *why)
{
    enum fault f = FAULT_NONE;
    bool end = false;
    *out = (struct opteryx_totals){ .files = 0 };
    while (!f && !end &&
           (a.ranges.first_file != b.ranges.first_file || a.ranges.base != b.ranges.base)) {
        const bool first =
            a.ranges.first_file > b.ranges.first_file ||
            (a.ranges.first_file == b.ranges.first_file && a.ranges.base > b.ranges.base);
        f = link_next(db, dataset, first ? &a : &b, &end, why);
    }
    if (!f && !end && a.ranges.as_of == b.ranges.as_of)
        *out = a.ranges.next_file < b.ranges.next_file ? a.totals : b.totals;
    return f;
}

static void subtract(struct opteryx_totals *from, const struct opteryx_totals *less)
{
    from->files -= less->files;
    from->rows -= less->rows;
    from->bytes -= less->bytes;
}

/* The rest, once the dataset and its old snapshot have been read. */
static enum fault return_to(struct db *db, struct step *step, const struct opteryx_snapshot *old,
                            struct problem *why)
{
    struct opteryx_totals common = { .files = 0 };
    const struct link now = { step->dataset.ranges, step->dataset.totals };
    const struct link then = { old->ranges, old->totals };
    step->sequence = step->dataset.sequence + 1;
    step->structure = old->structure;
    step->operation = "rollback";
    step->ranges = old->ranges;
    step->totals = old->totals;
    enum fault f = in_common(db, step->dataset.number, now, then, &common, why);
    step->added = old->totals;
    step->removed = step->dataset.totals;
    subtract(&step->added, &common);
    subtract(&step->removed, &common);
    if (!f)
        f = snapshot_write(db, step, why);
    step->added.files = 0; /* none is numbered anew */
    return f ? f : dataset_move(db, step, why);
}

/* The snapshot to go back to, but for its texts. */
static enum fault old_read(struct db *db, int64_t dataset, const char *commit_id,
                           struct opteryx_snapshot *out, struct problem *why)
{
    struct arena *arena = arena_create(ARENA_MAX); /* for texts that nobody reads */
    if (!arena)
        return problem_internal(why, "no memory for a snapshot");
    enum fault f = opteryx_store_dataset_snapshot(db, dataset, commit_id, arena, out, why);
    arena_destroy(arena);
    return f;
}

struct returning {
    const struct opteryx_rollback *rollback;
    char commit_id[OPTERYX_COMMIT_ID_MAX]; /* the current one afterwards */
};

static enum fault rollback_body(struct db *db, void *ctx, struct problem *why)
{
    struct returning *returning = ctx;
    const struct opteryx_rollback *rollback = returning->rollback;
    struct opteryx_snapshot old = { .sequence = 0 };
    const struct opteryx_commit commit = { .id = rollback->id,
                                           .author = rollback->author,
                                           .target = rollback->target,
                                           .now = rollback->now,
                                           .if_match = rollback->if_match };
    struct step step = { .commit = &commit };
    const char *current = rollback->id;
    enum fault f =
        opteryx_store_dataset_get(db, commit.target, NULL, &step.dataset, &step.exists, why);
    if (!f && !step.exists)
        f = problem_set(why, FAULT_MISSING, "Dataset not found");
    if (!f)
        f = match_check(&step, why);
    if (!f)
        f = old_read(db, step.dataset.number, rollback->to, &old, why);
    if (!f && old.structure == step.dataset.structure &&
        same_ranges(&old.ranges, &step.dataset.ranges))
        current = step.dataset.commit_id;
    else if (!f)
        f = return_to(db, &step, &old, why);
    memcpy(returning->commit_id, current, strlen(current) + 1);
    return f;
}

enum fault opteryx_store_dataset_rollback(struct db *db, const struct opteryx_rollback *rollback,
                                          char commit_id[OPTERYX_COMMIT_ID_MAX],
                                          struct problem *why)
{
    struct returning returning = { .rollback = rollback };
    const enum fault f = db_write(db, rollback_body, &returning, why);
    memcpy(commit_id, returning.commit_id, sizeof returning.commit_id);
    return f;
}
