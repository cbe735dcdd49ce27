CREATE TABLE rounds (
    round text PRIMARY KEY,
    title text NOT NULL,
    status text NOT NULL CHECK (status IN ('announced', 'open', 'frozen', 'confirmed', 'void')),
    opens_at timestamptz NOT NULL,
    closes_at timestamptz NOT NULL,
    policy jsonb NOT NULL,
    policy_hash text NOT NULL,
    lead_seconds bigint NOT NULL,
    sources jsonb NOT NULL,
    rehearsal jsonb,
    unattended boolean NOT NULL,
    epoch integer NOT NULL DEFAULT 0,
    frozen_at timestamptz,
    applications jsonb,
    requests jsonb,
    CHECK (opens_at < closes_at)
);

CREATE TABLE institutions (
    institution text PRIMARY KEY,
    name text NOT NULL,
    status text NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE TABLE pledges (
    round text NOT NULL,
    institution text NOT NULL REFERENCES institutions,
    won bigint NOT NULL,
    PRIMARY KEY (round, institution)
);

-- The newest version of each application; `application_versions` has all of them.
CREATE TABLE applications (
    application uuid PRIMARY KEY,
    round text NOT NULL REFERENCES rounds,
    party uuid NOT NULL,
    business_number text NOT NULL,
    product_key text NOT NULL,
    token_hash text NOT NULL,
    version integer NOT NULL,
    payload_hash text NOT NULL,
    withdrawn boolean NOT NULL DEFAULT false,
    UNIQUE (round, business_number, product_key)
);

CREATE TABLE application_versions (
    application uuid NOT NULL,
    version integer NOT NULL,
    received_at timestamptz NOT NULL,
    nonce text NOT NULL,
    payload_hash text NOT NULL,
    facts text NOT NULL,
    withdrawn boolean NOT NULL DEFAULT false,
    PRIMARY KEY (application, version)
);

CREATE TABLE contacts (
    party uuid PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    phone text,
    language text NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE TABLE idempotency_keys (
    round text NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL,
    application uuid NOT NULL,
    PRIMARY KEY (round, key)
);

CREATE TABLE secrets (
    name text PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE tokens (
    token_hash text PRIMARY KEY,
    role text NOT NULL CHECK (role IN ('officer', 'auditor', 'operator', 'institution')),
    name text NOT NULL UNIQUE,
    institution text,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE inboxes (
    topic text PRIMARY KEY,
    institution text NOT NULL REFERENCES institutions,
    shard integer NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    registered_at timestamptz NOT NULL
);

-- The newest version of each purchase request.
CREATE TABLE purchase_requests (
    request text PRIMARY KEY,
    round text NOT NULL,
    institution text NOT NULL,
    version integer NOT NULL,
    payload_hash text NOT NULL,
    facts jsonb NOT NULL,
    withdrawn boolean NOT NULL DEFAULT false
);
CREATE INDEX ON purchase_requests (round);

-- Inbox messages appended after their round's close: answered when the freeze has made the close final.
CREATE TABLE held_messages (
    topic text NOT NULL,
    "offset" bigint NOT NULL,
    round text NOT NULL,
    institution text NOT NULL,
    type text NOT NULL,
    message_id text NOT NULL,
    body bytea NOT NULL,
    appended_at timestamptz NOT NULL,
    PRIMARY KEY (topic, "offset")
);
CREATE INDEX ON held_messages (round);

CREATE TABLE acts (
    act uuid PRIMARY KEY,
    round text NOT NULL REFERENCES rounds,
    kind text NOT NULL,
    terms jsonb NOT NULL,
    reason text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    approved_by text,
    approved_at timestamptz
);

-- What the other services published, for those who ask intake.
CREATE TABLE milestones (
    round text NOT NULL,
    epoch integer NOT NULL,
    type text NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (round, epoch, type)
);

CREATE TABLE outcomes (
    application uuid PRIMARY KEY,
    round text NOT NULL,
    verdict_version integer,
    verdict_epoch integer,
    verdict jsonb,
    result_type text,
    result_epoch integer,
    result jsonb
);
CREATE INDEX ON outcomes (round) WHERE result_type IS NOT NULL;

CREATE TABLE source_values (
    round text PRIMARY KEY,
    epoch integer NOT NULL,
    source text NOT NULL,
    value text NOT NULL,
    due_at timestamptz NOT NULL
);
