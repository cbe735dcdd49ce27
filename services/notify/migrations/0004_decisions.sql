-- What each epoch decided of an application: a later epoch is told only to those for whom it is another.
CREATE TABLE decisions (
    application text NOT NULL,
    epoch integer NOT NULL,
    decision jsonb NOT NULL,
    PRIMARY KEY (application, epoch)
);
