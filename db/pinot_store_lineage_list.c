/* The half of pinot_store_lineage.h that tells. */
#include "db/pinot_lineage_entry.h"
#include "db/pinot_store_lineage.h"

#include <string.h>

static enum fault tell_side(struct db *db, int64_t entry, const char *side, pinot_lineage_each each,
                            void *ctx, struct problem *why)
{
    struct query q = pinot_lineage_side_names(db, entry, side);
    bool row = false;
    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        f = each(ctx, query_column_text(&q, 0), strcmp(side, PINOT_SIDE_TO) == 0, why);
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

enum fault pinot_store_lineage_next(struct db *db, int64_t table, struct pinot_lineage *at,
                                    bool *found, pinot_lineage_each each, void *ctx,
                                    struct problem *why)
{
    enum { CHANGED_AT = 3 };
    struct query q = query_for(db, STMT_PINOT_LINEAGE_NEXT);
    query_int(&q, ":table", table);
    query_int(&q, ":changed", at->changed_at);
    query_int(&q, ":after", at->id);
    enum fault f = query_step(&q, found, why);
    if (!f && *found) {
        struct pinot_lineage_entry entry;
        pinot_lineage_entry_of(&q, &entry);
        at->id = entry.id;
        at->changed_at = query_column_int(&q, CHANGED_AT);
        memcpy(at->entry, entry.name, sizeof at->entry);
        memcpy(at->state, entry.state, sizeof at->state);
    }
    query_done(&q);
    if (!f && *found)
        f = tell_side(db, at->id, PINOT_SIDE_FROM, each, ctx, why);
    if (!f && *found)
        f = tell_side(db, at->id, PINOT_SIDE_TO, each, ctx, why);
    return f;
}
