"""What each replica answers to the questions of `firstbuy/diagnosis/services.py`."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

from firstbuy.diagnosis.services import Answer, ReplicaFound

_SECONDS: Final = 10.0
_PATHS: Final = ("/health/live", "/health/ready", "/metrics", "/.well-known/firstbuy-keys")


async def replicas(named: Sequence[tuple[str, str]]) -> list[ReplicaFound]:
    """Of each (service, URL); of one that is named `?`, its metrics tell the service."""
    async with httpx2.AsyncClient(timeout=_SECONDS) as client:
        return list(await asyncio.gather(*(_replica(client, service, url) for service, url in named)))


async def _replica(client: httpx2.AsyncClient, service: str, url: str) -> ReplicaFound:
    found = ReplicaFound(service, url, *(await asyncio.gather(*(_answer(client, url + path) for path in _PATHS))))
    return replace(found, service=found.build().get("service", service))


async def _answer(client: httpx2.AsyncClient, url: str) -> Answer:
    asked_at = datetime.now(UTC)
    try:
        answer = await client.get(url)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Answer(0, str(error) or type(error).__name__, None, asked_at, datetime.now(UTC))
    return Answer(answer.status_code, answer.text, _date(answer), asked_at, datetime.now(UTC))


def _date(answer: httpx2.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return None
