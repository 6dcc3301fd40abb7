-- Where contents lie and who may do what: the tables that all surfaces share.

-- One row a stored content.  A content is alive while a row of a surface names it (a foreign key);
-- the sweeper takes the others.
CREATE TABLE blob (
    blob  INTEGER PRIMARY KEY,
    -- The store's file: number of the worker that wrote it << 24 | the file's own number.
    file  INTEGER NOT NULL,
    -- Offset in the file, bytes.
    start INTEGER NOT NULL CHECK (start >= 0),
    bytes INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT;

-- The sweeper asks what is named in a file.
CREATE INDEX blob_by_file ON blob (file, start);

CREATE TABLE token (
    -- The public half of the token's text, 16 hexadecimal digits.
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    -- SHA-256 of the secret half; the secret itself is nowhere.
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    -- Such as "pinot:write,oxen:read" or "all:admin".
    rights     TEXT    NOT NULL,
    -- Pattern over tables, workspaces or repositories.
    scope      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    -- 0: never.
    expires_at INTEGER NOT NULL
) STRICT;

-- For people: sqlite3 -readonly var/sluice.db 'SELECT * FROM tokens'
CREATE VIEW tokens AS
SELECT name, id, rights, scope,
       datetime(created_at / 1000, 'unixepoch') AS created,
       CASE expires_at WHEN 0 THEN 'never'
            ELSE datetime(expires_at / 1000, 'unixepoch') END AS expires
  FROM token
 ORDER BY name;
