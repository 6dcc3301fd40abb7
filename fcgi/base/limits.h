/*
 * limits.h - every bound of the program that a client can run into, with its unit and the fault
 * that it raises.  Bounds that an operator may move are settings (config.def); their defaults
 * stand there.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include <stdint.h>

#define KIB 1024
#define MIB (1024 * KIB)

enum {
    IO_CHUNK = 64 * KIB,       /* bytes moved at once from socket to parser to file */
    ARENA_MAX = 8 * MIB,       /* bytes of one request's arena: FAULT_TOO_LARGE */
    STREAM_OUT_MAX = 64 * KIB, /* bytes of a reply held before they are sent on */

    /* request line and headers */
    PATH_MAX_BYTES = 4 * KIB,    /* raw REQUEST_URI without the query: FAULT_MALFORMED */
    PATH_SEGMENTS_MAX = 64,      /* segments of a path: FAULT_MISSING */
    QUERY_MAX_BYTES = 16 * KIB,  /* raw query string: FAULT_MALFORMED */
    QUERY_PAIRS_MAX = 64,        /* name=value pairs in it: FAULT_MALFORMED */
    HEADER_VALUE_MAX = 16 * KIB, /* one request header's value: FAULT_MALFORMED */

    /* JSON */
    JSON_DEPTH_MAX = 32,      /* nesting: FAULT_MALFORMED */
    JSON_TREE_MAX = 10 * MIB, /* bytes that the values of one text take: FAULT_TOO_LARGE */
    JSON_BODY_MAX =
        4 * MIB, /* bytes of a JSON body where a route does not say less: FAULT_TOO_LARGE */
    JSON_REPLY_MAX =
        16 * MIB, /* bytes of a JSON reply that is built before it is sent: FAULT_INTERNAL */

    /* multipart/form-data, RFC 7578 and RFC 2046 section 5.1 */
    MULTIPART_BOUNDARY_MAX = 200, /* bytes; the RFC says 70, clients send more: FAULT_MALFORMED */
    MULTIPART_PARTS_MAX = 100000, /* parts of one body: FAULT_TOO_LARGE */
    MULTIPART_HEADERS_MAX = 32,   /* header lines of one part: FAULT_MALFORMED */
    MULTIPART_HEADER_BYTES_MAX = 16 * KIB, /* all header bytes of one part: FAULT_MALFORMED */
    MULTIPART_PREAMBLE_MAX = 64 * KIB,     /* bytes before the first boundary: FAULT_MALFORMED */

    /* content codings: windows bound the memory of a decoder */
    ZSTD_WINDOW_LOG_MAX = 23, /* 8 MiB of window; larger: FAULT_UNPROCESSABLE */
    CODING_RATIO_MAX =
        1100, /* decoded bytes to one encoded, past CODING_RATIO_FROM: FAULT_TOO_LARGE */
    CODING_RATIO_FROM = 16 * MIB, /* decoded bytes before the ratio is looked at */

    /* tar */
    TAR_NAME_MAX = 4 * KIB,   /* bytes of an entry's name, pax or GNU: FAULT_MALFORMED */
    TAR_PAX_MAX = 64 * KIB,   /* bytes of one pax header: FAULT_MALFORMED */
    TAR_ENTRIES_MAX = 100000, /* entries of one archive: FAULT_TOO_LARGE */

    /* blob store */
    BLOB_PACK_BELOW = 256 * KIB,     /* bytes; smaller contents are appended to a pack */
    BLOB_PACK_BUFFER = 1 * MIB,      /* bytes held before they are written to a pack */
    BLOB_PACK_BYTES_MAX = 512 * MIB, /* bytes of a pack before a new one is begun */

    /* Opteryx */
    OPTERYX_BODY_MAX = 256 * KIB, /* bytes of a session's or commit's JSON body: FAULT_TOO_LARGE */
    OPTERYX_ECHO_MAX = 512,       /* bytes of a bad input that a 422 repeats; the rest is cut */
    OPTERYX_NAME_MAX = 128,       /* characters of a workspace, collection or dataset: 422 */
    OPTERYX_PARTS_MAX = 1000,     /* parts of one session, numbered from 0: 422 */
    OPTERYX_COLUMNS_MAX = 16384,  /* columns of a part or dataset: FAULT_UNPROCESSABLE */
    OPTERYX_COLUMN_NAME_MAX = 1 * KIB, /* bytes of a column's name: FAULT_UNPROCESSABLE */
    OPTERYX_NAMES_MAX = 1 * MIB,       /* bytes of all their names in JSON: FAULT_UNPROCESSABLE */
    OPTERYX_ISSUES_MAX = 32,           /* issues told of one part; later ones are dropped */
    OPTERYX_CELL_MAX = 512, /* bytes of a value looked at for its type; longer ones are text */
    CONVERT_VALUE_BYTES = 1 * MIB, /* bytes of a value that is converted: FAULT_UNPROCESSABLE */
    CONVERT_ROW_BYTES = 4 * MIB,   /* bytes of the texts of a row: FAULT_UNPROCESSABLE */
    NDJSON_DEPTH_MAX = 128,        /* lists and objects in a value of NDJSON: FAULT_UNPROCESSABLE */
    PARQUET_ELEMENTS_MAX = 1 << 20, /* elements of a schema: FAULT_UNPROCESSABLE */
    OPTERYX_PAGE = 100,             /* entries of a list where the client does not say how many */
    OPTERYX_PAGE_MAX = 1000,        /* entries of a list: 422 */
    OPTERYX_PAGE_BYTES = 1 * MIB,   /* names and messages of a list, past which its page ends */
    OPTERYX_INSPECT_ISSUES_MAX = 1000,  /* issues told of a session; later ones are counted */
    OPTERYX_RANGES_MAX = 4096,          /* ranges of file numbers of a snapshot: FAULT_CONFLICT */
    OPTERYX_CONTRACT_MAX = 1 * MIB,     /* bytes of a contract's terms: FAULT_TOO_LARGE */
    OPTERYX_CONTRACTS_OPEN_MAX = 1000,  /* of one token: FAULT_TOO_LARGE */
    OPTERYX_SAMPLES_MAX = 256,          /* of one negotiation: FAULT_TOO_LARGE */
    OPTERYX_SAMPLE_MAX = 8 * MIB,       /* bytes of one as sent: FAULT_TOO_LARGE */
    OPTERYX_SAMPLE_WHOLE = 4 * MIB - 1, /* bytes, past which clients have cut it */
    OPTERYX_SAMPLE_DECODED_MAX = 64 * MIB, /* bytes of one that are looked at; the rest is not */
    OPTERYX_PLANS_MAX = 16, /* plans of one commit that others overtook: FAULT_BUSY */
    /* Pinot */
    PINOT_PROPERTIES_MAX = 4 * MIB,  /* bytes of one metadata.properties: FAULT_TOO_LARGE */
    PINOT_CONFIG_MAX = 2 * MIB,      /* bytes of a table config or schema: FAULT_TOO_LARGE */
    PINOT_CUSTOM_MAP_MAX = 64 * KIB, /* bytes of a segment's custom map as JSON: FAULT_TOO_LARGE */
    PINOT_COLUMNS_MAX = 4096,        /* columns of a schema: FAULT_TOO_LARGE */
    PINOT_REPLACE_MAX = 2 * MIB,     /* bytes of a call that replaces segments: FAULT_TOO_LARGE */
    PINOT_PARTITIONED_MAX = 16,      /* partitioned columns of a segment: FAULT_TOO_LARGE */
    PINOT_PARTITIONS_MAX = 8192,     /* partitions of one column of a segment: FAULT_TOO_LARGE */
    PINOT_PARTITION_TEXT_MAX =
        4 * KIB, /* bytes of such a column's name or function: FAULT_TOO_LARGE */
    PINOT_PARTITION_JSON_MAX = 64 * KIB, /* bytes of all that as JSON: FAULT_TOO_LARGE */
    PINOT_RAW_TIME_MAX = 128,            /* bytes of a raw start or end time: FAULT_MALFORMED */
    PINOT_URI_MAX = 4 * KIB,             /* bytes of a download URI: FAULT_MALFORMED */
    PINOT_BATCH_SEGMENTS_MAX = 15000,    /* segments of one batch: FAULT_TOO_LARGE */
    PINOT_BATCH_BYTES_MAX = 6 * MIB, /* what a batch's segments take in memory: FAULT_TOO_LARGE */
    PINOT_PUSH_PAGES_MAX = 32 * MIB, /* database pages that a push holds changed: FAULT_TOO_LARGE */
    /* Oxen */
    OXEN_ERRORS_MAX = 4 * MIB,     /* bytes of a batch's err_files: FAULT_TOO_LARGE */
    OXEN_LIST_MAX = 16 * MIB,      /* bytes of a list of hashes to download: FAULT_TOO_LARGE */
    OXEN_LIST_WIRE_MAX = 7 * MIB,  /* bytes of it as sent, zipped: FAULT_TOO_LARGE */
    OXEN_LIST_HASHES_MAX = 400000, /* different hashes in it: FAULT_TOO_LARGE */
    OXEN_MISSING_TOLD_MAX = 50000, /* hashes that are told to be missing; later ones are counted */
    OXEN_OPEN_COMMITS_MAX =
        64 * KIB,             /* of a repository, looked at when a push ends; others stay open */
    OXEN_NODE_HEAD = 4 * KIB, /* bytes of a commit's tree node that are searched for its parents */
    OXEN_LINE_MAX = 64,       /* bytes of a line in it; longer ones are no hashes */
    OXEN_PART_BYTES = 10 * MIB,     /* of a part of a resumable upload, at least */
    OXEN_UPLOAD_PARTS_MAX = 10000,  /* parts of one upload: larger files get larger parts */
    OXEN_WINDOW_BYTES = 1024 * MIB, /* of the parts that a client may send at once */
    OXEN_UPLOADS_OPEN_MAX = 1000,   /* unfinished uploads of one repository: FAULT_BUSY */
    OXEN_GUNZIP_FROM =
        32 * MIB,            /* bytes of a request after gunzip before their ratio is looked at */
    OXEN_GUNZIP_RATIO = 100, /* of those to the request's own bytes: a file's FAULT_TOO_LARGE */
    OXEN_PAYLOAD_MAX = 1 * MIB,   /* bytes of one tree node's payload: FAULT_MALFORMED */
    OXEN_ENTRY_NAME_MAX = 1024,   /* bytes of a file's or dir's name in a tree: FAULT_MALFORMED */
    OXEN_TREE_DEPTH_MAX = 256,    /* dirs in each other: FAULT_MALFORMED */
    OXEN_VNODES_MAX = 1024,       /* vnodes of a dir that are searched for one name */
    OXEN_WALK_NODES_MAX = 250000, /* different tree nodes that one request walks: FAULT_TOO_LARGE */
    OXEN_PAGE_SIZE_MAX = 5000,    /* entries of a page of a list; a larger one becomes this */
    OXEN_PAGES_MAX = 1000000,     /* pages of a list: FAULT_MALFORMED */
    OXEN_PARENTS_MAX = 64,        /* parents of one commit: FAULT_MALFORMED */
    OXEN_HISTORY_MAX = 200000,    /* commits that one request walks: FAULT_TOO_LARGE */
    OXEN_UPLOAD_IDLE_HOURS = 24,  /* without a part, after which an upload expires: FAULT_MISSING */

    /* names */
    NAME_MAX_BYTES =
        256, /* a token's, table's, dataset's or repository's name with the NUL: FAULT_MALFORMED */
};

/* Rows of one Parquet file, so that no sum of files overflows: FAULT_UNPROCESSABLE. */
#define PARQUET_ROWS_MAX (INT64_C(1) << 40)

/* Bytes of one resumable upload: FAULT_MALFORMED. */
#define OXEN_UPLOAD_BYTES_MAX (INT64_C(1) << 40)

#endif
