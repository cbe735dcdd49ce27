"""A firm's entries in a round, while nobody else enters one: a lock of each firm, then what stands, then the insert."""

import hashlib
from collections.abc import Collection, Mapping

from services.intake.domain.firms import Caps, Standing, names_of
from shared.postgres import Connection

Firm = tuple[str, str]
"""Round and business number."""

LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key"
# The facts of a withdrawn entry are those it withdrew.
STANDING = """
SELECT a.round, a.business_number, a.application::text, a.product_key, a.withdrawn, a.token_hash,
       facts->>'track' AS track, facts->'product'->>'reference' AS reference, facts->'product'->>'item_id' AS item_id
FROM unnest($1::text[], $2::text[]) AS asked(round, business_number)
JOIN applications a USING (round, business_number)
CROSS JOIN LATERAL (
    SELECT v.facts::jsonb FROM application_versions v WHERE v.application = a.application AND NOT v.withdrawn
    ORDER BY v.version DESC LIMIT 1) stated
"""
CAPS = """
SELECT round, (policy->'limits'->>'applications_per_firm')::int AS of_round, ARRAY(
    SELECT jsonb_build_array(track->'track', track->'limits'->'applications_per_firm')
    FROM jsonb_array_elements(policy->'tracks') AS track
    WHERE track->'limits'->>'applications_per_firm' IS NOT NULL) AS of_tracks
FROM rounds WHERE round = ANY($1::text[])
"""


async def lock(connection: Connection, firms: Collection[Firm]) -> None:
    """Until the transaction ends, after the round's own lock. In order of their numbers, so that two replicas never
    wait for each other. What stands is read afterwards, in a statement of its own."""
    await connection.execute(LOCK, sorted(_number(firm) for firm in firms))


def _number(firm: Firm) -> int:
    digest = hashlib.sha256("\x1f".join(("firstbuy-firm", *firm)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


async def standing(connection: Connection, firms: Collection[Firm]) -> dict[Firm, list[Standing]]:
    """Of each, its entries in the round, withdrawn ones too. An entry keeps the name that it came with."""
    found: dict[Firm, list[Standing]] = {firm: [] for firm in firms}
    for row in await connection.fetch(STANDING, *zip(*sorted(firms), strict=True)):
        names = names_of(row["reference"], row["item_id"]) | {_came_with(row["product_key"])}
        entry = Standing(row["application"], names, row["track"], row["withdrawn"], row["token_hash"])
        found[row["round"], row["business_number"]].append(entry)
    return found


def _came_with(product_key: str) -> str:
    kind, _, name = product_key.partition(":")
    (spelled,) = names_of(name, None) if kind == "ref" else {product_key}
    return spelled


async def caps(connection: Connection, rounds: Collection[str]) -> Mapping[str, Caps]:
    return {
        row["round"]: Caps(row["of_round"], dict(row["of_tracks"]))
        for row in await connection.fetch(CAPS, sorted(rounds))
    }
