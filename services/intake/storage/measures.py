"""Counts for metrics: of rounds that are on, entries that stand and contested ones; bytes of documents."""

from collections.abc import Mapping, Sequence

from shared.service.postgres import Connection

COUNTS = """
SELECT a.round, count(*) AS admitted, count(*) FILTER (WHERE v.contested) AS contested
FROM applications a JOIN application_versions v USING (application, version)
WHERE a.round = ANY($1::text[]) AND NOT a.withdrawn GROUP BY a.round
"""


DOCUMENTS = """
SELECT (SELECT coalesce(sum(bytes), 0)::bigint FROM documents) AS held,
       (SELECT coalesce(sum(bytes), 0)::bigint FROM uploaded_documents WHERE NOT named) AS waiting
"""


async def counts(connection: Connection, rounds: Sequence[str]) -> Mapping[str, tuple[int, int]]:
    """By round, the entries that stand, and how many of them are contested."""
    found = {row["round"]: (row["admitted"], row["contested"]) for row in await connection.fetch(COUNTS, rounds)}
    return {round_id: found.get(round_id, (0, 0)) for round_id in rounds}


async def documents(connection: Connection) -> tuple[int, int]:
    """Bytes of documents that are held, and of those that no application names."""
    row = await connection.fetchrow(DOCUMENTS)
    return (row["held"], row["waiting"]) if row else (0, 0)
