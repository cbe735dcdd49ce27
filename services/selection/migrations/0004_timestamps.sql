-- Time-stamps (RFC 3161) of commitments. `token`: the TimeStampToken, DER; `stamped_at`: the authority's own time in it.
CREATE TABLE timestamps (
    round text NOT NULL,
    epoch integer NOT NULL,
    commitment_root text NOT NULL,
    authority text NOT NULL,
    token bytea NOT NULL,
    stamped_at timestamptz NOT NULL,
    PRIMARY KEY (round, epoch, commitment_root)
);
