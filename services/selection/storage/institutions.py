"""Names of institutions."""

from collections.abc import Iterable

from shared.service.postgres import Connection

NAMES = """
SELECT DISTINCT ON (institution) institution, name FROM institution_names
WHERE institution = ANY($1::text[]) ORDER BY institution, changed_at DESC
"""


async def names(connection: Connection, codes: Iterable[str]) -> dict[str, str]:
    """The newest known names, by code."""
    return {row["institution"]: row["name"] for row in await connection.fetch(NAMES, sorted(set(codes)))}
