#!/bin/bash
# In the manner of the published image's docker-entrypoint.sh: the database is made once, from files.
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  initdb -D "$PGDATA" -U postgres --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256 > /dev/null
  echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
  pg_ctl -D "$PGDATA" -w start -o "-c listen_addresses= ${*:2}"
  for file in /docker-entrypoint-initdb.d/*.sql; do psql -v ON_ERROR_STOP=1 --no-psqlrc -h /tmp -U postgres -d postgres -f "$file"; done
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@"
