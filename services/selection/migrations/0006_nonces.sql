-- With the nonce, facts can be held against their payload hash for as long as they decide. NULL: from before this.
ALTER TABLE applications ADD COLUMN nonce text;
ALTER TABLE requests ADD COLUMN nonce text;
