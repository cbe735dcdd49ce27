CREATE TABLE rounds (
    round text PRIMARY KEY,
    policy jsonb,
    policy_hash text,
    rehearsal jsonb,
    epoch integer NOT NULL DEFAULT 0,
    applications jsonb,
    requests jsonb,
    judged_epoch integer NOT NULL DEFAULT 0,
    judged_root text,
    verdicts jsonb,
    source_value text,
    confirmed_root text
);

CREATE TABLE pledges (
    round text NOT NULL,
    institution text NOT NULL,
    won bigint NOT NULL,
    PRIMARY KEY (round, institution)
);

CREATE TABLE applications (
    application uuid NOT NULL,
    version integer NOT NULL,
    round text NOT NULL,
    party uuid NOT NULL,
    payload_hash text NOT NULL,
    facts jsonb NOT NULL,
    PRIMARY KEY (application, version)
);

CREATE TABLE withdrawals (
    application uuid PRIMARY KEY,
    round text NOT NULL,
    version integer NOT NULL
);

CREATE TABLE marks (
    application uuid NOT NULL,
    reviewer text NOT NULL,
    round text NOT NULL,
    points bigint NOT NULL,
    conflict_of_interest boolean NOT NULL,
    PRIMARY KEY (application, reviewer)
);

-- The newest version of each purchase request.
CREATE TABLE requests (
    request text PRIMARY KEY,
    round text NOT NULL,
    institution text NOT NULL,
    version integer NOT NULL,
    payload_hash text,
    facts jsonb,
    withdrawn boolean NOT NULL
);
CREATE INDEX ON requests (round);

CREATE TABLE verdicts (
    application uuid NOT NULL,
    version integer NOT NULL,
    epoch integer NOT NULL,
    round text NOT NULL,
    payload_hash text NOT NULL,
    outcome text NOT NULL,
    findings_hash text NOT NULL,
    findings jsonb NOT NULL,
    PRIMARY KEY (application, version, epoch)
);
CREATE INDEX verdicts_of_round ON verdicts (round, application, version DESC, epoch DESC);

CREATE TABLE commitments (
    round text NOT NULL,
    epoch integer NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (round, epoch)
);

-- The entries a commitment is over: fixed, whatever comes later.
CREATE TABLE entries (
    round text NOT NULL,
    epoch integer NOT NULL,
    application uuid NOT NULL,
    version integer NOT NULL,
    outcome text NOT NULL,
    tickets integer NOT NULL,
    score bigint,
    PRIMARY KEY (round, epoch, application)
);

CREATE TABLE proposals (
    round text NOT NULL,
    epoch integer NOT NULL,
    body jsonb NOT NULL,
    published_lines bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (round, epoch)
);

-- Every proposal ever made stays. `line` counts from 1 in the order of the selection root's leaves.
CREATE TABLE results (
    round text NOT NULL,
    epoch integer NOT NULL,
    line bigint NOT NULL,
    application uuid NOT NULL,
    party uuid NOT NULL,
    product text NOT NULL,
    result text NOT NULL,
    reason text,
    position bigint,
    reserve_position bigint,
    key text,
    tickets integer NOT NULL,
    awards jsonb NOT NULL,
    PRIMARY KEY (round, epoch, line)
);
