-- When the freeze was heard of, in real time, and the set that was completed, which answers are checked against.
ALTER TABLE rounds ADD COLUMN frozen_at timestamptz;
ALTER TABLE completions ADD COLUMN verdicts jsonb;

-- Buckets asked for on repairs.v1: one request for each at a time, with pauses that double.
CREATE TABLE bucket_requests (
    round text NOT NULL,
    subject text NOT NULL,
    bucket integer NOT NULL,
    epoch integer NOT NULL,
    requested_at timestamptz NOT NULL,
    attempts integer NOT NULL,
    PRIMARY KEY (round, subject, bucket)
);
