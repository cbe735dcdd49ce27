"""Mails to applicants that are ready, and how many each mailbox, domain and network got in its window."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from services.notify.domain.rates import Key, Ready, Scope, Used
from shared.service.postgres import Connection, rows_changed

_LOCK: Final = 0x72617465  # "rate": one replica at a time shares mails out, for one transaction
BEGIN = "SELECT pg_try_advisory_xact_lock($1) AS mine, now()"
# Their needs are met, by the same conditions as in `deliveries.TAKE_UP`, which is for all other deliveries.
READY = """
SELECT d.delivery::text, c.address, c.email, c.network, d.patient
FROM deliveries d JOIN contacts c ON c.party = d.recipient AND c.email IS NOT NULL AND c.institution IS NULL
WHERE d.state = 'waiting' AND d.due_at <= now() AND d.channel = 'mail' AND 'digest' <> ALL (needs)
    AND ('round' <> ALL (needs) OR EXISTS (SELECT FROM rounds r WHERE r.round = d.round))
    AND ('application' <> ALL (needs) OR EXISTS (SELECT FROM applications a WHERE a.application = d.subject))
    AND ('verdict' <> ALL (needs) OR EXISTS (
        SELECT FROM verdicts v JOIN applications a USING (application)
        WHERE v.application = d.subject AND v.version >= a.version))
ORDER BY d.created_at, d.delivery LIMIT $1 FOR UPDATE OF d SKIP LOCKED
"""
USED = """
SELECT asked.scope, asked.key, mails, ends_at FROM unnest($1::text[], $2::text[]) AS asked(scope, key)
JOIN mail_windows w ON w.scope = asked.scope AND w.key = keyed_address(asked.key) WHERE ends_at > now()
"""
USE = """
INSERT INTO mail_windows (scope, key, mails, ends_at)
SELECT scope, keyed_address(key), mails, ends_at
FROM unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[]) AS used(scope, key, mails, ends_at)
ON CONFLICT (scope, key) DO UPDATE SET mails = excluded.mails, ends_at = excluded.ends_at
"""
ALONE = """
UPDATE deliveries SET state = 'pending', due_at = now(), taken_up_at = now() WHERE delivery = ANY ($1::uuid[])
"""
# The first carries the others; it can wait for the morning if all can.
TOGETHER = """
UPDATE deliveries d SET state = CASE WHEN said.first THEN 'pending' ELSE 'gathered' END, patient = said.patient,
    digest = CASE WHEN NOT said.first THEN said.digest END, due_at = now(), taken_up_at = now()
FROM unnest($1::uuid[], $2::uuid[], $3::bool[], $4::bool[]) AS said(delivery, digest, first, patient)
WHERE d.delivery = said.delivery
"""
HOLD = """
UPDATE deliveries d SET due_at = held.until FROM unnest($1::uuid[], $2::timestamptz[]) AS held(delivery, until)
WHERE d.delivery = held.delivery
"""
FORGET = "DELETE FROM mail_windows WHERE ends_at <= now()"
AT_ONCE: Final = 2000


async def begin(connection: Connection) -> datetime | None:
    """The time of this transaction, for counting; None if another replica is sharing mails out."""
    row = await connection.fetchrow(BEGIN, _LOCK)
    return row["now"] if row is not None and row["mine"] else None


async def ready(connection: Connection) -> list[Ready]:
    """Mails that are ready, oldest first; locked until the transaction ends."""
    return [Ready(*row) for row in await connection.fetch(READY, AT_ONCE)]


async def used(connection: Connection, keys: Iterable[Key]) -> dict[Key, Used]:
    """The current windows of these keys; those without mails are left out."""
    asked = sorted(set(keys))
    if not asked:
        return {}
    rows = await connection.fetch(USED, *zip(*asked, strict=True))
    return {(Scope(row["scope"]), row["key"]): Used(row["mails"], row["ends_at"]) for row in rows}


async def use(connection: Connection, windows: Mapping[Key, Used]) -> None:
    """Stores changed windows."""
    rows = [(*key, window.mails, window.ends_at) for key, window in sorted(windows.items())]
    if rows:
        await connection.execute(USE, *zip(*rows, strict=True))


async def send_alone(connection: Connection, deliveries: Sequence[str]) -> None:
    """Makes these due, each in a mail of its own."""
    if deliveries:
        await connection.execute(ALONE, list(deliveries))


async def send_together(connection: Connection, groups: Iterable[Sequence[Ready]]) -> None:
    """Makes the first of each group due, and gathers the others into its mail."""
    rows = [
        (mail.delivery, group[0].delivery, mail is group[0], all(mail.patient for mail in group))
        for group in groups
        for mail in group
    ]
    if rows:
        await connection.execute(TOGETHER, *zip(*rows, strict=True))


async def hold(connection: Connection, held: Sequence[tuple[str, datetime]]) -> None:
    """Lets each (delivery, until) wait until then."""
    if held:
        await connection.execute(HOLD, *zip(*held, strict=True))


async def forget(connection: Connection) -> int:
    """Deletes windows that have ended; returns how many."""
    return await rows_changed(connection, FORGET)
