-- The Pinot surface: schemas, tables, segments, and the locks of pushes that have work under way.

CREATE TABLE pinot_schema (
    -- Raw table name, with its database: "mydb.events".
    name       TEXT    NOT NULL PRIMARY KEY,
    -- The whole schema as JSON.
    config     TEXT    NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pinot_table (
    id             INTEGER PRIMARY KEY,
    -- With database and type: "mydb.events_OFFLINE".
    name           TEXT    NOT NULL UNIQUE,
    -- Without the type: "mydb.events"; also the name of its schema.
    raw            TEXT    NOT NULL,
    type           TEXT    NOT NULL CHECK (type IN ('OFFLINE', 'REALTIME')),
    -- The whole table config as JSON; the columns below are taken from it.
    config         TEXT    NOT NULL,
    -- NULL: segments need no time interval.
    time_column    TEXT,
    -- 0: segmentTimeValueCheck is switched off.
    time_check     INTEGER NOT NULL,
    replication    INTEGER NOT NULL,
    -- Bytes of one replica and as configured ("10G"); NULL: no storage quota.
    quota_bytes    INTEGER,
    quota_text     TEXT,
    -- NULL: no limit of the number of segments.
    quota_segments INTEGER,
    -- Milliseconds for which the bytes of deleted segments are kept.
    deleted_keep_ms INTEGER NOT NULL,
    -- Kept with every push and delete, so that a quota never scans the segments.
    segments       INTEGER NOT NULL DEFAULT 0,
    -- Sum of the segments' known sizes.
    bytes          INTEGER NOT NULL DEFAULT 0,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX pinot_table_by_raw ON pinot_table (raw);

-- Rows are appended by id, whatever their names, so that a push into a large table touches no more
-- pages than one into an empty table; only the narrow index by name is written at random places.
CREATE TABLE pinot_segment (
    id            INTEGER PRIMARY KEY,
    table_id      INTEGER NOT NULL REFERENCES pinot_table (id),
    name          TEXT    NOT NULL,
    crc           INTEGER NOT NULL,
    -- NULL: the segment's creation.meta has the old form.
    data_crc      INTEGER,
    -- From the segment's metadata; milliseconds UTC, as all times here.
    created_at    INTEGER NOT NULL,
    pushed_at     INTEGER NOT NULL,
    -- NULL: never pushed again.
    refreshed_at  INTEGER,
    -- NULL: the segment has no time interval.
    start_at      INTEGER,
    end_at        INTEGER,
    -- Least and greatest value of the time column as it stands there.
    start_raw     TEXT,
    end_raw       TEXT,
    docs          INTEGER NOT NULL,
    -- 1 to 3, for "v1" to "v3".
    index_version INTEGER NOT NULL,
    -- Where servers fetch it.
    url           TEXT    NOT NULL,
    -- Size of what the URL names; NULL: unknown.
    bytes         INTEGER,
    -- A JSON object of texts; NULL: none.
    custom        TEXT,
    -- The copy that Sluice keeps; NULL: only the metadata is here.
    blob          INTEGER REFERENCES blob (blob),
    UNIQUE (table_id, name)
) STRICT;

-- The sweeper asks who names a content.
CREATE INDEX pinot_segment_by_blob ON pinot_segment (blob) WHERE blob IS NOT NULL;

-- Bytes of deleted segments until their retention is over.
CREATE TABLE pinot_deleted_segment (
    id         INTEGER PRIMARY KEY,
    table_name TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    blob       INTEGER NOT NULL REFERENCES blob (blob),
    deleted_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX pinot_deleted_segment_by_blob ON pinot_deleted_segment (blob);
CREATE INDEX pinot_deleted_segment_by_expiry ON pinot_deleted_segment (expires_at);

-- Parallel-push protection.  A row is there only while an upload has work between its two
-- transactions: a deep-store copy or a segment's body.
CREATE TABLE pinot_push_lock (
    table_id   INTEGER NOT NULL REFERENCES pinot_table (id),
    name       TEXT    NOT NULL,
    -- Fencing token: the second transaction finds its own token or gives up.
    token      INTEGER NOT NULL,
    -- Number of the worker; when it is dead the lock may be taken over at once.
    owner      INTEGER NOT NULL,
    taken_at   INTEGER NOT NULL,
    -- When it may be taken over from a live worker, too.
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (table_id, name)
) STRICT, WITHOUT ROWID;

-- The last fencing token; one row.
CREATE TABLE pinot_fence (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    token INTEGER NOT NULL
) STRICT;
INSERT INTO pinot_fence (id, token) VALUES (1, 0);

-- For people: sqlite3 -readonly var/sluice.db 'SELECT * FROM segments'
CREATE VIEW segments AS
SELECT t.name AS "table", s.name AS segment, s.docs, s.bytes, s.crc,
       datetime(s.start_at / 1000, 'unixepoch') AS "from",
       datetime(s.end_at / 1000, 'unixepoch') AS "to",
       datetime(s.pushed_at / 1000, 'unixepoch') AS pushed,
       datetime(s.refreshed_at / 1000, 'unixepoch') AS refreshed,
       CASE WHEN s.blob IS NULL THEN 'metadata' ELSE 'here' END AS stored,
       s.url
  FROM pinot_segment AS s
  JOIN pinot_table AS t ON t.id = s.table_id;

CREATE VIEW tables AS
SELECT name AS "table", segments, bytes, time_column, replication, quota_text AS quota,
       quota_segments, datetime(created_at / 1000, 'unixepoch') AS created,
       datetime(updated_at / 1000, 'unixepoch') AS updated
  FROM pinot_table;

CREATE VIEW push_locks AS
SELECT t.name AS "table", l.name AS segment, l.owner AS worker, l.token,
       datetime(l.taken_at / 1000, 'unixepoch') AS taken,
       datetime(l.expires_at / 1000, 'unixepoch') AS expires
  FROM pinot_push_lock AS l
  JOIN pinot_table AS t ON t.id = l.table_id;
