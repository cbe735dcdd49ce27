-- What was set free after a result: places firms gave up, requests institutions cancelled, products officers declined.
-- `epoch` and `batch`: of the batch that gives it out; NULL while none does.
CREATE TABLE set_free (
    round text NOT NULL REFERENCES rounds,
    subject text NOT NULL,
    cause text NOT NULL CHECK (cause IN ('given-up', 'declined', 'cancelled')),
    reason text NOT NULL,
    freed_at timestamptz NOT NULL,
    epoch integer,
    batch integer,
    PRIMARY KEY (round, subject)
);

CREATE TABLE releases (
    round text NOT NULL REFERENCES rounds,
    epoch integer NOT NULL,
    batch integer NOT NULL,
    opened_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    PRIMARY KEY (round, epoch, batch)
);

-- Awards that were contracted: nobody takes those back. Of reports that came before this was kept nothing is known.
CREATE TABLE contracted (
    request text NOT NULL,
    application uuid NOT NULL,
    PRIMARY KEY (request, application)
);
CREATE INDEX ON contracted (application);

ALTER TABLE milestones ADD COLUMN batch integer NOT NULL DEFAULT 0, DROP CONSTRAINT milestones_pkey,
    ADD PRIMARY KEY (round, epoch, type, batch);
ALTER TABLE outcomes ADD COLUMN result_batch integer NOT NULL DEFAULT 0,
    ADD COLUMN noticed_batch integer NOT NULL DEFAULT 0;
