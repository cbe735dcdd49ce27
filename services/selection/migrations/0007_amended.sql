-- Versions by which upheld appeals amended applications, and the epoch that first had each.
CREATE TABLE amended (
    application uuid NOT NULL,
    version integer NOT NULL,
    round text NOT NULL,
    epoch integer NOT NULL,
    PRIMARY KEY (application, version)
);
