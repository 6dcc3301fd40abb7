-- Contracts of the Opteryx surface: what was agreed on before data is written.  Their writes are
-- parts of a session of the same name, so that both become a snapshot in one way.

CREATE TABLE opteryx_contract (
    -- 'ct_', UTC stamp, '_', 12 hexadecimal digits.
    contract    TEXT    NOT NULL PRIMARY KEY REFERENCES opteryx_session (session),
    owner_id    TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('proposed', 'accepted', 'writing', 'committed',
                                                  'stale', 'abandoned')),
    mode        TEXT    NOT NULL CHECK (mode IN ('declared', 'infer', 'dataset')),
    -- 1: the commit replaces the dataset's rows.
    overwrites  INTEGER NOT NULL,
    -- The dataset at the negotiation: the commit that brought its columns, those columns, and its
    -- current commit.  NULL: there was none.
    structure   TEXT,
    declared    TEXT,
    base        TEXT,
    -- JSON: the columns of the samples.
    sampled     TEXT    NOT NULL,
    -- 1: a sample was Parquet, whose pages stay as they are sent.
    parquet     INTEGER NOT NULL,
    -- JSON: the columns that are written, but for the ignored ones.
    columns     TEXT    NOT NULL,
    -- JSON: names.
    ignored     TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    -- The commit that it became.
    snapshot    TEXT
) STRICT;

-- How many somebody has open.
CREATE INDEX opteryx_contract_open ON opteryx_contract (owner_id, expires_at)
    WHERE state IN ('proposed', 'accepted', 'writing');

DROP VIEW sessions;
CREATE VIEW sessions AS
SELECT session, owner, workspace || '.' || collection || '.' || dataset AS target,
       CASE WHEN committed_at IS NULL THEN 'open' ELSE 'committed (' || mode || ')' END AS state,
       (SELECT count(*) FROM opteryx_part p WHERE p.session = s.session) AS parts,
       datetime(created_at / 1000, 'unixepoch') AS created,
       datetime(expires_at / 1000, 'unixepoch') AS expires
  FROM opteryx_session s
 WHERE NOT EXISTS (SELECT 1 FROM opteryx_contract c WHERE c.contract = s.session)
 ORDER BY created_at DESC;

-- For people: sqlite3 -readonly var/sluice.db 'SELECT * FROM contracts'
CREATE VIEW contracts AS
SELECT c.contract, s.owner, s.workspace || '.' || s.collection || '.' || s.dataset AS target,
       c.state, c.mode, CASE c.overwrites WHEN 1 THEN 'overwrite' ELSE 'append' END AS write,
       c.columns, c.ignored,
       (SELECT count(*) FROM opteryx_part p WHERE p.session = c.contract) AS writes,
       (SELECT coalesce(sum(p.rows), 0) FROM opteryx_part p WHERE p.session = c.contract) AS rows,
       s.bytes, c.snapshot, datetime(s.created_at / 1000, 'unixepoch') AS created,
       datetime(s.expires_at / 1000, 'unixepoch') AS expires
  FROM opteryx_contract c
  JOIN opteryx_session s ON s.session = c.contract
 ORDER BY s.created_at DESC;
