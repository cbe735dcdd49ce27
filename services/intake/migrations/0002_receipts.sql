-- The bucket of the manifest's tree: the first byte of SHA-256 of the id. Made by the database, so it is never missing
-- or wrong, whoever inserts the row.
ALTER TABLE applications ADD COLUMN bucket smallint NOT NULL
    GENERATED ALWAYS AS (get_byte(sha256(application::text::bytea), 0)) STORED;
CREATE INDEX ON applications (round, bucket);

-- The signature a version's receipt was answered with. NULL where a version was put back without its receipt: it is
-- signed again when asked for.
ALTER TABLE application_versions ADD COLUMN key_id text, ADD COLUMN signature text;

-- Every public key that ever signed. Rows are only ever added.
CREATE TABLE signing_keys (
    key_id text PRIMARY KEY,
    public_key text NOT NULL UNIQUE,
    first_used_at timestamptz NOT NULL DEFAULT now()
);
