#include "oxen/entry_json.h"

#include "base/limits.h"
#include "oxen/metadata_json.h"
#include "oxen/reply.h"
#include "json/json.h"

#include <string.h>

static void add_hash(struct text *out, const uint8_t hash[OXEN_HASH_BYTES])
{
    char digits[OXEN_HASH_TEXT_MAX];
    struct oxen_hash key;
    memcpy(key.bytes, hash, sizeof key.bytes);
    oxen_hash_text(&key, digits);
    text_addf(out, "\"%s\"", digits);
}

static void add_bytes(struct text *out, const char *name, struct oxen_pack_bytes value)
{
    oxen_reply_key(out, name);
    json_quote(out, value.bytes, value.len);
}

/* ---- commits ---- */

static enum fault write_commit(struct oxen_tree *tree, struct text *out,
                               const uint8_t hash[OXEN_HASH_BYTES], struct problem *why)
{
    struct oxen_tree_node node;
    struct oxen_node_commit commit;
    uint8_t parent[OXEN_HASH_BYTES];
    bool found = false;
    const enum fault f = oxen_tree_commit(tree, hash, &node, &commit, &found, why);
    if (f)
        return f;
    if (!found) {
        text_adds(out, "null");
        return FAULT_NONE;
    }
    text_adds(out, "{\"id\":");
    add_hash(out, hash);
    text_adds(out, ",\"parent_ids\":[");
    for (bool first = true; oxen_node_parent(&commit, parent); first = false) {
        text_adds(out, first ? "" : ",");
        add_hash(out, parent);
    }
    text_addc(out, ']');
    add_bytes(out, "message", commit.message);
    add_bytes(out, "author", commit.author);
    add_bytes(out, "email", commit.email);
    oxen_reply_text(out, "timestamp", commit.timestamp);
    text_addc(out, '}');
    return FAULT_NONE;
}

enum fault oxen_entry_json_commit(struct oxen_entry_json *json, struct text *out,
                                  const uint8_t hash[OXEN_HASH_BYTES], struct problem *why)
{
    struct oxen_kept_commit *kept = NULL;
    for (size_t i = 0; i < OXEN_KEPT_COMMITS && !kept; i++) {
        if (json->kept[i].json.len > 0 && memcmp(json->kept[i].hash, hash, OXEN_HASH_BYTES) == 0)
            kept = &json->kept[i];
    }
    if (!kept) {
        kept = &json->kept[json->turn++ % OXEN_KEPT_COMMITS];
        text_clear(&kept->json);
        memcpy(kept->hash, hash, OXEN_HASH_BYTES);
        const enum fault f = write_commit(json->tree, &kept->json, hash, why);
        if (f || text_failed(&kept->json)) {
            text_clear(&kept->json);
            return f ? f : problem_internal(why, "no memory for a commit");
        }
    }
    text_add(out, text_string(&kept->json), kept->json.len);
    return FAULT_NONE;
}

enum fault oxen_entry_json_begin(struct oxen_entry_json *json, struct oxen_tree *tree,
                                 const struct oxen_resource *resource, struct problem *why)
{
    struct text commit;
    *json = (struct oxen_entry_json){ .tree = tree, .resource = resource };
    for (size_t i = 0; i < OXEN_KEPT_COMMITS; i++)
        text_init(&json->kept[i].json, JSON_REPLY_MAX);
    if (!resource)
        return FAULT_NONE;
    text_init(&commit, JSON_REPLY_MAX);
    enum fault f = oxen_entry_json_commit(json, &commit, resource->commit.bytes, why);
    json->resource_commit =
        f ? NULL : arena_strdup(tree->x->arena, text_string(&commit), commit.len);
    text_release(&commit);
    if (!f && !json->resource_commit)
        f = problem_internal(why, "no memory for a commit");
    return f;
}

void oxen_entry_json_end(struct oxen_entry_json *json)
{
    for (size_t i = 0; i < OXEN_KEPT_COMMITS; i++)
        text_release(&json->kept[i].json);
}

/* ---- resources and entries ---- */

void oxen_entry_json_resource(struct oxen_entry_json *json, struct text *out, const char *path)
{
    const struct oxen_resource *resource = json->resource;
    text_adds(out, "{\"workspace\":null,\"commit\":");
    text_adds(out, json->resource_commit);
    text_adds(out, ",\"branch\":");
    if (resource->branch) {
        text_addc(out, '{');
        oxen_reply_text(out, "name", resource->branch);
        text_adds(out, ",\"commit_id\":");
        add_hash(out, resource->commit.bytes);
        text_addc(out, '}');
    } else {
        text_adds(out, "null");
    }
    oxen_reply_text(out, "path", path);
    oxen_reply_text(out, "version", resource->version);
    text_adds(out, ",\"resource\":");
    const char *whole = arena_printf(json->tree->x->arena, "%s/%s", resource->version, path);
    json_quote(out, whole ? whole : "", whole ? strlen(whole) : 0);
    text_addc(out, '}');
}

static void add_kind(struct text *out, const struct oxen_node_entry *entry)
{
    static const char tabular[] = "tabular";
    const bool is_dir = entry->kind == OXEN_NODE_DIR;
    const bool is_table = !is_dir && entry->data_type.len == sizeof tabular - 1 &&
                          memcmp(entry->data_type.bytes, tabular, sizeof tabular - 1) == 0;
    oxen_reply_number(out, "size", entry->bytes);
    if (is_dir) {
        text_adds(out,
                  ",\"data_type\":\"dir\",\"mime_type\":\"inode/directory\",\"extension\":\"\"");
    } else {
        add_bytes(out, "data_type", entry->data_type);
        add_bytes(out, "mime_type", entry->mime_type);
        add_bytes(out, "extension", entry->extension);
    }
    text_adds(out, ",\"metadata\":");
    oxen_metadata_json_add(out, entry);
    text_adds(out, is_table ? ",\"is_queryable\":false}" : ",\"is_queryable\":null}");
}

enum fault oxen_entry_json_entry(struct oxen_entry_json *json, struct text *out,
                                 struct oxen_found *found, const char *path, struct problem *why)
{
    struct oxen_node_entry entry;
    enum fault f = oxen_lookup_entry(json->tree, found, &entry, why);
    if (f)
        return f;
    text_adds(out, "{\"filename\":");
    json_quote(out, entry.name.bytes, entry.name.len);
    text_adds(out, ",\"hash\":");
    add_hash(out, entry.hash);
    oxen_reply_truth(out, "is_dir", entry.kind == OXEN_NODE_DIR);
    text_adds(out, ",\"latest_commit\":");
    /* reading the commit takes the payload's place: the entry is read once more */
    f = oxen_entry_json_commit(json, out, entry.last_commit, why);
    if (!f)
        f = oxen_lookup_entry(json->tree, found, &entry, why);
    if (f)
        return f;
    text_adds(out, ",\"resource\":");
    oxen_entry_json_resource(json, out, path);
    add_kind(out, &entry);
    return FAULT_NONE;
}

enum fault oxen_entry_json_dir_metadata(struct oxen_entry_json *json, struct text *out,
                                        struct oxen_found *found, struct problem *why)
{
    struct oxen_node_entry entry;
    const enum fault f = oxen_lookup_entry(json->tree, found, &entry, why);
    if (!f)
        oxen_metadata_json_add(out, &entry);
    return f;
}
