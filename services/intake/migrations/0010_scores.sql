-- The panel's marks: of each reviewer the version that stands.
CREATE TABLE marks (
    application uuid NOT NULL REFERENCES applications,
    reviewer text NOT NULL,
    round text NOT NULL,
    version integer NOT NULL,
    points bigint NOT NULL,
    conflict_of_interest boolean NOT NULL,
    scored_at timestamptz NOT NULL,
    PRIMARY KEY (application, reviewer)
);
CREATE INDEX ON marks (round);

CREATE TABLE scores_closed (
    round text NOT NULL,
    epoch integer NOT NULL,
    marks bigint NOT NULL,
    marks_root text NOT NULL,
    closed_at timestamptz NOT NULL,
    PRIMARY KEY (round, epoch)
);

-- Whom an act admitted late: they need marks of their own after the others' are closed.
ALTER TABLE epochs ADD COLUMN admitted uuid[] NOT NULL DEFAULT '{}';
