-- Files of datasets as Parquet with their dataset's columns, made when somebody first asks for one.

CREATE TABLE opteryx_parquet (
    dataset   INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    -- Whose columns it has: sequence of the snapshot that brought them.  When the dataset's columns
    -- change, the file is made anew.
    structure INTEGER NOT NULL,
    blob      INTEGER NOT NULL REFERENCES blob (blob),
    PRIMARY KEY (dataset, number),
    FOREIGN KEY (dataset, number) REFERENCES opteryx_file (dataset, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX opteryx_parquet_by_blob ON opteryx_parquet (blob);
