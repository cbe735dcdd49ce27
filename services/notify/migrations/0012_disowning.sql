-- The contact's address as `suppressions` has it: which contacts have one address.
ALTER TABLE contacts ADD COLUMN address text;
UPDATE contacts SET address = keyed_address(email) WHERE email IS NOT NULL;
CREATE INDEX contacts_of_address ON contacts (address);

-- What a mail to an applicant names *this was not me* by: random, so that it says nothing of the address or the
-- application, and whoever was not mailed can't press it. One that is pressed stays, and so does what it was of.
CREATE TABLE disowning_links (
    link uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    party text NOT NULL,
    address text NOT NULL,
    disowned_at timestamptz,
    UNIQUE (party, address)
);
CREATE INDEX disowning_links_of_address ON disowning_links (address);
INSERT INTO disowning_links (party, address) SELECT party, address FROM contacts
WHERE address IS NOT NULL AND institution IS NULL;
CREATE INDEX applications_of_party ON applications (party);
