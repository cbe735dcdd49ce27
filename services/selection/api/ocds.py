"""HTTP in, open data: a round's releases in one package, and the policy they link to."""

import asyncio
import hashlib
import tempfile
from collections.abc import Iterable
from typing import IO, Final

from fastapi import APIRouter, Request, Response

from services.selection.domain.ocds.package import package
from services.selection.domain.ocds.release import NotReadYetError, Publication
from services.selection.settings import SelectionSettings
from services.selection.storage import ocds, versions
from shared.proof.canonical import canonical_json
from shared.service.kept_answers import ASKED_AGAIN, kept_answer, knows
from shared.service.postgres import connected
from shared.service.problems import Problem
from shared.service.runtime import Runtime

router = APIRouter(prefix="/rounds", tags=["open data"])
MADE_AT_ONCE: Final = 2
"""Most packages made at once: each holds all selected products in memory until it is on disk."""


class Packages:
    """What all packages of a deployment share."""

    def __init__(self, settings: SelectionSettings) -> None:
        self._settings = settings
        self.slots = asyncio.Semaphore(MADE_AT_ONCE)
        self.tenderers: dict[str, int] = {}

    def publication(self) -> Publication:
        """The publisher. Links are part of what is published, so they never come from a request's Host header.

        Raises Problem if no public address is set.
        """
        if not self._settings.public_url:
            missing = (
                "Open data links to this service's public address, FIRSTBUY_SELECTION_PUBLIC_URL, which is not set."
            )
            raise Problem(503, "no-public-address", missing)
        return Publication(
            prefix=self._settings.ocds_prefix,
            publisher=self._settings.ocds_publisher,
            publisher_uri=self._settings.ocds_publisher_uri,
            licence=self._settings.ocds_licence_url,
            address=self._settings.public_url,
        )


@router.get("/{round_id}/ocds")
async def releases(round_id: str, request: Request) -> Response:
    """A release package of OCDS 1.1: what is public of the round by now, and of purchases that were reported."""
    runtime: Runtime = request.app.state.runtime
    packages: Packages = request.app.state.packages
    publication = packages.publication()
    async with connected(runtime.pool) as connection:
        version = await versions.of_open_data(connection, round_id)

    async def made() -> IO[bytes]:
        async with (
            packages.slots,
            connected(runtime.pool) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            process = await ocds.process(connection, round_id, packages.tenderers)
            if process is None:
                raise Problem(404, "unknown-round", f"No round {round_id} is known here.")
            return await asyncio.to_thread(_file, package(publication, process))

    try:
        return await kept_answer(request, ("ocds", round_id, version), made, "application/json", {})
    except NotReadYetError as error:
        still = "The round's events are still being read: ask again."
        raise Problem(503, error.code, still, headers={"Retry-After": "1"}) from error


@router.get("/{round_id}/policy")
async def policy(round_id: str, request: Request) -> Response:
    """The round's policy in canonical JSON: the SHA-256 of this answer is the `policy_hash` it was opened under."""
    runtime: Runtime = request.app.state.runtime
    async with connected(runtime.pool) as connection:
        published_policy = await ocds.policy(connection, round_id)
    if published_policy is None:
        raise Problem(404, "not-open", f"No round {round_id} that has opened is known here.")
    content = canonical_json(published_policy)
    headers = {"Cache-Control": ASKED_AGAIN, "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"'}
    if knows(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def _file(written: Iterable[bytes]) -> IO[bytes]:
    """Writes the package to disk, so that slow readers hold no other resource."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed once it is sent
    try:
        for piece in written:
            file.write(piece)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file
