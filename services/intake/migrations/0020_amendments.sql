-- How often its terms were amended before it opened: the number of the newest amendment.
ALTER TABLE rounds ADD COLUMN amendment integer NOT NULL DEFAULT 0;
