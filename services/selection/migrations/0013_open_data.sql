-- Institutions by name, since when each was called so: a release of open data names them as they were called then.
CREATE TABLE institution_names (
    institution text NOT NULL,
    changed_at timestamptz NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (institution, changed_at)
);

-- Every report of a purchase; `purchases` has the newest of each award.
CREATE TABLE purchase_reports (
    request text NOT NULL,
    application uuid NOT NULL,
    reported_at timestamptz NOT NULL,
    round text NOT NULL,
    institution text NOT NULL,
    quantity bigint,
    amount_won bigint,
    contracted_on date,
    PRIMARY KEY (request, application, reported_at)
);
CREATE INDEX ON purchase_reports (round);

-- The topics they come from are read again; what they have said already changes nothing.
DELETE FROM consumer_offsets WHERE topic LIKE '%institutions.v1' OR topic LIKE '%purchase-requests.v1';

-- When the broker stamped an event, in real time: announcements and extensions say no moment of their own. NULL: from
-- before this.
ALTER TABLE chronicle ADD COLUMN appended_at timestamptz;

-- Selected are few, results may be a million.
CREATE INDEX results_selected ON results (round, epoch) WHERE result = 'selected';
