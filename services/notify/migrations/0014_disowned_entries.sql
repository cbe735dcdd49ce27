-- Entries that officers were told of, since their contact's address is disowned: later ones with it are told of too.
CREATE TABLE disowned_entries (application text PRIMARY KEY);
CREATE INDEX disowned_suppressions ON suppressions (address) WHERE reason = 'not-me';
