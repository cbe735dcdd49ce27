-- Marks have versions, of which the highest stands; which of them count is what two officers closed.
ALTER TABLE marks ADD COLUMN version integer NOT NULL DEFAULT 1;
CREATE INDEX ON marks (round);
CREATE TABLE scores_closed (
    round text NOT NULL,
    epoch integer NOT NULL,
    marks_root text NOT NULL,
    PRIMARY KEY (round, epoch)
);
