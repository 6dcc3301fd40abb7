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
    int64_t first_file;             /* and where its files begin */
    int64_t structure;
    struct opteryx_totals added;
    struct opteryx_totals removed;
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
    enum fault f = opteryx_store_session_read(db, commit->session, commit->owner, commit->now, NULL,
                                              &session, why);
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

static enum fault parts_count(struct db *db, struct step *step, struct problem *why)
{
    enum { COUNT, ROWS, BYTES };
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_PART_TOTALS);
    query_text(&q, ":session", step->commit->session);
    enum fault f = query_step(&q, &row, why);
    if (!f && row) {
        step->added = (struct opteryx_totals){ .files = query_column_int(&q, COUNT),
                                               .rows = query_column_int(&q, ROWS),
                                               .bytes = query_column_int(&q, BYTES) };
    }
    query_done(&q);
    if (!f && step->added.files == 0)
        f = problem_set(why, FAULT_UNPROCESSABLE, "no parts have been uploaded");
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
        step->dataset = (struct opteryx_dataset){ .number = query_column_int(&q, 0),
                                                  .first_file = 1,
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
    const struct opteryx_totals *before = &step->dataset.totals;
    struct query q = query_for(db, STMT_OPTERYX_SNAPSHOT_ADD);
    query_int(&q, ":dataset", step->dataset.number);
    query_int(&q, ":sequence", step->sequence);
    query_text(&q, ":commit_id", step->commit->id);
    query_text(&q, ":parent", step->exists ? step->dataset.commit_id : NULL);
    query_int(&q, ":structure", step->structure);
    query_text(&q, ":operation", step->operation);
    query_text(&q, ":message", step->commit->message);
    query_text(&q, ":author", step->commit->owner);
    query_int(&q, ":at", step->commit->now);
    query_int(&q, ":files_added", step->added.files);
    query_int(&q, ":files_removed", step->removed.files);
    query_int(&q, ":rows_added", step->added.rows);
    query_int(&q, ":rows_removed", step->removed.rows);
    query_int(&q, ":files", before->files - step->removed.files + step->added.files);
    query_int(&q, ":rows", before->rows - step->removed.rows + step->added.rows);
    query_int(&q, ":bytes", before->bytes - step->removed.bytes + step->added.bytes);
    query_int(&q, ":first_file", step->first_file);
    query_int(&q, ":next_file", step->dataset.next_file + step->added.files);
    return query_run(&q, NULL, why);
}

/* Where the files begin: an overwrite leaves all that were there before behind. */
static void range_begin(struct step *step)
{
    step->first_file = step->dataset.first_file;
    if (!step->exists || step->commit->mode != OPTERYX_OVERWRITE)
        return;
    step->first_file = step->dataset.next_file;
    step->removed = step->dataset.totals;
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
    range_begin(step);
    if (!f)
        f = files_add(db, step, why);
    if (!f)
        f = snapshot_write(db, step, why);
    if (!f)
        f = dataset_move(db, step, why);
    if (!f)
        f = session_close(db, step->commit, why);
    return f;
}

enum fault opteryx_store_commit(struct db *db, const struct opteryx_commit *commit,
                                enum opteryx_outcome *outcome, struct problem *why)
{
    struct step step = { .commit = commit };
    enum fault f = db_begin(db, why);
    if (f)
        return f;
    f = look(db, &step, outcome, why);
    if (!f && *outcome == OPTERYX_COMMITTED)
        f = write(db, &step, why);
    if (!f && *outcome == OPTERYX_COMMITTED)
        f = db_commit(db, why);
    else
        f = opteryx_store_decline(db, f, why);
    return f;
}

/* ---- rollback ---- */

/* What all statements on the old snapshot's files have in common. */
static struct query old_query(struct db *db, enum statement which, const struct step *step,
                              const struct opteryx_snapshot *old)
{
    struct query q = query_for(db, which);
    query_int(&q, ":dataset", step->dataset.number);
    query_int(&q, ":old", old->sequence);
    query_int(&q, ":from", old->first_file);
    query_int(&q, ":end", old->next_file);
    return q;
}

