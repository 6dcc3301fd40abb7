-- Sessions belong to a token, not to its name; what their parts have in common is kept with
-- them; and a snapshot names its files by ranges, so that going back to an old one writes no
-- file's row.

-- The token's id ('anonymous' where nobody was asked); owner stays its name, for people.  A
-- session of a token that is gone belongs to nobody.
ALTER TABLE opteryx_session ADD COLUMN owner_id TEXT NOT NULL DEFAULT '';
UPDATE opteryx_session
   SET owner_id = coalesce((SELECT id FROM token WHERE name = owner),
                           CASE owner WHEN 'anonymous' THEN owner ELSE '' END);

-- Of all its parts, decoded.
ALTER TABLE opteryx_session ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE opteryx_session
   SET bytes = coalesce((SELECT sum(p.bytes) FROM opteryx_part p
                          WHERE p.session = opteryx_session.session), 0);

-- 1: the session's row of opteryx_merged holds what its parts are together.
ALTER TABLE opteryx_session ADD COLUMN merged INTEGER NOT NULL DEFAULT 0;

-- The structures of a session's parts, put together when a part is stored.
CREATE TABLE opteryx_merged (
    session TEXT NOT NULL PRIMARY KEY REFERENCES opteryx_session (session),
    -- JSON: [{"name", "type", "nullable"}, ...].
    columns TEXT NOT NULL,
    -- Where parts disagree.  JSON: [{"issue", "part"}, ...].
    notes   TEXT NOT NULL,
    -- How many those are, and how many more there were.
    noted   INTEGER NOT NULL,
    untold  INTEGER NOT NULL
) STRICT;

-- A snapshot holds the files from first_file up to next_file, and those of the snapshot that it
-- is based on, which are numbered below.  Of them it does not hold those with a removed_in up to
-- as_of: earlier programs went back by marking files.
ALTER TABLE opteryx_snapshot ADD COLUMN base INTEGER;
ALTER TABLE opteryx_snapshot ADD COLUMN as_of INTEGER NOT NULL DEFAULT 0;
-- Ranges in all, its own included.
ALTER TABLE opteryx_snapshot ADD COLUMN ranges INTEGER NOT NULL DEFAULT 1;
UPDATE opteryx_snapshot
   SET as_of = coalesce((SELECT max(f.removed_in) FROM opteryx_file f
                          WHERE f.dataset = opteryx_snapshot.dataset
                            AND f.removed_in <= opteryx_snapshot.sequence), 0);
DROP INDEX opteryx_file_by_removal;

-- current: whether the current snapshot holds the file.
DROP VIEW files;
CREATE VIEW files AS
WITH RECURSIVE held (dataset, first_file, next_file, as_of, base) AS (
    SELECT s.dataset, s.first_file, s.next_file, s.as_of, s.base
      FROM opteryx_dataset d
      JOIN opteryx_snapshot s ON s.dataset = d.dataset AND s.sequence = d.sequence
    UNION ALL
    SELECT s.dataset, s.first_file, s.next_file, s.as_of, s.base
      FROM held h JOIN opteryx_snapshot s ON s.dataset = h.dataset AND s.sequence = h.base)
SELECT d.workspace || '.' || d.collection || '.' || d.name AS dataset, f.number, f.file_name,
       f.kind, f.rows, f.bytes, f.added_in,
       EXISTS (SELECT 1 FROM held h
                WHERE h.dataset = f.dataset AND f.number >= h.first_file AND f.number < h.next_file
                  AND (f.removed_in IS NULL OR f.removed_in > h.as_of)) AS current,
       lower(hex(f.sha256)) AS sha256
  FROM opteryx_file f
  JOIN opteryx_dataset d ON d.dataset = f.dataset
 WHERE d.workspace <> ''
 ORDER BY d.workspace, d.collection, d.name, f.number;
