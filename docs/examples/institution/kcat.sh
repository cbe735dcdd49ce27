#!/bin/sh
# Sends each file as one message and waits for its answer.
# sh kcat.sh kepco.librdkafka.conf submit.json [more.json …]
set -eu
configuration=$1
shift
me=$(sed -n 's/^group\.id=\(.*\)\.1$/\1/p' "$configuration") # firstbuy.institution.kepco

field() { sed -n "s/^ *\"$1\": *\"\([^\"]*\)\".*/\1/p" "$2"; }

end() { kcat -Q -F "$configuration" -t "$me.outbox.v1:0:-1" | sed 's/.* //'; }

heard_since() { kcat -C -q -e -F "$configuration" -t "$me.outbox.v1" -p 0 -o "$1" -f '%s\n'; }

for file; do
    before=$(end)
    kcat -P -F "$configuration" -t "$me.inbox.v1" -k "$(field request "$file")" "$file"
    # Answers quote the id of what they answer; everything else on the outbox is a notice.
    tries=0
    until heard_since "$before" | grep "\"quotes\":\"$(field id "$file")\""; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || { echo "no answer to $file" >&2; exit 1; }
        sleep 1
    done
done
