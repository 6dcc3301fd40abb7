#include "pinot/pinot.h"

#include "pinot/batch_upload.h"
#include "pinot/replace.h"
#include "pinot/reply.h"
#include "pinot/schemas.h"
#include "pinot/segments.h"
#include "pinot/single_upload.h"
#include "pinot/table_configs.h"
#include "pinot/tables.h"
#include "pinot/version.h"

static const char *const prefixes[] = { "/segments",     "/v2/segments", "/tables", "/schemas",
                                        "/tableConfigs", "/version",     NULL };

/* Of two patterns that a path fits, the first with the method answers. */
static const struct route routes[] = {
    { "POST", "/segments/batchUpload", RIGHT_WRITE, pinot_batch_upload },
    { "POST", "/segments/batchUpload/", RIGHT_WRITE, pinot_batch_upload },
    { "POST", "/segments", RIGHT_WRITE, pinot_upload },
    { "POST", "/v2/segments", RIGHT_WRITE, pinot_upload_v2 },
    { "GET", "/segments/{table}", RIGHT_READ, pinot_segments_list },
    { "DELETE", "/segments/{table}", RIGHT_WRITE, pinot_segments_delete },
    { "POST", "/segments/{table}/delete", RIGHT_WRITE, pinot_segments_delete_listed },
    { "GET", "/segments/{table}/crc", RIGHT_READ, pinot_segments_crc },
    { "GET", "/segments/{table}/select", RIGHT_READ, pinot_segments_select },
    { "GET", "/segments/{table}/lineage", RIGHT_READ, pinot_replace_lineage },
    { "POST", "/segments/{table}/startReplaceSegments", RIGHT_WRITE, pinot_replace_start },
    { "POST", "/segments/{table}/endReplaceSegments", RIGHT_WRITE, pinot_replace_end },
    { "POST", "/segments/{table}/revertReplaceSegments", RIGHT_WRITE, pinot_replace_revert },
    { "GET", "/segments/{table}/metadata", RIGHT_READ, pinot_segments_metadata },
    { "GET", "/segments/{table}/zkmetadata", RIGHT_READ, pinot_segments_metadata },
    { "GET", "/segments/{table}/{segment}/metadata", RIGHT_READ, pinot_segment_metadata },
    { "GET", "/segments/{table}/{segment}", RIGHT_READ, pinot_segment_download },
    { "DELETE", "/segments/{table}/{segment}", RIGHT_WRITE, pinot_segments_delete_one },
    { "POST", "/tables", RIGHT_ADMIN, pinot_tables_post },
    { "GET", "/tables", RIGHT_READ, pinot_tables_list },
    { "POST", "/tables/validate", RIGHT_READ, pinot_tables_validate },
    { "GET", "/tables/{table}", RIGHT_READ, pinot_table_read },
    { "PUT", "/tables/{table}", RIGHT_ADMIN, pinot_table_put },
    { "DELETE", "/tables/{table}", RIGHT_ADMIN, pinot_tables_delete },
    { "GET", "/tables/{table}/schema", RIGHT_READ, pinot_table_schema },
    { "GET", "/tables/{table}/size", RIGHT_READ, pinot_table_size },
    { "POST", "/schemas", RIGHT_ADMIN, pinot_schemas_post },
    { "GET", "/schemas", RIGHT_READ, pinot_schemas_list },
    { "POST", "/schemas/validate", RIGHT_READ, pinot_schemas_validate },
    { "GET", "/schemas/{schema}", RIGHT_READ, pinot_schema_read },
    { "PUT", "/schemas/{schema}", RIGHT_ADMIN, pinot_schema_replace },
    { "DELETE", "/schemas/{schema}", RIGHT_ADMIN, pinot_schemas_delete },
    { "POST", "/tableConfigs", RIGHT_ADMIN, pinot_table_configs_post },
    { "GET", "/tableConfigs", RIGHT_READ, pinot_table_configs_list },
    { "POST", "/tableConfigs/validate", RIGHT_READ, pinot_table_configs_validate },
    { "GET", "/tableConfigs/{table}", RIGHT_READ, pinot_table_configs_read },
    { "PUT", "/tableConfigs/{table}", RIGHT_ADMIN, pinot_table_configs_put },
    { "DELETE", "/tableConfigs/{table}", RIGHT_ADMIN, pinot_table_configs_delete },
    { "GET", "/version", RIGHT_NONE, pinot_version_get },
};

const struct surface pinot_surface = {
    .name = "pinot",
    .prefixes = prefixes,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .gate = pinot_gate,
    .refuse = pinot_refuse,
};
