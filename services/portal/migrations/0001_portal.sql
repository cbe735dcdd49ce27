-- What is a page's own: who is signed in, drafts, and the tokens by which an account opens its applications. Nothing here
-- decides anything: if it is lost, applications stand, and a new link and a lost token's mail lead back to them.
CREATE TABLE accounts (
    account uuid PRIMARY KEY,
    email text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX accounts_of_email ON accounts (lower(email));

CREATE TABLE links (
    link_hash bytea PRIMARY KEY,
    email text NOT NULL,
    network text,
    back text NOT NULL,
    carried jsonb,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX links_of_email ON links (lower(email), created_at);
CREATE INDEX links_of_network ON links (network, created_at);
CREATE INDEX links_by_age ON links (expires_at);

CREATE TABLE sessions (
    session_hash bytea PRIMARY KEY,
    account uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    form_token text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_of_account ON sessions (account);
CREATE INDEX sessions_by_age ON sessions (expires_at);

CREATE TABLE drafts (
    draft uuid PRIMARY KEY,
    account uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    round text NOT NULL,
    fields jsonb NOT NULL,
    saved jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    saved_at timestamptz NOT NULL,
    replaces jsonb,
    sending jsonb,
    refused jsonb,
    application uuid,
    upload_key text NOT NULL,
    documents jsonb NOT NULL
);
CREATE INDEX drafts_of_account ON drafts (account);
CREATE INDEX drafts_of_round ON drafts (round);
CREATE INDEX drafts_sending ON drafts (draft) WHERE sending IS NOT NULL;

CREATE TABLE entries (
    account uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    application uuid NOT NULL,
    round text NOT NULL,
    product text NOT NULL,
    token bytea NOT NULL,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (account, application)
);
