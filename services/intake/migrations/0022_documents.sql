-- Contents that the object store holds; `object` is their name there, which no other content ever has.
CREATE TABLE documents (
    sha256 text PRIMARY KEY,
    object text NOT NULL UNIQUE,
    bytes bigint NOT NULL,
    media_type text NOT NULL,
    held_since timestamptz NOT NULL
);
-- Who sent them: what an application that is sent with the same key may name. `network`: under a keyed hash.
CREATE TABLE uploaded_documents (
    key_hash text NOT NULL,
    sha256 text NOT NULL REFERENCES documents,
    kind text NOT NULL,
    name text NOT NULL,
    round text NOT NULL,
    bytes bigint NOT NULL,
    network text,
    trusted boolean NOT NULL,
    uploaded_at timestamptz NOT NULL,
    named boolean NOT NULL DEFAULT false,
    PRIMARY KEY (key_hash, sha256, kind)
);
CREATE INDEX uploaded_contents ON uploaded_documents (sha256);
CREATE INDEX uploaded_lately ON uploaded_documents (uploaded_at);
-- Which applications name them, in whatever version. Put back from the topic, so it may name what is not held.
CREATE TABLE named_documents (
    application uuid NOT NULL,
    sha256 text NOT NULL,
    PRIMARY KEY (application, sha256)
);
CREATE INDEX named_contents ON named_documents (sha256);
