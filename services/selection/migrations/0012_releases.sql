-- What officers named as set free, and what the batch gives out of it: `body` is ReleaseProposed, once it is.
-- A batch confirmed in one with its selection (`confirmations.batch`) is published with that.
CREATE TABLE releases (
    round text NOT NULL,
    epoch integer NOT NULL,
    batch integer NOT NULL,
    opened jsonb NOT NULL,
    body jsonb,
    confirmed_at timestamptz,
    confirmed_root text,
    published boolean NOT NULL DEFAULT false,
    PRIMARY KEY (round, epoch, batch)
);

-- What each batch changed, in draw order.
CREATE TABLE release_lines (
    round text NOT NULL,
    epoch integer NOT NULL,
    batch integer NOT NULL,
    line bigint NOT NULL,
    application uuid NOT NULL,
    result text NOT NULL,
    reason text,
    awards jsonb NOT NULL,
    PRIMARY KEY (round, epoch, batch, line)
);
CREATE INDEX ON release_lines (application, epoch, batch);

ALTER TABLE confirmations ADD COLUMN batch integer NOT NULL DEFAULT 0;

-- Results as the batches confirmed so far have left them; `batch` is the last that changed one, 0 where none did.
CREATE VIEW standing_results AS
WITH moved AS (
    SELECT DISTINCT ON (l.round, l.epoch, l.application)
           l.round, l.epoch, l.application, l.result, l.reason, l.awards, l.batch
    FROM release_lines l JOIN releases r USING (round, epoch, batch)
    WHERE r.confirmed_at IS NOT NULL AND coalesce(r.confirmed_root = r.body->>'batch_root', true)
    ORDER BY l.round, l.epoch, l.application, l.batch DESC
)
SELECT s.round, s.epoch, s.line, s.application, s.party, s.product, coalesce(m.result, s.result) AS result,
       CASE WHEN m.result IS NULL THEN s.reason ELSE m.reason END AS reason, s.position, s.reserve_position, s.key,
       s.tickets, coalesce(m.awards, s.awards) AS awards, coalesce(m.batch, 0) AS batch
FROM results s LEFT JOIN moved m ON m.round = s.round AND m.epoch = s.epoch AND m.application = s.application;
