"""A firm's entries in a round. First lock the firm, then read its entries, then insert."""

import hashlib
from collections.abc import Collection, Mapping

from services.intake.domain.firms import Caps, FirmEntry, came_with, names_of
from shared.contracts.identity import IdentityLevel
from shared.service.postgres import Connection

Firm = tuple[str, str]
"""(round, business number)."""

LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key"
# A withdrawn entry counts with the facts of its last version before.
ENTRIES = """
SELECT a.round, a.business_number, a.application::text, a.product_key, a.withdrawn, a.token_hash,
       facts->>'track' AS track, facts->'product'->>'reference' AS reference, facts->'product'->>'item_id' AS item_id,
       c.email, stated.identity, stated.contested
FROM unnest($1::text[], $2::text[]) AS asked(round, business_number)
JOIN applications a USING (round, business_number)
LEFT JOIN contacts c USING (party)
CROSS JOIN LATERAL (
    SELECT v.facts::jsonb, v.identity, v.contested, v.received_at FROM application_versions v
    WHERE v.application = a.application AND NOT v.withdrawn ORDER BY v.version DESC LIMIT 1) stated
ORDER BY stated.received_at, a.application
"""
CONTESTED = """
SELECT DISTINCT business_number FROM applications JOIN application_versions v USING (application, version)
WHERE round = $1 AND v.contested AND NOT v.withdrawn ORDER BY business_number
"""
CAPS = """
SELECT round, (policy->'limits'->>'applications_per_firm')::int AS of_round, ARRAY(
    SELECT jsonb_build_array(track->'track', track->'limits'->'applications_per_firm')
    FROM jsonb_array_elements(policy->'tracks') AS track
    WHERE track->'limits'->>'applications_per_firm' IS NOT NULL) AS of_tracks
FROM rounds WHERE round = ANY($1::text[])
"""


async def lock(connection: Connection, firms: Collection[Firm]) -> None:
    """Locks the firms until the transaction ends, after the round's own lock. In numeric order, so that two replicas
    never deadlock. Read entries afterwards, in a statement of its own."""
    await connection.execute(LOCK, sorted(_number(firm) for firm in firms))


def _number(firm: Firm) -> int:
    digest = hashlib.sha256("\x1f".join(("firstbuy-firm", *firm)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


async def entries(connection: Connection, firms: Collection[Firm]) -> dict[Firm, list[FirmEntry]]:
    """For each firm its entries in the round, also withdrawn ones, oldest first. An entry keeps its first name."""
    by_firm: dict[Firm, list[FirmEntry]] = {firm: [] for firm in firms}
    for row in await connection.fetch(ENTRIES, *zip(*sorted(firms), strict=True)):
        names = names_of(row["reference"], row["item_id"]) | came_with(row["product_key"])
        entry = FirmEntry(
            application=row["application"],
            names=names,
            track=row["track"],
            withdrawn=row["withdrawn"],
            token_hash=row["token_hash"],
            contact=row["email"],
            identity=IdentityLevel(row["identity"] or IdentityLevel.NONE),
            contested=row["contested"],
        )
        by_firm[row["round"], row["business_number"]].append(entry)
    return by_firm


async def with_contests(connection: Connection, round_id: str) -> dict[Firm, list[FirmEntry]]:
    """Firms of a round with a contested entry, in order of their numbers, each with all its entries."""
    rows = await connection.fetch(CONTESTED, round_id)
    return await entries(connection, [(round_id, row["business_number"]) for row in rows]) if rows else {}


async def caps(connection: Connection, rounds: Collection[str]) -> Mapping[str, Caps]:
    """The limits of each round's policy."""
    return {
        row["round"]: Caps(row["of_round"], dict(row["of_tracks"]))
        for row in await connection.fetch(CAPS, sorted(rounds))
    }
