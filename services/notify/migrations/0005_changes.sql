-- What would have made an application eligible, beside what spoke against it.
ALTER TABLE verdicts ADD COLUMN changes jsonb;
