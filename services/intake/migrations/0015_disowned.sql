-- Applications whose contact says that it was not them, until an officer settles it. The application stands.
CREATE TABLE disowned_contacts (
    application uuid PRIMARY KEY,
    round text NOT NULL,
    disowned_at timestamptz NOT NULL,
    settled_at timestamptz
);
CREATE INDEX unsettled_disowned ON disowned_contacts (disowned_at) WHERE settled_at IS NULL;
