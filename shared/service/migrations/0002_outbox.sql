-- Events that are true already and not yet published: one row per batch, gone once the brokers hold it.
CREATE TABLE outbox (
    batch bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    topics text[] NOT NULL,
    keys text[] NOT NULL,
    types text[] NOT NULL,
    ids text[] NOT NULL,
    times timestamptz[] NOT NULL,
    traceparents text[] NOT NULL,
    bodies bytea[] NOT NULL
);
