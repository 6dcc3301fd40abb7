"""Where Sluice answers a recorded request differently on purpose, each with its reason; and the
recorded cases that are not Sluice's.  A case that is neither equal nor here fails the tests."""

import re

SAME = object()  # the recorded text, under another status

BLAME = "what the client did wrong is 400, not 500"
CAUSE = "the text names the cause"
ATOMIC = "a refused batch leaves nothing behind"
JAVA = "the cause is told without the words of a Java library"
URI = "a download URI that nothing could fetch is refused"
NAMES = "a file's prefix and the segment's name inside must agree"
ONCE = "a segment is named once in the mapping"
CLIMBS = "an archive with names that climb out is refused as a whole"
DATABASE = "the database header names the table's database"
QUOTA = "the quota is checked for the batch as a whole, with what is known of the table"
FETCH = "nothing is fetched over HTTP, and files below the configured folders alone"
ROOTS = "a file below a folder that is configured for the table is fetched"
LEASE = "no lock is left behind by an upload that failed"
HANDLOCK = "the recorder had written a lock into ZooKeeper by hand; here none is held"
ONETYPE = "tableType is not needed when the table has one type"
PATHS = "no text tells a path of the server"
AT_ONCE = "a delete is done when it is answered"
HEALTH = "one health answer for all surfaces"
OPTIONS = "OPTIONS is answered with 204 and Allow"
VERSION = "the version tells that this is Sluice"
OWN = "Sluice answers from its own rows; no server of a cluster is asked"
RANGE = "Range is honoured"
BOTH_NAMES = "a table is found by its name with and without type"
CUT = "the recorded body is cut short, so only the status is compared"

MODIFIER = (
    'Pinot-SegmentZKMetadataCustomMapModifier must be {"mapModifyMode":"UPDATE" or "REPLACE",'
    '"map":{...}} with texts'
)
UNZIP = "Failed to unzip the segment metadata files. "
NO_ROOT = "only file: URIs below the folders of SLUICE_DEEP_STORE_ROOTS that are for this table are read: "

