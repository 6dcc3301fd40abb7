-- The Oxen surface: repositories, the contents that they hold by hash, uploads in parts, and what a
-- push brings besides contents (tree nodes, commits, branches), kept as it came.

CREATE TABLE oxen_repository (
    -- Never used twice, so that an upload into a deleted repository cannot land in its successor.
    repository INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Both NULL once the repository is deleted and its contents are being taken out.
    namespace  TEXT,
    name       TEXT,
    uuid       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    -- Kept by the transactions that add and remove versions.
    versions   INTEGER NOT NULL DEFAULT 0 CHECK (versions >= 0),
    bytes      INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    CHECK ((namespace IS NULL) = (name IS NULL)),
    UNIQUE (namespace, name)
) STRICT;

-- One stored content of one repository.  XXH3 is not cryptographic, so contents are never shared
-- between repositories: a version and its content are one to one, and share their number.
CREATE TABLE oxen_version (
    blob       INTEGER PRIMARY KEY REFERENCES blob (blob),
    repository INTEGER NOT NULL REFERENCES oxen_repository (repository),
    -- XXH3 of the bytes, 128 bits, most significant byte first.
    hash       BLOB    NOT NULL CHECK (length(hash) = 16),
    UNIQUE (repository, hash)
) STRICT;

-- A large content that arrives in parts.  Its file has its full length from the start and each part
-- is written where it stays.
CREATE TABLE oxen_upload (
    upload     TEXT    NOT NULL PRIMARY KEY,
    repository INTEGER NOT NULL REFERENCES oxen_repository (repository),
    hash       BLOB    NOT NULL CHECK (length(hash) = 16),
    blob       INTEGER NOT NULL REFERENCES blob (blob),
    bytes      INTEGER NOT NULL CHECK (bytes > 0),
    part_bytes INTEGER NOT NULL CHECK (part_bytes > 0),
    -- Of the last part: an upload that is left alone expires.
    touched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX oxen_upload_by_content ON oxen_upload (repository, hash);
CREATE INDEX oxen_upload_by_blob ON oxen_upload (blob);
CREATE INDEX oxen_upload_by_touched ON oxen_upload (touched_at);

CREATE TABLE oxen_upload_part (
    upload TEXT    NOT NULL REFERENCES oxen_upload (upload) ON DELETE CASCADE,
    part   INTEGER NOT NULL CHECK (part >= 1),
    -- The worker that writes it; NULL once the part is durable and written by nobody any more.
    worker INTEGER,
    PRIMARY KEY (upload, part)
) STRICT, WITHOUT ROWID;

-- Files of the archives that a push sends, by the name that they have there:
-- "943/4f0f.../node" of a tree node, "history/<commit>/dir_hashes/..." of a commit.
CREATE TABLE oxen_object (
    repository INTEGER NOT NULL REFERENCES oxen_repository (repository),
    name       TEXT    NOT NULL,
    blob       INTEGER NOT NULL REFERENCES blob (blob),
    PRIMARY KEY (repository, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX oxen_object_by_blob ON oxen_object (blob);

-- Commits of which both archives, tree nodes and directory hashes, have been received whole.
CREATE TABLE oxen_commit (
    repository  INTEGER NOT NULL REFERENCES oxen_repository (repository),
    hash        BLOB    NOT NULL CHECK (length(hash) = 16),
    received_at INTEGER NOT NULL,
    PRIMARY KEY (repository, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE oxen_branch (
    repository INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    hash       BLOB    NOT NULL,
    PRIMARY KEY (repository, name),
    FOREIGN KEY (repository, hash) REFERENCES oxen_commit (repository, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX oxen_branch_by_commit ON oxen_branch (repository, hash);

-- For people.  Hashes as Oxen prints them: no leading zeros.
CREATE VIEW repositories AS
SELECT r.namespace, r.name, r.versions, r.bytes,
       (SELECT count(*) FROM oxen_branch b WHERE b.repository = r.repository) AS branches,
       datetime(r.created_at / 1000, 'unixepoch') AS created, r.uuid
  FROM oxen_repository r
 WHERE r.name IS NOT NULL
 ORDER BY r.namespace, r.name;

CREATE VIEW versions AS
SELECT r.namespace, r.name AS repository,
       coalesce(nullif(ltrim(lower(hex(v.hash)), '0'), ''), '0') AS hash, b.bytes
  FROM oxen_version v
  JOIN oxen_repository r ON r.repository = v.repository
  JOIN blob b ON b.blob = v.blob;

CREATE VIEW branches AS
SELECT r.namespace, r.name AS repository, b.name AS branch,
       coalesce(nullif(ltrim(lower(hex(b.hash)), '0'), ''), '0') AS "commit",
       datetime(c.received_at / 1000, 'unixepoch') AS received
  FROM oxen_branch b
  JOIN oxen_repository r ON r.repository = b.repository
  JOIN oxen_commit c ON c.repository = b.repository AND c.hash = b.hash
 ORDER BY r.namespace, r.name, b.name;
