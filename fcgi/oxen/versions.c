#include "oxen/versions.h"

#include "blob/blob.h"
#include "db/oxen_store.h"
#include "oxen/hash.h"
#include "oxen/reply.h"
#include "oxen/repository.h"

/* Finds the version that the third capture names, in any spelling.  FAULT_MISSING also for what is
 * no hash, there is no such version, and for one whose bytes are gone: it is to be sent again. */
static enum fault find(struct exchange *x, int64_t repository, struct blob_ref *out,
                       struct problem *why)
{
    struct oxen_hash hash = { { 0 } };
    struct problem of_name = PROBLEM_NONE;
    bool found = false;
    enum fault f = FAULT_NONE;
    if (!oxen_hash_parse(exchange_path(x, 2), &hash, &of_name))
        f = oxen_store_version_find(x->db, repository, hash.bytes, out, &found, why);
    if (!f && !(found && blob_present(x->blobs, out)))
        f = problem_set(why, FAULT_MISSING, "no such version");
    return f;
}

/* GET /api/repos/{namespace}/{repo_name}/versions/{hash}/metadata */
enum fault oxen_versions_metadata(struct exchange *x, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    struct blob_ref ref = { 0 };
    enum fault f = oxen_repository_open(x, &repository, why);
    if (!f)
        f = find(x, repository.id, &ref, why);
    if (f)
        return f;

    struct text out;
    oxen_reply_begin(&out, "resource_found", OXEN_VERSIONED);
    oxen_reply_key(&out, "version");
    text_addc(&out, '{');
    oxen_reply_text(&out, "hash", exchange_path(x, 2));
    oxen_reply_number(&out, "size", ref.bytes);
    text_addc(&out, '}');
    return oxen_reply_end(x, &out, why);
}

/* POST .../versions/{hash}/create, PUT .../chunks, POST .../complete: how clients before 0.64 send
 * what is larger than 10 MiB.  They show little more than the status. */
enum fault oxen_versions_outdated(struct exchange *x, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    const enum fault f = oxen_repository_open(x, &repository, why);
    if (f)
        return f;
    return problem_code(why, FAULT_PRECONDITION, OXEN_OUTDATED,
                        "Oxen CLI out of date. Pushing files above 10 MiB requires version >= "
                        "0.64.0.");
}
