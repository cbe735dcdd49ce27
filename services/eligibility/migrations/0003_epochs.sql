-- The epoch an application's verdict must be of: the newest that had it judged again, else the newest that had all.
CREATE TABLE judged_again (
    application uuid PRIMARY KEY,
    round text NOT NULL,
    epoch integer NOT NULL
);
CREATE INDEX ON judged_again (round);
ALTER TABLE rounds ADD COLUMN judge_all_epoch integer NOT NULL DEFAULT 1, ADD COLUMN void boolean NOT NULL DEFAULT false;

CREATE INDEX ON verdicts (round) WHERE outcome = 'parked';

-- Completions as this service published them itself: an emptied database says the same again, and nothing else.
CREATE TABLE said (
    round text NOT NULL,
    epoch integer NOT NULL,
    root text NOT NULL,
    completed_at timestamptz NOT NULL,
    PRIMARY KEY (round, epoch)
);
