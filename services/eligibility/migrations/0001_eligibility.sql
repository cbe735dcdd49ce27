CREATE TABLE rounds (
    round text PRIMARY KEY,
    policy jsonb,
    policy_hash text,
    rehearsal jsonb,
    epoch integer NOT NULL DEFAULT 0,
    applications jsonb
);

-- One verdict per (application, version, epoch it was judged in). `body` is what was published, byte for byte.
CREATE TABLE verdicts (
    application uuid NOT NULL,
    version integer NOT NULL,
    epoch integer NOT NULL,
    round text NOT NULL,
    payload_hash text NOT NULL,
    outcome text NOT NULL,
    findings_hash text NOT NULL,
    body bytea NOT NULL,
    judged_at timestamptz NOT NULL,
    PRIMARY KEY (application, version, epoch)
);
CREATE INDEX verdicts_of_round ON verdicts (round, application, version DESC, epoch DESC);

CREATE TABLE withdrawals (
    application uuid PRIMARY KEY,
    round text NOT NULL,
    version integer NOT NULL
);

-- Applications that came before the round's opening was known: judged as soon as it is.
CREATE TABLE waiting (
    application uuid NOT NULL,
    version integer NOT NULL,
    round text NOT NULL,
    body bytea NOT NULL,
    traceparent text,
    PRIMARY KEY (application, version)
);
CREATE INDEX ON waiting (round);

CREATE TABLE completions (
    round text NOT NULL,
    epoch integer NOT NULL,
    completed_at timestamptz NOT NULL,
    PRIMARY KEY (round, epoch)
);
