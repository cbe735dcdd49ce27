-- By the broker: who came to an institution's desk later is not told of a turn that is read once more.
ALTER TABLE turns ADD COLUMN appended_at timestamptz;
