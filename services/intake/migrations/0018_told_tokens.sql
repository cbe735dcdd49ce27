-- Whether the other services were told of a token as it stands; those made before are told once.
ALTER TABLE tokens ADD COLUMN told boolean NOT NULL DEFAULT false;
