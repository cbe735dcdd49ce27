-- Who may act here, as access.v1 says: hashes of tokens. Intake, which makes them, has its own table.
CREATE TABLE access (
    name text PRIMARY KEY,
    token_hash text NOT NULL,
    role text NOT NULL,
    institution text,
    changed_at timestamptz NOT NULL,
    revoked boolean NOT NULL
);
CREATE INDEX access_by_hash ON access (token_hash);