/* The files of the old snapshot that rollbacks have taken out of it since. */
static enum fault return_count(struct db *db, struct step *step, const struct opteryx_snapshot *old,
                               struct problem *why)
{
    enum { COUNT, ROWS, BYTES };
    bool row = false;
    struct query q = old_query(db, STMT_OPTERYX_FILE_RETURN_TOTALS, step, old);
    enum fault f = query_step(&q, &row, why);
    if (!f && row) {
        step->added = (struct opteryx_totals){ .files = query_column_int(&q, COUNT),
                                               .rows = query_column_int(&q, ROWS),
                                               .bytes = query_column_int(&q, BYTES) };
    }
    query_done(&q);
    return f;
}

static enum fault files_return(struct db *db, enum statement which, const struct step *step,
                               const struct opteryx_snapshot *old, struct problem *why)
{
    int64_t changes = 0;
    struct query q = old_query(db, which, step, old);
    query_int(&q, ":first", step->dataset.next_file);
    query_int(&q, ":sequence", step->sequence);
    enum fault f = query_run(&q, &changes, why);
    if (!f && changes != step->added.files)
        f = problem_internal(why, "%lld files come back of %lld", (long long)changes,
                             (long long)step->added.files);
    return f;
}

/* No overwrite since: what came later goes, what went comes back, the rest stays. */
static enum fault return_part(struct db *db, struct step *step, const struct opteryx_snapshot *old,
                              struct problem *why)
{
    const struct opteryx_totals *before = &step->dataset.totals;
    enum fault f = return_count(db, step, old, why);
    if (f)
        return f;
    step->first_file = old->first_file;
    step->removed = (struct opteryx_totals){
        .files = before->files + step->added.files - old->totals.files,
        .rows = before->rows + step->added.rows - old->totals.rows,
        .bytes = before->bytes + step->added.bytes - old->totals.bytes,
    };
    struct query q = query_for(db, STMT_OPTERYX_FILE_RETIRE);
    query_int(&q, ":dataset", step->dataset.number);
    query_int(&q, ":sequence", step->sequence);
    query_int(&q, ":end", old->next_file);
    f = query_run(&q, NULL, why);
    return f ? f : files_return(db, STMT_OPTERYX_FILE_RETURN, step, old, why);
}

/* An overwrite lies between: nothing that is there now was there then. */
static enum fault return_whole(struct db *db, struct step *step, const struct opteryx_snapshot *old,
                               struct problem *why)
{
    step->first_file = step->dataset.next_file;
    step->added = old->totals;
    step->removed = step->dataset.totals;
    return files_return(db, STMT_OPTERYX_FILE_RETURN_ALL, step, old, why);
}

/* The rest, once the dataset and its old snapshot have been read. */
static enum fault return_to(struct db *db, struct step *step, const struct opteryx_snapshot *old,
                            struct problem *why)
{
    const bool overwritten = old->first_file != step->dataset.first_file;
    step->sequence = step->dataset.sequence + 1;
    step->structure = old->structure;
    step->operation = "rollback";
    enum fault f = overwritten ? return_whole(db, step, old, why) : return_part(db, step, old, why);
    if (!f)
        f = snapshot_write(db, step, why);
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

enum fault opteryx_store_dataset_rollback(struct db *db, const struct opteryx_rollback *rollback,
                                          struct problem *why)
{
    struct opteryx_snapshot old = { .sequence = 0 };
    const struct opteryx_commit commit = { .id = rollback->id,
                                           .owner = rollback->author,
                                           .target = rollback->target,
                                           .now = rollback->now,
                                           .if_match = rollback->if_match };
    struct step step = { .commit = &commit };
    enum fault f = db_begin(db, why);
    if (f)
        return f;
    f = opteryx_store_dataset_get(db, commit.target, NULL, &step.dataset, &step.exists, why);
    if (!f && !step.exists)
        f = problem_set(why, FAULT_MISSING, "Dataset not found");
    if (!f)
        f = match_check(&step, why);
    if (!f)
        f = old_read(db, step.dataset.number, rollback->to, &old, why);
    if (!f)
        f = return_to(db, &step, &old, why);
    return f ? opteryx_store_decline(db, f, why) : db_commit(db, why);
}
