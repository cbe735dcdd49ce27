-- The network an application was sent from, as intake names it: a keyed hash, which says nothing but that two are one.
ALTER TABLE contacts ADD COLUMN network text;

-- Mails taken up of each mailbox, domain and network, by keyed hash; a window that has ended counts no more.
CREATE TABLE mail_windows (
    scope text NOT NULL,
    key text NOT NULL,
    mails integer NOT NULL,
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX ended_mail_windows ON mail_windows (ends_at);

-- One that waits for room waits until `due_at`.
CREATE INDEX due_waiting_deliveries ON deliveries (due_at) WHERE state = 'waiting';
