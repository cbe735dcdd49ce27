"""One bucket of what intake owns: its leaves, and the published form of each newest version in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.entries import EntryVersion
from services.intake.storage.epochs import APPLICATION_LEAVES, REQUEST_LEAVES
from services.intake.storage.versions import version_of
from shared.service.postgres import Connection

_BUCKET = "get_byte(sha256(convert_to({}, 'UTF8')), 0) = $2"
APPLICATIONS = f"SELECT * FROM ({APPLICATION_LEAVES}) leaf WHERE {_BUCKET.format('application')}"  # noqa: S608
REQUESTS = f"SELECT * FROM ({REQUEST_LEAVES}) leaf WHERE {_BUCKET.format('request')}"  # noqa: S608
VERSIONS = f"""
SELECT application::text, party::text, version, a.withdrawn, received_at, nonce, v.payload_hash, facts, contested,
       restated, identity, arrived_at
FROM applications a JOIN application_versions v USING (application, version)
WHERE round = $1 AND {_BUCKET.format("application::text")}
"""  # noqa: S608
PUBLISHED_REQUESTS = f"""
SELECT request, version, withdrawn, received_at, published FROM purchase_requests
WHERE round = $1 AND {_BUCKET.format("request")}
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class NewestVersion:
    """The newest version of an application."""

    party: str
    withdrawn: bool
    version: EntryVersion


@dataclass(frozen=True, slots=True)
class PublishedRequest:
    """The newest version of a request as published; no body for versions stored before it was kept."""

    request: str
    version: int
    withdrawn: bool
    received_at: datetime | None
    body: bytes | None


async def application_leaves(connection: Connection, round_id: str, bucket: int) -> list[Sequence[str | int]]:
    return [tuple(row) for row in await connection.fetch(APPLICATIONS, round_id, bucket)]


async def request_leaves(connection: Connection, round_id: str, bucket: int) -> list[Sequence[str | int]]:
    return [tuple(row) for row in await connection.fetch(REQUESTS, round_id, bucket)]


async def newest_versions(connection: Connection, round_id: str, bucket: int) -> list[NewestVersion]:
    """Withdrawn ones too."""
    return [
        NewestVersion(row["party"], row["withdrawn"], version_of(row))
        for row in await connection.fetch(VERSIONS, round_id, bucket)
    ]


async def published_requests(connection: Connection, round_id: str, bucket: int) -> list[PublishedRequest]:
    rows = await connection.fetch(PUBLISHED_REQUESTS, round_id, bucket)
    return [
        PublishedRequest(row["request"], row["version"], row["withdrawn"], row["received_at"], row["published"])
        for row in rows
    ]
