-- How sure a version is to come from its firm, as intake states it; NULL of versions from before it did.
ALTER TABLE applications ADD COLUMN identity text;
