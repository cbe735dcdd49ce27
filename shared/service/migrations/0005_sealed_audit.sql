-- What a row of the log says to staff alone: JSON with a nonce, whose SHA-256 stands in the row's detail.
ALTER TABLE audit_log ADD COLUMN sealed text;
