-- What a mail's envelope sender carries beside its notice, so that nobody who was not mailed can return it: ids of
-- notices follow from ids of applications, which are public by the results. Keyed with a secret of its own, as in 0011.
DO $$
DECLARE secret text := encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
BEGIN
    EXECUTE format(
        'CREATE FUNCTION notice_tag(delivery uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS %L',
        format('SELECT left(encode(sha256(decode(%L, ''hex'') || uuid_send(delivery)), ''hex''), 12)', secret)
    );
END
$$;

-- Returned mails that a person has to look at, whole, until one says that it is done; one that comes twice stands once.
CREATE TABLE returned_mails (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    digest text NOT NULL UNIQUE,
    why text NOT NULL,
    delivery uuid,
    status text,
    words text,
    content bytea NOT NULL,
    arrived_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX returned_mails_of_delivery ON returned_mails (delivery) WHERE delivery IS NOT NULL;
