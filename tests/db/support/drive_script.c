/* What is asked so that every route gets rows to work on, in an order in which it succeeds. */
#include "support/drive.h"

#define TARGET "\"target\":{\"workspace\":\"w\",\"collection\":\"c\",\"dataset\":\"d\"}"
#define REPO "/api/repos/ns/tiny"
#define HASH "6bba86c7e069f56d5a10b435f1c8e49c"
#define PUSH "oxen/push/"
#define TABLE_OF(name)                                                                             \
    "{\"tableName\":\"" name "\",\"tableType\":\"OFFLINE\",\"segmentsConfig\":"                    \
    "{\"replication\":\"1\"},\"tenants\":{},\"tableIndexConfig\":{},\"metadata\":{}}"
#define SCHEMA_OF(name)                                                                            \
    "{\"schemaName\":\"" name                                                                      \
    "\",\"dimensionFieldSpecs\":[{\"name\":\"a\",\"dataType\":\"STRING\"}]}"
#define TABLE TABLE_OF("t")
#define SCHEMA SCHEMA_OF("t")
#define CONFIGS "{\"tableName\":\"u\",\"schema\":" SCHEMA_OF("u") ",\"offline\":" TABLE_OF("u") "}"
#define FORM                                                                                       \
    "--b\r\nContent-Disposition: form-data; name=\"contract\"\r\n\r\n{" TARGET                     \
    ",\"schema\":{\"mode\":\"auto\"}}\r\n--b\r\nContent-Disposition: form-data; name=\"sample\"; " \
    "filename=\"a.csv\"\r\n\r\na,b\n1,x\n\r\n--b--\r\n"
#define FORM_TYPE                                                                                  \
    {                                                                                              \
        "CONTENT_TYPE", "multipart/form-data; boundary=b"                                          \
    }

