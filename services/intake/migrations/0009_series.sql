-- A rolling intake is a series of rounds, one a cut. `announced_close` is what an extension moves `closes_at` away from.
ALTER TABLE rounds ADD COLUMN series text, ADD COLUMN cut integer, ADD COLUMN announced_close timestamptz,
    ADD CONSTRAINT cut_of_series CHECK ((series IS NULL) = (cut IS NULL)), ADD CONSTRAINT one_cut UNIQUE (series, cut);
UPDATE rounds SET announced_close = closes_at;

-- When the status of a selected product ended, of rounds that end it.
ALTER TABLE outcomes ADD COLUMN status_ended_at timestamptz;
