-- What a content is, so that a read can tell whether its bytes are still those that were stored.

-- XXH3 of the bytes, 128 bits, most significant byte first.  NULL: not known, because the content
-- is older than this column, or because it still arrives in parts.
ALTER TABLE blob ADD COLUMN digest BLOB CHECK (length(digest) = 16);

-- A version's name is that digest.
UPDATE blob SET digest = oxen_version.hash FROM oxen_version WHERE oxen_version.blob = blob.blob;
