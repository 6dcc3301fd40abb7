-- The Opteryx surface: upload sessions and their parts; datasets, their snapshots and files.

CREATE TABLE opteryx_session (
    -- UTC stamp, '-', 128 random bits in hexadecimal.
    session      TEXT    NOT NULL PRIMARY KEY,
    -- The principal that opened it; nobody else sees it.
    owner        TEXT    NOT NULL,
    -- The target named at the opening or, later, by the commit; all three or none.
    workspace    TEXT,
    collection   TEXT,
    dataset      TEXT,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    -- Grows with each part stored or deleted: a commit planned on older parts is planned anew.
    revision     INTEGER NOT NULL,
    -- The commit; NULL while the session takes parts.
    committed_at INTEGER,
    mode         TEXT    CHECK (mode IN ('fail', 'overwrite', 'append')),
    -- Its answer, word for word, for a client that asks again.
    answer       TEXT,
    CHECK ((committed_at IS NULL) = (answer IS NULL))
) STRICT;

CREATE INDEX opteryx_session_by_expiry ON opteryx_session (expires_at);

CREATE TABLE opteryx_part (
    session     TEXT    NOT NULL REFERENCES opteryx_session (session),
    part        INTEGER NOT NULL CHECK (part BETWEEN 0 AND 999),
    -- The decoded content.
    blob        INTEGER NOT NULL REFERENCES blob (blob),
    -- Of the decoded content.
    sha256      BLOB    NOT NULL CHECK (length(sha256) = 32),
    kind        TEXT    NOT NULL CHECK (kind IN ('csv', 'ndjson', 'parquet')),
    -- The content coding it came in.
    encoding    TEXT    NOT NULL,
    -- NULL when the client gave none.
    file_name   TEXT,
    rows        INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    -- JSON: [{"name", "type", "nullable"}, ...].
    columns     TEXT    NOT NULL,
    -- JSON: [{"issue", "column"}, ...].
    issues      TEXT    NOT NULL,
    uploaded_at INTEGER NOT NULL,
    PRIMARY KEY (session, part)
) STRICT;

CREATE INDEX opteryx_part_by_blob ON opteryx_part (blob);

CREATE TABLE opteryx_dataset (
    dataset    INTEGER PRIMARY KEY,
    workspace  TEXT    NOT NULL,
    collection TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    -- Of the current snapshot, from 1.
    sequence   INTEGER NOT NULL,
    -- The number that the next file gets; never used twice.
    next_file  INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (workspace, collection, name)
) STRICT;

-- The columns of a dataset, once for each change of them.
CREATE TABLE opteryx_structure (
    dataset   INTEGER NOT NULL REFERENCES opteryx_dataset (dataset),
    -- The snapshot's sequence that brought it.
    structure INTEGER NOT NULL,
    -- JSON: [{"name", "type", "nullable"}, ...].
    columns   TEXT    NOT NULL,
    PRIMARY KEY (dataset, structure)
) STRICT;

CREATE TABLE opteryx_snapshot (
    dataset       INTEGER NOT NULL REFERENCES opteryx_dataset (dataset),
    sequence      INTEGER NOT NULL,
    commit_id     TEXT    NOT NULL UNIQUE,
    -- The commit that it followed; NULL for the first.
    parent        TEXT,
    structure     INTEGER NOT NULL,
    operation     TEXT    NOT NULL
                  CHECK (operation IN ('create', 'append', 'overwrite', 'rollback')),
    message       TEXT,
    author        TEXT    NOT NULL,
    at            INTEGER NOT NULL,
    -- What it changed.
    files_added   INTEGER NOT NULL,
    files_removed INTEGER NOT NULL,
    rows_added    INTEGER NOT NULL,
    rows_removed  INTEGER NOT NULL,
    -- What it holds.
    files         INTEGER NOT NULL,
    rows          INTEGER NOT NULL,
    bytes         INTEGER NOT NULL,
    PRIMARY KEY (dataset, sequence),
    FOREIGN KEY (dataset, structure) REFERENCES opteryx_structure (dataset, structure)
) STRICT;

-- A snapshot holds the files with added_in <= its sequence that were not removed up to it.  So a
-- snapshot costs the rows of what it adds and removes, whatever the dataset holds.
CREATE TABLE opteryx_file (
    dataset    INTEGER NOT NULL REFERENCES opteryx_dataset (dataset),
    number     INTEGER NOT NULL,
    added_in   INTEGER NOT NULL,
    -- NULL while it is in the current snapshot.
    removed_in INTEGER,
    blob       INTEGER NOT NULL REFERENCES blob (blob),
    sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),
    kind       TEXT    NOT NULL,
    file_name  TEXT,
    rows       INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    PRIMARY KEY (dataset, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX opteryx_file_by_removal ON opteryx_file (dataset, removed_in);
CREATE INDEX opteryx_file_by_blob ON opteryx_file (blob);

-- For people: sqlite3 -readonly var/sluice.db 'SELECT * FROM datasets'
CREATE VIEW sessions AS
SELECT session, owner, workspace || '.' || collection || '.' || dataset AS target,
       CASE WHEN committed_at IS NULL THEN 'open' ELSE 'committed (' || mode || ')' END AS state,
       (SELECT count(*) FROM opteryx_part p WHERE p.session = s.session) AS parts,
       datetime(created_at / 1000, 'unixepoch') AS created,
       datetime(expires_at / 1000, 'unixepoch') AS expires
  FROM opteryx_session s
 ORDER BY created_at DESC;

CREATE VIEW parts AS
SELECT session, part, kind, encoding, rows, bytes, file_name, lower(hex(sha256)) AS sha256,
       datetime(uploaded_at / 1000, 'unixepoch') AS uploaded
  FROM opteryx_part
 ORDER BY session, part;

CREATE VIEW datasets AS
SELECT d.workspace || '.' || d.collection || '.' || d.name AS dataset, s.commit_id AS snapshot,
       s.files, s.rows, s.bytes, t.columns,
       datetime(s.at / 1000, 'unixepoch') AS changed
  FROM opteryx_dataset d
  JOIN opteryx_snapshot s ON s.dataset = d.dataset AND s.sequence = d.sequence
  JOIN opteryx_structure t ON t.dataset = s.dataset AND t.structure = s.structure
 ORDER BY d.workspace, d.collection, d.name;

CREATE VIEW snapshots AS
SELECT d.workspace || '.' || d.collection || '.' || d.name AS dataset, s.sequence, s.commit_id,
       s.parent, s.operation, s.author, s.message, s.files_added, s.files_removed, s.rows_added,
       s.files, s.rows, s.bytes, datetime(s.at / 1000, 'unixepoch') AS at
  FROM opteryx_snapshot s
  JOIN opteryx_dataset d ON d.dataset = s.dataset
 ORDER BY d.workspace, d.collection, d.name, s.sequence;

CREATE VIEW files AS
SELECT d.workspace || '.' || d.collection || '.' || d.name AS dataset, f.number, f.file_name,
       f.kind, f.rows, f.bytes, f.added_in, f.removed_in, lower(hex(f.sha256)) AS sha256
  FROM opteryx_file f
  JOIN opteryx_dataset d ON d.dataset = f.dataset
 ORDER BY d.workspace, d.collection, d.name, f.number;
