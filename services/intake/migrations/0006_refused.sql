-- Contacts of those refused between the close and the freeze, to be told should the close be moved. They are personal
-- data: gone once they are told, and at the freeze, when no extension can follow.
CREATE TABLE refused (
    round text NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    language text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (round, email)
);

-- The parties under which their contacts went to contacts.v1: erased there at the freeze.
CREATE TABLE invited (
    party uuid PRIMARY KEY,
    round text NOT NULL
);
