-- The key a service signs with where no file names one: 32 bytes, made once and shared by its replicas.
CREATE TABLE own_signing_key (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    private bytea NOT NULL
);

-- Every public key that ever signed. Rows are only ever added.
CREATE TABLE published_keys (
    key_id text PRIMARY KEY,
    public_key text NOT NULL UNIQUE,
    first_used_at timestamptz NOT NULL DEFAULT now()
);

-- Heads of the audit log that were signed and published, in the order of their signing. `published_at` is part of what
-- is signed: it is kept, so that one id never means two contents.
CREATE TABLE signed_heads (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    count bigint NOT NULL,
    head text NOT NULL,
    previous_head text NOT NULL,
    published_at timestamptz NOT NULL,
    key_id text NOT NULL,
    signature text NOT NULL
);
