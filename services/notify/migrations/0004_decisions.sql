-- What each epoch decided of an application: a later epoch is told only to those for whom it is another.
CREATE TABLE decisions (
    application text NOT NULL,
    epoch integer NOT NULL,
    decision jsonb NOT NULL,
    PRIMARY KEY (application, epoch)
);
-- Results told before are read once more, so that a later epoch is held against them; nobody is told twice.
DELETE FROM consumer_offsets WHERE topic LIKE '%selections.v1';
