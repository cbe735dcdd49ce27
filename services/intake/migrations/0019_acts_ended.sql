-- An act that is proposed may end without being done, and an announcement is proposed before its round is there.
ALTER TABLE acts
    ADD COLUMN ended_as text CHECK (ended_as IN ('rejected', 'withdrawn')),
    ADD COLUMN ended_by text,
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN ended_reason text,
    ADD CHECK (ended_as IS NULL OR approved_by IS NULL),
    DROP CONSTRAINT acts_round_fkey;
CREATE INDEX acts_waiting ON acts (round, kind) WHERE approved_by IS NULL AND ended_as IS NULL;

-- What proposed announcements and amendments name by its hash.
CREATE TABLE proposed_policies (
    policy_hash text PRIMARY KEY,
    policy jsonb NOT NULL
);
