-- A client sends the commits of one push side by side, and the contents of one commit with another:
-- a commit can have come whole while contents of it have not.  Only when a branch is set afterwards
-- has the push ended that brought it.

-- 0 from when both archives have come until a branch is set: the client is told that it is missing.
ALTER TABLE oxen_commit ADD COLUMN pushed INTEGER NOT NULL DEFAULT 1 CHECK (pushed IN (0, 1));

CREATE INDEX oxen_commit_open ON oxen_commit (repository) WHERE pushed = 0;
