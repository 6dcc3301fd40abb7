#include "oxen/oxen.h"

#include "oxen/agent.h"
#include "oxen/archive.h"
#include "oxen/branches.h"
#include "oxen/clean.h"
#include "oxen/content.h"
#include "oxen/download.h"
#include "oxen/missing.h"
#include "oxen/reading.h"
#include "oxen/reply.h"
#include "oxen/repository.h"
#include "oxen/tree_download.h"
#include "oxen/uploads.h"
#include "oxen/versions.h"

#include <stdbool.h>
#include <string.h>

/* GET /api/version */
static enum fault show_version(struct exchange *x, struct problem *why)
{
    struct text out;
    oxen_reply_begin(&out, "resource_found", OXEN_VERSIONED);
    return oxen_reply_end(x, &out, why);
}

/* GET /api/min_version */
static enum fault show_min_version(struct exchange *x, struct problem *why)
{
    struct text out;
    oxen_reply_begin(&out, "resource_found", OXEN_VERSIONED);
    oxen_reply_text(&out, "version", OXEN_MIN_VERSION);
    return oxen_reply_end(x, &out, why);
}

#define REPO "/api/repos/{namespace}/{repo_name}"

static const struct route routes[] = {
    { "GET", "/api/version", RIGHT_NONE, show_version },
    { "GET", "/api/min_version", RIGHT_NONE, show_min_version },

    { "POST", "/api/repos", RIGHT_WRITE, oxen_repository_create },
    { "GET", "/api/repos/{namespace}", RIGHT_READ, oxen_repository_list },
    { "GET", REPO, RIGHT_READ, oxen_repository_show },
    { "DELETE", REPO, RIGHT_ADMIN, oxen_clean_repository },

    { "POST", REPO "/versions", RIGHT_WRITE, oxen_versions_upload },
    { "GET", REPO "/versions/{hash}/metadata", RIGHT_READ, oxen_versions_metadata },
    { "GET", REPO "/versions/{hash}/content", RIGHT_READ, oxen_download_content },
    { "QUERY", REPO "/versions", RIGHT_READ, oxen_download_batch },
    { "POST", REPO "/versions/batch-download", RIGHT_READ, oxen_download_batch },
    { "POST", REPO "/versions/missing", RIGHT_READ, oxen_missing_versions },
    { "DELETE", REPO "/versions", RIGHT_WRITE, oxen_clean_versions },
    { "POST", REPO "/versions/uploads", RIGHT_WRITE, oxen_uploads_begin },
    { "PUT", REPO "/versions/uploads/{id}/parts/{n}", RIGHT_WRITE, oxen_uploads_receive_part },
    { "POST", REPO "/versions/{hash}/create", RIGHT_WRITE, oxen_versions_outdated },
    { "PUT", REPO "/versions/{hash}/chunks", RIGHT_WRITE, oxen_versions_outdated },
    { "POST", REPO "/versions/{hash}/complete", RIGHT_WRITE, oxen_versions_outdated },

    { "POST", REPO "/action/{state}/{action}", RIGHT_READ, oxen_branches_action },
    { "GET", REPO "/branches", RIGHT_READ, oxen_branches_list },
    { "POST", REPO "/branches", RIGHT_WRITE, oxen_branches_create },
    { "GET", REPO "/branches/{branch...}", RIGHT_READ, oxen_branches_show },
    { "PUT", REPO "/branches/{branch...}", RIGHT_WRITE, oxen_branches_update },
    { "DELETE", REPO "/branches/{branch...}", RIGHT_WRITE, oxen_branches_delete },
    { "POST", REPO "/commits/missing", RIGHT_READ, oxen_missing_commits },
    { "POST", REPO "/commits/mark_commits_as_synced", RIGHT_WRITE, oxen_missing_synced },
    { "POST", REPO "/commits/upload", RIGHT_WRITE, oxen_archive_commits },
    { "POST", REPO "/tree/nodes", RIGHT_WRITE, oxen_archive_nodes },
    { "GET", REPO "/commits/{commit}/download_dir_hashes_db", RIGHT_READ,
      oxen_tree_download_history },
    { "GET", REPO "/commits/{commit}/commit_db", RIGHT_READ, oxen_tree_download_commit_db },
    { "GET", REPO "/chunk/{resource%...}", RIGHT_READ, oxen_content_chunk },
    { "GET", REPO "/file/{resource%...}", RIGHT_READ, oxen_content_file },
    { "GET", REPO "/revisions/{resource%...}", RIGHT_READ, oxen_reading_revision },
    { "GET", REPO "/meta/{resource%...}", RIGHT_READ, oxen_reading_meta },
    { "GET", REPO "/dir/{resource%...}", RIGHT_READ, oxen_reading_dir },
    { "GET", REPO "/commits/history/{resource%...}", RIGHT_READ, oxen_reading_log },
    { "GET", REPO "/commits/{commit}", RIGHT_READ, oxen_reading_commit },
    { "GET", REPO "/tree/nodes/resource/{resource%...}", RIGHT_READ, oxen_reading_node },
    { "GET", REPO "/tree/download", RIGHT_READ, oxen_tree_download_all },
    { "GET", REPO "/tree/download/{revision}", RIGHT_READ, oxen_tree_download_revision },
    { "GET", REPO "/tree/nodes/hash/{hash}", RIGHT_READ, oxen_tree_download_has },
    { "POST", REPO "/tree/nodes/missing_node_hashes", RIGHT_READ, oxen_missing_nodes },
};

/* A caller's own id is repeated when it is 1 to 128 letters, digits, '_' and '-'. */
static bool is_request_id(const char *text)
{
    enum { ID_MAX = 128 };
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    const size_t len = text ? strlen(text) : 0;
    return len > 0 && len <= ID_MAX && strspn(text, allowed) == len;
}

/* The headers of every answer; below /api/repos, clients that are too old are turned away. */
static enum fault gate(struct exchange *x, struct problem *why)
{
    const char *id = exchange_header(x, "x-oxen-request-id");
    exchange_set_header(x, "oxen-version", OXEN_VERSION);
    exchange_set_header(x, "x-oxen-request-id", is_request_id(id) ? id : x->request_id);
    if (x->uri.segment_count < 2 || strcmp(x->uri.segments[1], "repos") != 0)
        return FAULT_NONE;
    return oxen_agent_check(exchange_header(x, "User-Agent"), why);
}

static const char *const prefixes[] = { "/api/", NULL };

const struct surface oxen_surface = {
    .name = "oxen",
    .prefixes = prefixes,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .gate = gate,
    .refuse = oxen_refuse,
};
