-- When intake read an entry itself, where the moment of an edge counts (received_at): its receipt states both.
ALTER TABLE application_versions ADD COLUMN arrived_at timestamptz;
