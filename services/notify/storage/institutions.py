"""Institutions: their names and whether they take part. The newest change wins."""

from collections.abc import Iterable

from services.notify.storage.newest import newest
from shared.contracts.events import InstitutionChanged
from shared.service.postgres import Connection, columns

SAVE = """
INSERT INTO institutions (institution, name, status, changed_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
ON CONFLICT (institution) DO UPDATE SET name = excluded.name, status = excluded.status, changed_at = excluded.changed_at
WHERE institutions.changed_at < excluded.changed_at
"""
NAMES = "SELECT institution, name FROM institutions WHERE institution = ANY($1::text[])"


async def save(connection: Connection, changes: Iterable[InstitutionChanged]) -> None:
    """Stores names and statuses. Expects at least one change."""
    rows = [
        {
            "institution": change.institution,
            "name": change.name,
            "status": change.status.value,
            "changed_at": change.changed_at,
        }
        for change in changes
    ]
    await connection.execute(SAVE, *columns(newest(rows, "institution", lambda row: row["changed_at"])))


async def names(connection: Connection, codes: Iterable[str]) -> dict[str, str]:
    """Names by code; unknown codes are left out."""
    rows = await connection.fetch(NAMES, sorted(set(codes)))
    return {row["institution"]: row["name"] for row in rows}