# case: (status, text of the error or of the status; None: any, reason)
DIFFERENT = {
    "setup-008-schemas-invalid-json": (400, "Invalid schema config json string: {not json. Reason: ", JAVA),
    "setup-020-tables-create-invalid-json": (400, "", JAVA),
    "setup-021-tables-create-no-tableName": (400, "Missing required creator property 'tableName'", JAVA),
    "setup-027-tables-list-type-bogus": (400, "Illegal table type 'bogus'", BLAME),
    "g1-048-missing-tableName": (400, SAME, BLAME),
    "g1-049-empty-tableName": (400, SAME, BLAME),
    "g1-050-missing-tableType": (200, "Successfully uploaded segments: [g1_e] of table: myTable_OFFLINE", ONETYPE),
    "g1-051-wrong-tableType-BOGUS": (400, "Illegal table type 'BOGUS'", BLAME),
    "g1-060-UPLOAD-TYPE-BOGUS": (400, "UPLOAD_TYPE 'BOGUS' is none of ", BLAME),
    "g1-061-UPLOAD-TYPE-metadata-lower-case-": (400, "UPLOAD_TYPE 'metadata' is none of ", BLAME),
    "g1-043-after-412-new-segment-of-the-refused-batch-is-registered-": (404, "Failed to find segment: g1_im2", ATOMIC),
    "g1-074-OPTIONS-batchUpload": (204, None, OPTIONS),
    "g2-001-0-byte-part": (400, UNZIP, BLAME),
    "g2-002-part-is-not-gzip": (400, UNZIP, BLAME),
    "g2-003-part-is-a-plain-ungzipped-tar": (400, UNZIP, BLAME),
    "g2-004-gzip-of-garbage-not-a-tar-": (400, UNZIP, BLAME),
    "g2-005-truncated-tar-gz": (400, UNZIP, BLAME),
    "g2-011-odd-number-of-lines-last-uri-missing-": (400, SAME, BLAME),
    "g2-012-odd-number-of-lines-no-trailing-newline-": (400, SAME, BLAME),
    "g2-013-empty-download-URI-line": (400, SAME, BLAME),
    "g2-014-blank-download-URI-space-": (400, "the download URI of segment: g2_h is blank", URI),
    "g2-016-trailing-blank-lines-in-mapping": (400, SAME, BLAME),
    "g2-017-mapping-names-a-segment-without-files": (400, "the archive has no creation.meta of segment: g2_ghost", BLAME),
    "g2-021-missing-creation-meta-of-2nd-of-3": (400, "the archive has no creation.meta of segment: g2_m2", BLAME),
    "g2-023-missing-metadata-properties": (400, "the archive has no metadata.properties of segment: g2_n", BLAME),
    "g2-024-creation-meta-empty-0-bytes-": (400, "creation.meta of segment: g2_o has 0 bytes", BLAME),
    "g2-027-creation-meta-8-bytes": (400, "creation.meta of segment: g2_o8 has 8 bytes", BLAME),
    "g2-028-metadata-properties-empty": (400, SAME, BLAME),
    "g2-029-metadata-properties-garbage": (400, SAME, BLAME),
    "g2-030-metadata-properties-without-segment-name": (400, "segment.name is missing in metadata.properties of segment: g2_r", BLAME),
    "g2-031-metadata-properties-without-total-docs": (400, SAME, BLAME),
    "g2-032-segment-name-differs-from-the-file-name": (400, "the files of segment: g2_file have segment.name = g2_inner inside", NAMES),
    "g2-033-after-metadata-of-g2-inner": (404, "Failed to find segment: g2_inner", NAMES),
    "g2-035-two-file-pairs-with-the-same-inner-segment-name": (400, "the files of segment: s1 have segment.name = g2_dup inside", NAMES),
    "g2-036-after-metadata-of-g2-dup": (404, "Failed to find segment: g2_dup", NAMES),
    "g2-037-after-raw-znode-of-g2-dup": (404, None, NAMES),
    "g2-038-path-traversal-entry": (400, "the archive has an entry with '..' or '/' at its start", CLIMBS),
    "g2-039-path-traversal-entry-top-": (400, "the archive has an entry with '..' or '/' at its start", CLIMBS),
    "g2-041-segment-name-with-slash": (400, "the files of segment: x have segment.name = g2/slash inside", NAMES),
    "g2-042-uri-with-bad-syntax": (400, "the download URI of segment: g2_buri is blank", URI),
    "g2-043-after-metadata-of-g2-buri": (404, "Failed to find segment: g2_buri", URI),
    "g2-057-copy-to-deep-store-http-source": (403, NO_ROOT, FETCH),
    "g2-058-after-metadata-of-g2-ds3": (404, "Failed to find segment: g2_ds3", ATOMIC),
    "g2-059-copy-to-deep-store-2nd-of-3-source-missing-ppp-false": (403, NO_ROOT, FETCH),
    "g2-060-after-failed-copy-ppp-false-znode-g2-cf1": (404, None, ATOMIC),
    "g2-061-after-failed-copy-ppp-false-znode-g2-cf2": (404, None, ATOMIC),
    "g2-065-after-failed-copy-ppp-false-GET-metadata-of-1st": (404, "Failed to find segment: g2_cf1", ATOMIC),
    "g2-069-copy-to-deep-store-2nd-of-3-source-missing-ppp-true": (403, NO_ROOT, FETCH),
    "g2-070-after-failed-copy-ppp-true-znode-g2-ct1": (404, None, ATOMIC),
    "g2-071-after-failed-copy-ppp-true-znode-g2-ct2": (404, None, ATOMIC),
    "g2-075-after-failed-copy-ppp-true-GET-metadata-of-1st": (404, "Failed to find segment: g2_ct1", ATOMIC),
    "g2-076-retry-of-the-whole-batch-sources-fixed-ppp-true": (200, "Successfully uploaded segments: [g2_ct1, g2_ct2, g2_ct3]", LEASE),
    "g3-003-lock-held-fresh-ppp-true-existing-segment": (200, "Successfully uploaded segments: [g3_l1]", HANDLOCK),
    "g3-006-lock-held-590-s-ppp-true": (200, "Successfully uploaded segments: [g3_l1]", HANDLOCK),
    "g3-009-batch-new-free-locked-ppp-true": (200, "Successfully uploaded segments: [g3_l0, g3_l1, g3_l2]", HANDLOCK),
    "g3-002-lock-held-znode": (200, None, HANDLOCK),
    "g3-027-database-header-unknown-db": (400, "Failed to fetch table config for table: mydb.myTable_OFFLINE", DATABASE),
    "g3-031-tableName-db1-myTable-database-header-db2": (400, SAME, BLAME),
    "g3-035-push-to-dbTable-with-database-mydb-header": (200, "Successfully uploaded segments: [g3_d2] of table: mydb.dbTable_OFFLINE", DATABASE),
    "g3-036-single-push-to-dbTable-with-database-header": (200, "Successfully uploaded segment: g3_d3 of table: mydb.dbTable_OFFLINE", DATABASE),
    "g3-044-quota-again-1125-B-now-one-unreported-segment-exists": (403, "Storage quota check failed for segment: g3_q3 of table: qTable_OFFLINE", QUOTA),
    "g3-047-quota-batch-of-3-x-1125-B-into-an-empty-2K-table-each-checked-alone-": (403, "Storage quota check failed for segment: g3_r2 of table: q2Table_OFFLINE", QUOTA),
    "g3-064-custom-map-modifier": (400, MODIFIER, BLAME),
    "g3-067-custom-map-modifier-invalid-json": (400, MODIFIER, BLAME),
    "g3-068-custom-map-modifier-invalid-json-existing": (400, MODIFIER, BLAME),
    "g3-070-CRYPTER-unknown": (400, "Pinot crypter not configured for class name: nope", BLAME),
    "g4-001-custom-map-modifier": (400, MODIFIER, BLAME),
    "g4-004-custom-map-modifier-invalid-json-on-existing-ppp-true": (400, MODIFIER, BLAME),
    "g4-015--segments-bad-tableType": (400, "Illegal table type 'X'", BLAME),
    "g4-021--segments-URI-json-file-uri": (200, "Successfully uploaded segment: myTable_a_0 of table: myTable_OFFLINE", ROOTS),
    "g4-043--v2-segments-URI-json-file-uri": (200, "Successfully uploaded segment: myTable_a_0 of table: myTable_OFFLINE", ROOTS),
    "g4-023--segments-URI-json-http-self-download": (403, "segments are fetched from file: URIs below SLUICE_DEEP_STORE_ROOTS alone", FETCH),
    "g4-025--segments-METADATA-garbage-tar": (400, "the segment is no compressed tar", BLAME),
    "g4-034--v2-segments-METADATA-no-tableName-from-metadata-": (400, SAME, BLAME),
    "g4-037--v2-segments-bad-tableType": (400, "Illegal table type 'X'", BLAME),
    "g4-045--v2-segments-URI-json-http-self-download": (403, "segments are fetched from file: URIs below SLUICE_DEEP_STORE_ROOTS alone", FETCH),
    "g4-047--v2-segments-METADATA-garbage-tar": (400, "the segment is no compressed tar", BLAME),
    "g4-058-zkmetadata-of-the-table": (200, None, CUT),
    "g4-062-segments-metadata-servers-": (200, None, OWN),
    "g4-063-tables-size": (200, None, OWN),
    "g4-064-download-metadata-only-segment": (404, "Segment g4_v1a or table myTable not found", PATHS),
    "g4-066-download-copied-segment-by-table-with-type": (200, None, BOTH_NAMES),
    "g4-067-download-unknown-table": (404, "Segment x or table nope not found", PATHS),
    "g4-068-download-traversal": (404, "Segment ../../x or table myTable not found", BLAME),
    "g4-070-download-range": (206, None, RANGE),
    "g4-072-delete-immediately-after-metadata": (404, "Failed to find segment: g4_v1a", AT_ONCE),
    "g4-076-delete-bad-retention": (400, SAME, BLAME),
    "g4-089-endReplace-before-the-push": (400, SAME, BLAME),
    "g4-097-startReplace-segmentsTo-exists": (400, SAME, BLAME),
    "g4-098-startReplace-from-unknown": (400, SAME, BLAME),
    "g4-101-endReplace-unknown-id": (400, SAME, BLAME),
    "g4-102-endReplace-no-id": (400, SAME, BLAME),
    "g4-103-health": (200, "ok", HEALTH),
    "g4-104-version": (200, None, VERSION),
    "g5-005-custom-map-modifier-invalid-json-on-existing-ppp-true": (400, MODIFIER, BLAME),
    "g5-007-custom-map-modifier-invalid-json-on-NEW-ppp-true": (400, MODIFIER, BLAME),
    "g5-011-same-segment-twice-in-the-mapping-last-wins-": (400, "all_segments_metadata names segment: g5_tw more than once", ONCE),
    "g5-012-after-metadata-of-g5-tw": (404, "Failed to find segment: g5_tw", ONCE),
    "g5-016-tar-with-symlink-entry": (400, "the archive has an entry that is neither file nor folder", CAUSE),
    "g5-021-after-partial-IF-MATCH-g5-i1": (200, None, ATOMIC),
    "g5-022-after-partial-IF-MATCH-g5-i2": (200, None, ATOMIC),
    "g6-001-prep-leave-a-locked-orphan": (403, NO_ROOT, FETCH),
    "g6-002-retry-at-once-ppp-true": (200, "Successfully uploaded segments: [g6_o2]", LEASE),
    "g6-004-after-raw-znode-of-g6-o2": (200, None, LEASE),
    "job-raw-name-400-1": (200, "Successfully uploaded segments: [", ONETYPE),
}

