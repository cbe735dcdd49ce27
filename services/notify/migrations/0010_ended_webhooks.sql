-- One that ended keeps its moment alone, so that a late copy of what it was does not bring it back.
ALTER TABLE webhooks ALTER COLUMN url DROP NOT NULL, ALTER COLUMN secret DROP NOT NULL;
