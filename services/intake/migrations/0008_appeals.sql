-- Appeals against published results. `amended`: facts the applicant would have judged instead, canonical JSON.
CREATE TABLE appeals (
    appeal uuid PRIMARY KEY,
    round text NOT NULL REFERENCES rounds,
    application uuid NOT NULL REFERENCES applications,
    result_epoch integer NOT NULL,
    grounds text NOT NULL,
    amended text,
    filed_at timestamptz NOT NULL,
    decided_at timestamptz,
    upheld boolean,
    reason text,
    UNIQUE (application, result_epoch)
);
CREATE INDEX ON appeals (round);

-- When the result was told: the period of appeal begins with that, and the round is final when all have ended.
ALTER TABLE outcomes ADD COLUMN noticed_at timestamptz, ADD COLUMN noticed_epoch integer NOT NULL DEFAULT 0;
ALTER TABLE rounds ADD COLUMN confirmed_at timestamptz;
UPDATE rounds SET confirmed_at = (
    SELECT max(approved_at) FROM acts WHERE acts.round = rounds.round AND acts.kind = 'confirm'
) WHERE status = 'confirmed';
ALTER TABLE rounds DROP CONSTRAINT rounds_status_check,
    ADD CONSTRAINT rounds_status_check
    CHECK (status IN ('announced', 'open', 'frozen', 'confirmed', 'final', 'void'));
