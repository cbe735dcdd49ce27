-- When intake fixed the set, as it said so in programme time; null of a set that was heard of before this was kept.
ALTER TABLE rounds ADD COLUMN fixed_at timestamptz;
