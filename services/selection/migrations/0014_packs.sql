-- What registries said of what was judged, as it was published: packs quote it. NULL: none was asked, or from before this.
ALTER TABLE verdicts ADD COLUMN evidence jsonb;

-- What institutions are called: documents for people name them so.
CREATE TABLE institutions (
    institution text PRIMARY KEY,
    name text NOT NULL,
    changed_at timestamptz NOT NULL
);
-- Those of before this: the topic is compacted and short, and taking its events again changes nothing.
DELETE FROM consumer_offsets WHERE topic LIKE '%institutions.v1';
