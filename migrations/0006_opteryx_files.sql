-- Where the files of an Opteryx snapshot lie.  Files are numbered in the order of their snapshots,
-- so a snapshot's are a range of numbers but for those that a rollback has taken out of it.  With
-- the range known, a page of them costs what it holds, and an overwrite writes no old file's row:
-- it begins a range behind them.

-- The range: first_file up to, but not with, next_file.
ALTER TABLE opteryx_snapshot ADD COLUMN first_file INTEGER NOT NULL DEFAULT 1;
ALTER TABLE opteryx_snapshot ADD COLUMN next_file INTEGER NOT NULL DEFAULT 1;

-- Of the snapshots so far all begin at 1: what they do not hold any more has a removed_in.
UPDATE opteryx_snapshot SET next_file = past.next_file
  FROM (SELECT dataset, sequence,
               1 + sum(files_added) OVER (PARTITION BY dataset ORDER BY sequence) AS next_file
          FROM opteryx_snapshot) AS past
 WHERE past.dataset = opteryx_snapshot.dataset AND past.sequence = opteryx_snapshot.sequence;

-- A dataset without a workspace was dropped; its rows go a piece at a time.
DROP VIEW datasets;
CREATE VIEW datasets AS
SELECT d.workspace || '.' || d.collection || '.' || d.name AS dataset, s.commit_id AS snapshot,
       s.files, s.rows, s.bytes, t.columns,
       datetime(s.at / 1000, 'unixepoch') AS changed
  FROM opteryx_dataset d
  JOIN opteryx_snapshot s ON s.dataset = d.dataset AND s.sequence = d.sequence
  JOIN opteryx_structure t ON t.dataset = s.dataset AND t.structure = s.structure
 WHERE d.workspace <> ''
 ORDER BY d.workspace, d.collection, d.name;

-- removed_in: the snapshot that no longer holds the file, NULL while the current one does.
DROP VIEW files;
CREATE VIEW files AS
SELECT d.workspace || '.' || d.collection || '.' || d.name AS dataset, f.number, f.file_name,
       f.kind, f.rows, f.bytes, f.added_in,
       CASE WHEN f.removed_in IS NULL AND f.number < s.first_file
            THEN (SELECT min(later.sequence) FROM opteryx_snapshot later
                   WHERE later.dataset = f.dataset AND later.first_file > f.number)
            ELSE f.removed_in END AS removed_in,
       lower(hex(f.sha256)) AS sha256
  FROM opteryx_file f
  JOIN opteryx_dataset d ON d.dataset = f.dataset
  JOIN opteryx_snapshot s ON s.dataset = d.dataset AND s.sequence = d.sequence
 WHERE d.workspace <> ''
 ORDER BY d.workspace, d.collection, d.name, f.number;
