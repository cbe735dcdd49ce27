-- Somebody at an institution, who is mailed what concerns it; the other contacts are applicants'.
ALTER TABLE contacts ADD COLUMN institution text;
CREATE INDEX desks ON contacts (institution) WHERE institution IS NOT NULL;

-- Where an institution's webhooks go; both secrets sign until `before_until`.
CREATE TABLE webhooks (
    institution text PRIMARY KEY,
    url text NOT NULL,
    secret text NOT NULL,
    secret_before text,
    before_until timestamptz,
    changed_at timestamptz NOT NULL
);
