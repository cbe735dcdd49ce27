-- What notices say. Of each the newest version is kept, whatever order events arrive in.
CREATE TABLE rounds (
    round text PRIMARY KEY,
    title_ko text NOT NULL,
    title_en text NOT NULL,
    institutions text[] NOT NULL,
    rehearsal jsonb
);

CREATE TABLE institutions (
    institution text PRIMARY KEY,
    name text NOT NULL,
    changed_at timestamptz NOT NULL
);

-- The only personal data. An erased contact keeps its party alone, so that what is still owed to it can fail.
CREATE TABLE contacts (
    party text PRIMARY KEY,
    name text,
    email text,
    language text,
    changed_at timestamptz,
    CHECK ((name IS NULL) = (email IS NULL) AND (name IS NULL) = (language IS NULL))
);
CREATE INDEX erased_contacts ON contacts (party) WHERE email IS NULL;

CREATE TABLE applications (
    application text PRIMARY KEY,
    version integer NOT NULL,
    product text NOT NULL
);

-- The findings that speak against an application: failed and unknown ones that count.
CREATE TABLE verdicts (
    application text PRIMARY KEY,
    version integer NOT NULL,
    epoch integer NOT NULL,
    findings jsonb NOT NULL
);

-- Turns of rounds, until each is spread to the round's institutions.
CREATE TABLE turns (
    round text NOT NULL,
    happening text NOT NULL,
    occasion text NOT NULL,
    occurred_at timestamptz NOT NULL,
    roots jsonb NOT NULL,
    traceparent text,
    spread boolean NOT NULL DEFAULT false,
    PRIMARY KEY (round, happening, occasion)
);
CREATE INDEX unspread_turns ON turns (round) WHERE NOT spread;

-- One row per (kind, subject, occasion, recipient, channel), of which `delivery` is the UUIDv5.
-- waiting: something it `needs` is not known yet. pending: due at `due_at`, which a claim moves to the end of its lease.
-- `started_at` is set while an attempt's outcome is not recorded; one found set by the next claim is a doubt.
CREATE TABLE deliveries (
    delivery uuid PRIMARY KEY,
    round text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    occasion text NOT NULL,
    recipient text NOT NULL,
    channel text NOT NULL,
    facts jsonb NOT NULL,
    needs text[] NOT NULL,
    traceparent text,
    state text NOT NULL CHECK (state IN ('waiting', 'pending', 'sent', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    doubts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    taken_up_at timestamptz,
    started_at timestamptz,
    claimed_by text,
    settled_at timestamptz,
    error text,
    UNIQUE (kind, subject, occasion, recipient, channel)
);
CREATE INDEX waiting_deliveries ON deliveries (created_at) WHERE state = 'waiting';
CREATE INDEX due_deliveries ON deliveries (channel, due_at) WHERE state = 'pending';
CREATE INDEX unsettled_deliveries_of_recipient ON deliveries (recipient) WHERE state IN ('waiting', 'pending');
CREATE INDEX deliveries_of_round ON deliveries (round, kind, channel, state);
