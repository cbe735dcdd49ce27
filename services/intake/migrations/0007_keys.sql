-- Keys are kept as in every service: what signed before stays published, and what was generated goes on signing.
-- The old rows stay for replicas of the version before.
INSERT INTO published_keys (key_id, public_key, first_used_at)
SELECT key_id, public_key, first_used_at FROM signing_keys ON CONFLICT DO NOTHING;
INSERT INTO own_signing_key (private) SELECT value FROM secrets WHERE name = 'signing-key' ON CONFLICT DO NOTHING;
