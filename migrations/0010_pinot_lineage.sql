-- Replacing segments: which are to take the place of which, and how far that has come.

CREATE TABLE pinot_lineage (
    id         INTEGER PRIMARY KEY,
    table_id   INTEGER NOT NULL REFERENCES pinot_table (id),
    -- As clients name it.
    entry      TEXT    NOT NULL UNIQUE,
    state      TEXT    NOT NULL CHECK (state IN ('IN_PROGRESS', 'COMPLETED', 'REVERTED')),
    -- When it came into this state.
    changed_at INTEGER NOT NULL
) STRICT;

CREATE INDEX pinot_lineage_by_table ON pinot_lineage (table_id, changed_at);
CREATE INDEX pinot_lineage_by_change ON pinot_lineage (changed_at);

-- The segments of an entry.  They need not exist: those that replace are pushed later, and either
-- may be deleted.
CREATE TABLE pinot_lineage_segment (
    lineage  INTEGER NOT NULL REFERENCES pinot_lineage (id),
    -- Whether it is replaced or replaces.
    side     TEXT    NOT NULL CHECK (side IN ('FROM', 'TO')),
    -- In the order of the client's list, from 0.
    place    INTEGER NOT NULL,
    table_id INTEGER NOT NULL,
    name     TEXT    NOT NULL,
    -- 1: a segment of this name is not to be queried now.
    hides    INTEGER NOT NULL,
    PRIMARY KEY (lineage, side, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX pinot_lineage_segment_by_name ON pinot_lineage_segment (table_id, name, side, hides);

-- What brokers prune with: partition function, number and values of each partitioned column, as the
-- JSON that Pinot keeps; NULL: the segment is not partitioned.
ALTER TABLE pinot_segment ADD COLUMN partitions TEXT;

CREATE VIEW lineages AS
SELECT t.name AS "table", l.entry, l.state,
       datetime(l.changed_at / 1000, 'unixepoch') AS changed,
       (SELECT count(*) FROM pinot_lineage_segment AS s
         WHERE s.lineage = l.id AND s.side = 'FROM') AS replaced,
       (SELECT count(*) FROM pinot_lineage_segment AS s
         WHERE s.lineage = l.id AND s.side = 'TO') AS replacing
  FROM pinot_lineage AS l
  JOIN pinot_table AS t ON t.id = l.table_id;
