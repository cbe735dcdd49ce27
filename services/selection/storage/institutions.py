"""What institutions are called."""

from collections.abc import Iterable

from shared.postgres import Connection

NAMES = "SELECT institution, name FROM institutions WHERE institution = ANY($1::text[])"


async def names(connection: Connection, codes: Iterable[str]) -> dict[str, str]:
    """By code, as far as they are known."""
    return {row["institution"]: row["name"] for row in await connection.fetch(NAMES, sorted(set(codes)))}
