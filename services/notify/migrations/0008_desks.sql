-- People at institutions, beside applicants. `since` is when one was first known: nobody is told what was before.
ALTER TABLE contacts ADD COLUMN institution text, ADD COLUMN since timestamptz;
UPDATE contacts SET since = changed_at;
CREATE INDEX desks ON contacts (institution) WHERE institution IS NOT NULL;

CREATE TABLE webhooks (
    institution text PRIMARY KEY,
    url text NOT NULL,
    secret text NOT NULL,
    secret_before text,
    before_until timestamptz,
    changed_at timestamptz NOT NULL,
    since timestamptz NOT NULL
);

-- Addresses that no mail goes to, by SHA-256 of the address in lower case.
CREATE TABLE suppressions (
    address text PRIMARY KEY,
    reason text NOT NULL,
    delivery uuid,
    suppressed_at timestamptz NOT NULL DEFAULT now()
);

-- patient: can wait for the morning. digest: the delivery that says it together with others ('gathered').
ALTER TABLE deliveries ADD COLUMN patient boolean NOT NULL DEFAULT false, ADD COLUMN digest uuid,
    DROP CONSTRAINT deliveries_state_check,
    ADD CONSTRAINT deliveries_state_check CHECK (state IN ('waiting', 'gathered', 'pending', 'sent', 'failed'));
CREATE INDEX gathered_deliveries ON deliveries (digest) WHERE state = 'gathered';
CREATE INDEX to_gather ON deliveries (recipient, created_at) WHERE state = 'waiting' AND 'digest' = ANY (needs);
CREATE INDEX failed_or_doubtful ON deliveries (settled_at) WHERE state = 'failed' OR doubts > 0;

-- When a round opens and closes, and the close its institutions were reminded of.
ALTER TABLE rounds ADD COLUMN opens_at timestamptz, ADD COLUMN closes_at timestamptz, ADD COLUMN reminded timestamptz;
ALTER TABLE turns ADD COLUMN opens_at timestamptz, ADD COLUMN title text,
    ADD COLUMN noted_at timestamptz NOT NULL DEFAULT now();

-- Whose an application is, and what was said of its verdict; verdicts from before this are not told of.
ALTER TABLE applications ADD COLUMN round text, ADD COLUMN party text;
ALTER TABLE verdicts ADD COLUMN round text, ADD COLUMN outcome text, ADD COLUMN told boolean NOT NULL DEFAULT true;
ALTER TABLE verdicts ALTER COLUMN told SET DEFAULT false;
-- Nobody is told twice of what is read once more.
DELETE FROM consumer_offsets WHERE topic LIKE '%applications.v1';
CREATE INDEX untold_verdicts ON verdicts (round) WHERE NOT told;
