-- Decisions and officers' acts, each bound to the one before by its hash: a changed, removed or inserted row is found.
CREATE TABLE audit_log (
    sequence bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    detail text NOT NULL,
    previous text NOT NULL,
    hash text NOT NULL
);
