-- An idempotency key is a firm's: another firm that chooses the same one is not in its way.
CREATE TABLE keys_of_firms (
    round text NOT NULL,
    business_number text NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL,
    application uuid NOT NULL,
    PRIMARY KEY (round, business_number, key)
);
INSERT INTO keys_of_firms (round, business_number, key, body_hash, application)
SELECT kept.round, business_number, key, body_hash, application
FROM idempotency_keys kept JOIN applications USING (application);
-- The old table stays, read and written, for replicas of the version before. A later version drops it.
