-- When the round closes now: of a turn that moved the close.
ALTER TABLE turns ADD COLUMN closes_at timestamptz;
