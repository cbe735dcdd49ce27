-- When the judging was heard of, in real time.
ALTER TABLE rounds ADD COLUMN judged_at timestamptz;

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
