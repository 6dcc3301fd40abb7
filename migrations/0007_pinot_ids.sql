-- Numbers of Pinot tables are never given twice, so that a listing under way cannot go on in
-- another table that was made in place of a dropped one.

CREATE TABLE pinot_table_number (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    -- The last number that was given.
    last INTEGER NOT NULL
) STRICT;
INSERT INTO pinot_table_number (id, last) SELECT 1, coalesce(max(id), 0) FROM pinot_table;
