-- Of the terms that stand; null of rounds announced before they had one.
ALTER TABLE rounds ADD COLUMN announcement_root text;
