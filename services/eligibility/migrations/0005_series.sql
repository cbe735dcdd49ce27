-- Which cut of a rolling intake a round is: a check may name the intake.
ALTER TABLE rounds ADD COLUMN series text, ADD COLUMN cut integer;
CREATE INDEX ON rounds (series, cut DESC) WHERE policy IS NOT NULL;