static const struct drive_step script[] = {
    /* Pinot */
    { "POST", "/schemas", SCHEMA, 200, BODY_TEXT, { 0 } },
    { "POST", "/schemas?override=false", SCHEMA, 409, BODY_TEXT, { 0 } },
    { "PUT", "/schemas/t", SCHEMA, 200, BODY_TEXT, { 0 } },
    { "PUT", "/schemas/nosuch", "{\"schemaName\":\"nosuch\"}", 404, BODY_TEXT, { 0 } },
    { "POST", "/tables", TABLE, 200, BODY_TEXT, { 0 } },
    { "POST", "/tables", TABLE, 409, BODY_TEXT, { 0 } },
    { "PUT", "/tables/t", TABLE, 200, BODY_TEXT, { 0 } },
    { "POST", "/schemas/validate", SCHEMA, 200, BODY_TEXT, { 0 } },
    { "POST", "/tables/validate", TABLE, 200, BODY_TEXT, { 0 } },
    { "POST", "/tableConfigs/validate", CONFIGS, 200, BODY_TEXT, { 0 } },
    { "POST", "/tableConfigs", CONFIGS, 200, BODY_TEXT, { 0 } },
    { "PUT", "/tableConfigs/u", CONFIGS, 200, BODY_TEXT, { 0 } },
    { "POST",
      "/segments/batchUpload/?tableName=u&tableType=OFFLINE",
      "s1",
      200,
      BODY_BATCH,
      { "HTTP_UPLOAD_TYPE", "METADATA" } },
    { "DELETE", "/schemas/t", NULL, 409, BODY_TEXT, { 0 } },
    { "POST",
      "/segments/batchUpload?tableName=t&tableType=OFFLINE",
      "s1 s2 s3",
      200,
      BODY_BATCH,
      { "HTTP_UPLOAD_TYPE", "METADATA" } },
    { "POST",
      "/segments/batchUpload?tableName=nosuch&tableType=OFFLINE",
      "s1",
      0,
      BODY_BATCH,
      { "HTTP_UPLOAD_TYPE", "METADATA" } },
    { "POST",
      "/segments/batchUpload?tableName=t&tableType=OFFLINE",
      "long_",
      200,
      BODY_MANY,
      { "HTTP_UPLOAD_TYPE", "METADATA" } },
    { "POST", "/segments?tableName=t", "s4", 200, BODY_SEGMENT, { 0 } },
    { "POST", "/v2/segments?tableName=t", "s1", 200, BODY_SEGMENT, { 0 } },
    { "POST", "/segments/t/delete", "[\"s2\",\"nosuch\"]", 0, BODY_TEXT, { 0 } },
    { "DELETE", "/segments/t/s3", NULL, 200, BODY_TEXT, { 0 } },

    /* Oxen: what the real client sent, and what stands beside it */
    { "POST", "/api/repos", PUSH "0002_POST_api_repos.http", 0, BODY_RECORDED, { 0 } },
    { "POST", "/api/repos", PUSH "0002_POST_api_repos.http", 409, BODY_RECORDED, { 0 } },
    { "POST",
      REPO "/action/started/push",
      PUSH "0005_POST_api_repos_ns_tiny_action_started_push.http",
      200,
      BODY_RECORDED,
      { 0 } },
    { "POST",
      REPO "/commits/missing",
      PUSH "0008_POST_api_repos_ns_tiny_commits_missing.http",
      200,
      BODY_RECORDED,
      { 0 } },
    { "POST",
      REPO "/versions",
      PUSH "0009_POST_api_repos_ns_tiny_versions.http",
      200,
      BODY_RECORDED,
      { 0 } },
    { "POST",
      REPO "/tree/nodes",
      PUSH "0010_POST_api_repos_ns_tiny_tree_nodes.http",
      200,
      BODY_RECORDED,
      { 0 } },
    { "POST",
      REPO "/commits/upload",
      PUSH "0011_POST_api_repos_ns_tiny_commits_upload.http",
      200,
      BODY_RECORDED,
      { 0 } },
    { "POST",
      REPO "/branches",
      PUSH "0012_POST_api_repos_ns_tiny_branches.http",
      200,
      BODY_RECORDED,
      { 0 } },
    { "PUT",
      REPO "/branches/main",
      "{\"commit_id\":\"9434f0f65e4753540e7cce92e6babc6c\"}",
      200,
      BODY_TEXT,
      { 0 } },
    { "POST", REPO "/versions/missing", "{\"hashes\":[\"" HASH "\"]}", 200, BODY_TEXT, { 0 } },
    { "QUERY", REPO "/versions", HASH, 200, BODY_GZIP, { 0 } },
    { "POST", REPO "/versions/batch-download", HASH, 200, BODY_GZIP, { 0 } },
    { "POST",
      REPO "/versions/uploads",
      "{\"hash\":\"eb9947a4e75ed076fa839d73e7fdfba8\",\"size\":20}",
      200,
      BODY_TEXT,
      { 0 } },
    { "PUT", REPO "/versions/uploads/$U/parts/1", "twenty bytes of text", 200, BODY_TEXT, { 0 } },
    { "POST", REPO "/commits/mark_commits_as_synced", "{\"hashes\":[]}", 200, BODY_TEXT, { 0 } },
    { "POST",
      REPO "/tree/nodes/missing_node_hashes",
      "{\"hashes\":[\"" HASH "\"]}",
      200,
      BODY_TEXT,
      { 0 } },

    /* Opteryx */
    { "POST", "/v1/upload/session", "{" TARGET "}", 201, BODY_TEXT, { 0 } },
    { "PUT",
      "/v1/upload/$S?part=0",
      "a,b\n1,x\n2,y\n",
      201,
      BODY_TEXT,
      { "HTTP_X_FILE_NAME", "a.csv" } },
    { "PUT",
      "/v1/upload/$S?part=1",
      "a,b\n3,z\n",
      201,
      BODY_TEXT,
      { "HTTP_X_FILE_NAME", "b.csv" } },
    { "DELETE", "/v1/upload/$S/part/1", NULL, 200, BODY_TEXT, { 0 } },
    { "GET", "/v1/upload/$S/inspect", NULL, 200, BODY_TEXT, { 0 } },
    { "POST", "/v1/upload/$S/commit", "{" TARGET "}", 200, BODY_TEXT, { 0 } },
    { "POST",
      "/v1/upload/$S/commit",
      "{" TARGET ",\"conflict_resolution\":\"append\"}",
      409,
      BODY_TEXT,
      { 0 } },
    { "POST", "/v2/contracts", FORM, 201, BODY_TEXT, FORM_TYPE },
    { "DELETE", "/v2/contracts/$K", NULL, 204, BODY_TEXT, { 0 } },
    { "POST", "/v2/contracts/$K/commit", "{}", 409, BODY_TEXT, { 0 } },
    { "POST", "/v2/contracts", FORM, 201, BODY_TEXT, FORM_TYPE },
    { "GET", "/v2/contracts/$K", NULL, 200, BODY_TEXT, { 0 } },
    { "PATCH", "/v2/contracts/$K", "{\"ignore\":[]}", 200, BODY_TEXT, { 0 } },
    { "PUT", "/v2/contracts/$K/accept", "{\"schema_fingerprint\":\"$F\"}", 200, BODY_TEXT, { 0 } },
    { "POST",
      "/v2/contracts/$K/data",
      "a,b\n4,q\n",
      200,
      BODY_TEXT,
      { "HTTP_X_FILE_NAME", "a.csv" } },
    { "POST", "/v2/contracts/$K/commit", "{}", 200, BODY_TEXT, { 0 } },
    { "POST", "/v2/contracts/$K/commit", "{}", 200, BODY_TEXT, { 0 } },
    { "POST", "/v1/datasets/w.c.d/rollback", "{\"snapshot\":\"$C\"}", 200, BODY_TEXT, { 0 } },
    { "POST", "/v1/datasets/w.c.nosuch/rollback", "{\"snapshot\":\"$C\"}", 404, BODY_TEXT, { 0 } },
};

const struct drive_step *drive_script(size_t *count)
{
    *count = sizeof script / sizeof script[0];
    return script;
}
