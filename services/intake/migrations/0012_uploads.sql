-- Tables that institutions uploaded: stored first, sent to their own inboxes from here, answered where those are read.
-- `columns`: in which column of the file each field stood, so that an answer can name the cell.
CREATE TABLE uploads (
    upload uuid PRIMARY KEY,
    institution text NOT NULL REFERENCES institutions,
    round text NOT NULL,
    key text NOT NULL,
    content_hash bytea NOT NULL,
    uploaded_by text NOT NULL,
    uploaded_at timestamptz NOT NULL,
    file jsonb NOT NULL,
    columns jsonb NOT NULL,
    UNIQUE (institution, key)
);
CREATE INDEX ON uploads (institution, uploaded_at DESC, upload);

-- `message_id`: the ce_id its message has. `offset`: of the record that was taken for it; another with that id is the
-- same message again.
CREATE TABLE upload_rows (
    upload uuid NOT NULL REFERENCES uploads,
    row integer NOT NULL,
    message_id text NOT NULL UNIQUE,
    type text NOT NULL,
    message jsonb NOT NULL,
    "offset" bigint,
    answer text,
    version integer,
    reasons jsonb NOT NULL DEFAULT '[]',
    answered_at timestamptz,
    PRIMARY KEY (upload, row)
);

-- What institutions said last of each award. Of what they said before this table only `contracted` knows.
CREATE TABLE reports (
    request text NOT NULL,
    application uuid NOT NULL,
    quantity bigint,
    amount_won bigint,
    contracted_on date,
    reason text,
    reported_at timestamptz NOT NULL,
    PRIMARY KEY (request, application)
);

-- When each epoch's selection was confirmed: awards are to be reported on from then. `rounds.confirmed_at` moves on
-- with later batches.
CREATE TABLE confirmations (
    round text NOT NULL REFERENCES rounds,
    epoch integer NOT NULL,
    confirmed_at timestamptz NOT NULL,
    PRIMARY KEY (round, epoch)
);
-- Acts are approved in real time; a rehearsal's own time is known of the newest epoch alone.
INSERT INTO confirmations (round, epoch, confirmed_at)
SELECT a.round, (a.terms->>'epoch')::int,
       min(CASE WHEN r.rehearsal IS NULL THEN a.approved_at ELSE coalesce(r.confirmed_at, a.approved_at) END)
FROM acts a JOIN rounds r USING (round)
WHERE a.kind = 'confirm' AND a.approved_at IS NOT NULL GROUP BY 1, 2;

CREATE INDEX ON purchase_requests (institution, round, request);
CREATE INDEX ON outcomes (round) WHERE result ? 'awards';
