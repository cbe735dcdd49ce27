-- What a round's later epochs need. `rounds.source_value` and `rounds.confirmed_root` stay for the version before this.
ALTER TABLE rounds ADD COLUMN pledges jsonb, ADD COLUMN void boolean NOT NULL DEFAULT false;

-- The value of the source by the epoch of the commitment it was recorded for.
CREATE TABLE source_values (
    round text NOT NULL,
    epoch integer NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (round, epoch)
);
INSERT INTO source_values (round, epoch, value)
SELECT c.round, min(c.epoch), r.source_value FROM rounds r JOIN commitments c USING (round)
WHERE r.source_value IS NOT NULL GROUP BY c.round, r.source_value;

CREATE TABLE confirmations (
    round text NOT NULL,
    epoch integer NOT NULL,
    selection_root text NOT NULL,
    PRIMARY KEY (round, epoch)
);
INSERT INTO confirmations (round, epoch, selection_root)
SELECT r.round, p.epoch, r.confirmed_root FROM rounds r JOIN proposals p USING (round)
WHERE p.body->>'selection_root' = r.confirmed_root;

-- Applications that an act admitted late, by the epoch it opened.
CREATE TABLE admitted (
    application uuid PRIMARY KEY,
    round text NOT NULL,
    epoch integer NOT NULL
);
CREATE INDEX ON admitted (round);

-- The epoch of the commitment under whose root and value an entry draws: the first it stood in.
ALTER TABLE entries ADD COLUMN drawn_under integer;
ALTER TABLE commitments ADD COLUMN drawn_under integer[];
UPDATE commitments SET drawn_under = ARRAY[epoch];
UPDATE entries SET drawn_under = epoch;

-- Milestones as this service published them itself: an emptied database says the same again, and nothing else.
CREATE TABLE said (
    round text NOT NULL,
    epoch integer NOT NULL,
    type text NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (round, epoch, type)
);
INSERT INTO said (round, epoch, type, body) SELECT round, epoch, 'InputsCommitted', body FROM commitments;
INSERT INTO said (round, epoch, type, body) SELECT round, epoch, 'SelectionProposed', body FROM proposals;
