/*
 * opteryx_store_commit.c - the one transaction that turns a session into a snapshot.
 */
#include "db/opteryx_store.h"
#include "db/opteryx_store_dataset.h"
#include "db/opteryx_store_internal.h"

#include <string.h>

/* What the transaction has read and decided. */
struct step {
    const struct opteryx_commit *commit;
    bool exists;
    struct opteryx_dataset dataset; /* as it was */
    int64_t sequence;               /* of the new snapshot */
    int64_t structure;
    struct opteryx_totals added;
    struct opteryx_totals removed;
};

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
    if (commit->if_match &&
        (!step->exists || strcmp(commit->if_match, step->dataset.commit_id) != 0))
        return problem_set(why, FAULT_PRECONDITION, "the dataset is not at commit %s",
                           commit->if_match);
    const int64_t structure = step->exists ? step->dataset.structure : 0;
    *outcome = session.revision == commit->revision && structure == commit->structure
                   ? OPTERYX_COMMITTED
                   : OPTERYX_OVERTAKEN;
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
    if (!f)
        step->dataset =
            (struct opteryx_dataset){ .number = query_column_int(&q, 0), .next_file = 1 };
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

static const char *operation(const struct step *step)
{
    if (!step->exists)
        return "create";
    return step->commit->mode == OPTERYX_APPEND ? "append" : "overwrite";
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
    query_text(&q, ":operation", operation(step));
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
    return query_run(&q, NULL, why);
}

static enum fault files_retire(struct db *db, struct step *step, struct problem *why)
{
    if (!step->exists || step->commit->mode != OPTERYX_OVERWRITE)
        return FAULT_NONE;
    step->removed = step->dataset.totals;
    struct query q = query_for(db, STMT_OPTERYX_FILE_RETIRE);
    query_int(&q, ":dataset", step->dataset.number);
    query_int(&q, ":sequence", step->sequence);
    return query_run(&q, NULL, why);
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
    if (!f)
        f = structure_write(db, step, why);
    if (!f)
        f = files_retire(db, step, why);
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
