-- Every frozen set: the freeze's own, and those that officers' acts opened since.
CREATE TABLE epochs (
    round text NOT NULL REFERENCES rounds,
    epoch integer NOT NULL,
    opened_at timestamptz NOT NULL,
    applications jsonb NOT NULL,
    requests jsonb NOT NULL,
    supplementary_source text,
    judge_all boolean NOT NULL DEFAULT false,
    judge_again uuid[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (round, epoch)
);
INSERT INTO epochs (round, epoch, opened_at, applications, requests)
SELECT round, epoch, frozen_at, applications, requests FROM rounds WHERE epoch > 0;

-- One value for ever for the round's first commitment, and one for each later commitment that had new entries.
ALTER TABLE source_values DROP CONSTRAINT source_values_pkey, ADD PRIMARY KEY (round, epoch);

-- Entries that officers propose to admit late, until the act is done or has expired: here are their contacts.
CREATE TABLE late_entries (
    act uuid PRIMARY KEY REFERENCES acts,
    application uuid NOT NULL,
    party uuid NOT NULL,
    business_number text NOT NULL,
    product_key text NOT NULL,
    facts text NOT NULL,
    nonce text NOT NULL,
    payload_hash text NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    phone text,
    language text NOT NULL
);
