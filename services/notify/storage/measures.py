"""Counts for metrics, by channel."""

from collections.abc import Mapping

from shared.service.postgres import Connection

DUE = """
SELECT channel, count(*) AS due, extract(epoch FROM now() - min(due_at))::float8 AS overdue
FROM deliveries WHERE state = 'pending' AND due_at < now() GROUP BY channel
"""


async def due(connection: Connection) -> Mapping[str, tuple[int, float]]:
    """By channel, how many deliveries are due, and for how many seconds the first has been."""
    return {row["channel"]: (row["due"], row["overdue"]) for row in await connection.fetch(DUE)}
