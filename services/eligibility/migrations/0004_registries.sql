-- What registries said: one answer to each question, in a round and the epoch that is judged by it. `said`: it has been
-- read on registry-answers.v1; nothing is judged by an answer that nobody else could know.
CREATE TABLE registry_answers (
    round text NOT NULL,
    epoch integer NOT NULL,
    registry text NOT NULL,
    subject text NOT NULL,
    answer jsonb NOT NULL,
    heard_at timestamptz NOT NULL,
    said boolean NOT NULL DEFAULT false,
    PRIMARY KEY (round, epoch, registry, subject)
);
CREATE INDEX ON registry_answers (registry, subject, heard_at);

-- Registries that two officers have ended the wait for.
CREATE TABLE registry_waivers (
    round text NOT NULL,
    registry text NOT NULL,
    PRIMARY KEY (round, registry)
);

-- Applications that are judged as soon as all their questions are answered.
CREATE TABLE pending (
    application uuid NOT NULL,
    version integer NOT NULL,
    epoch integer NOT NULL,
    round text NOT NULL,
    payload_hash text NOT NULL,
    body bytea NOT NULL,
    traceparent text,
    since timestamptz NOT NULL,
    PRIMARY KEY (application, version, epoch)
);
CREATE INDEX ON pending (round);

CREATE TABLE pending_questions (
    application uuid NOT NULL,
    version integer NOT NULL,
    epoch integer NOT NULL,
    round text NOT NULL,
    registry text NOT NULL,
    subject text NOT NULL,
    PRIMARY KEY (application, version, epoch, registry, subject)
);
CREATE INDEX ON pending_questions (registry, round, epoch, subject);

-- How often a subject was in a call that was not answered as promised: the more often, the fewer beside it.
CREATE TABLE misread (
    registry text NOT NULL,
    subject text NOT NULL,
    times integer NOT NULL,
    PRIMARY KEY (registry, subject)
);
