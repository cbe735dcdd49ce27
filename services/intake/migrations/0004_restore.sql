-- Up to here, every record of a topic that intake writes has its effect in this database. A database put back to an
-- earlier moment has smaller numbers than the topics have records: those are read again before intake opens.
CREATE TABLE own_offsets (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- Inbox messages answered by what this database has lost: read again, they are passed over.
CREATE TABLE inbox_answers (
    topic text NOT NULL,
    "offset" bigint NOT NULL,
    PRIMARY KEY (topic, "offset")
);
