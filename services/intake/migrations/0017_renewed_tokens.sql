-- Tokens sent to an entry's own address after the first was lost. The newest that is unused opens the entry too; from
-- its first use on it alone does.
CREATE TABLE renewed_tokens (
    application uuid NOT NULL,
    generation integer NOT NULL,
    token_hash text NOT NULL,
    asked_at timestamptz NOT NULL,
    used_at timestamptz,
    forgotten_at timestamptz,
    PRIMARY KEY (application, generation)
);
CREATE INDEX unsettled_tokens ON renewed_tokens (asked_at) WHERE used_at IS NULL AND forgotten_at IS NULL;
