-- A signed audit head is a notice of no round.
ALTER TABLE deliveries ALTER COLUMN round DROP NOT NULL;

-- Heads go to institutions that take part now.
ALTER TABLE institutions ADD COLUMN status text NOT NULL DEFAULT 'active';

-- The newest signed head of each service's audit log; `spread_at` is when one of the service's was last spread.
CREATE TABLE audit_heads (
    service text PRIMARY KEY,
    count bigint NOT NULL,
    head text NOT NULL,
    previous_head text NOT NULL,
    published_at timestamptz NOT NULL,
    key_id text NOT NULL,
    signature text NOT NULL,
    spread boolean NOT NULL DEFAULT false,
    spread_at timestamptz
);
