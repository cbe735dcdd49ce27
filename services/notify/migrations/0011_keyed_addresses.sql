-- Who reads a plain hash of an address can try addresses until one fits. Those here are keyed with a secret of this
-- database's own, which stands in this function alone: in no table, answer, log or event.
DO $$
DECLARE secret text := encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
BEGIN
    EXECUTE format(
        'CREATE FUNCTION keyed_address(email text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS %L',
        format('SELECT encode(sha256(decode(%L, ''hex'') || sha256(convert_to(lower(email), ''UTF8''))), ''hex'')', secret)
    );
    EXECUTE format('UPDATE suppressions SET address = encode(sha256(decode(%L, ''hex'') || decode(address, ''hex'')), ''hex'')',
        secret);
END
$$;
