-- What institutions reported of their awards: of each the newest report stands.
CREATE TABLE purchases (
    request text NOT NULL,
    application uuid NOT NULL,
    round text NOT NULL,
    institution text NOT NULL,
    quantity bigint,
    amount_won bigint,
    contracted_on date,
    reason text,
    reported_at timestamptz NOT NULL,
    PRIMARY KEY (request, application)
);
CREATE INDEX ON purchases (round);

-- Awards whose institution was reminded, each once.
CREATE TABLE reminded (
    request text NOT NULL,
    application uuid NOT NULL,
    round text NOT NULL,
    PRIMARY KEY (request, application)
);
