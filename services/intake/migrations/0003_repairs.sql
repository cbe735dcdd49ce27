-- What was published of the newest version, byte for byte, so that a bucket can be published again. NULL: before this.
ALTER TABLE purchase_requests ADD COLUMN received_at timestamptz, ADD COLUMN published bytea;