# Not Sluice's: recorded with a cluster (instances, tenants, servers) around the controller.
# What is sent nevertheless must get an error in Pinot's form.
NOT_SERVED = re.compile(
    r"/instances|/idealstate$|/externalview$|/servers$|/reingested$"
)
# Not sent: without a cluster they would succeed and change the state that later cases expect.
NOT_SENT = {
    "setup-014-tables-create-before-tags-no-server-tenant-": "there are no server tenants",
    "g3-056-no-server-with-the-tenant-tag-assignment-fails-ppp-false": "there are no server tenants",
    "g3-059-no-server-with-the-tenant-tag-assignment-fails-ppp-true": "there are no server tenants",
    "crash-003-after-crash-retry-the-same-batch-ppp-true": "the recording has no file",
    "crash-004-after-crash-retry-ppp-false": "the recording has no file",
}
NO_FILE = "simultaneous requests, chunked ones and crashes were recorded without their bytes"

# Segments that only one of the two has, because of the differences above: how lists may differ.
ABSENT = re.compile(r"^(g1_im2|g2_h|g2_buri|g2_inner|g2/slash|g5_tw|g5_ch|g3_c[ABC]\d+)$")
EXTRA = {"g1_e": ONETYPE, "g3_cA0": "pushed for the replacement", "g3_cA1": "the same", "g3_d2": DATABASE, "g3_d3": DATABASE, "g4_v2a": BLAME}
OTHER_CRC = {"g3_l2": HANDLOCK, "myTable_a_0": ROOTS}
