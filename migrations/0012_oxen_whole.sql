-- A branch stands only at a commit of which everything can be cloned: all commits, tree nodes and
-- contents that it reaches are stored.  That is looked at when a branch is set, and kept, so that
-- the next look ends at what an earlier one has covered.

-- 1 when everything reachable from the commit was found stored.
ALTER TABLE oxen_commit ADD COLUMN whole INTEGER NOT NULL DEFAULT 0 CHECK (whole IN (0, 1));
