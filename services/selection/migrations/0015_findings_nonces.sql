-- What a findings hash was made with beside the findings; NULL of verdicts from before there was one.
ALTER TABLE verdicts ADD COLUMN nonce text;
