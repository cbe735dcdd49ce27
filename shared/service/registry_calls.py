"""Calls to public registries over HTTP: one call, its failures, and values that all registries use."""

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx2

ANSWER_BYTES: Final = 1_048_576
FIRST_YEAR: Final = 1900
_LONGEST_WAIT: Final = 86_400.0
_DAY: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})", re.ASCII)

# It logs the address of each call, which may contain a key.
logging.getLogger("httpx2").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Address:
    """A registry's URL, and what tells our key at each call, since it may be replaced. Its `repr` shows no key."""

    url: str
    key: Callable[[], str] = str

    def __repr__(self) -> str:
        return f"Address({self.url!r})"


class RegistryFailureError(Exception):
    """The registry gave no usable answer. The text never contains a key, an address or the question."""

    code = "registry-failure"


class RegistryAwayError(RegistryFailureError):
    """The registry can't be reached or refuses. `retry_after`: seconds it asks us to wait; 0 if it does not say."""

    code = "registry-away"

    def __init__(self, detail: str, retry_after: float = 0.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class UnsoundAnswerError(RegistryFailureError):
    """The registry's answer does not match its interface."""

    code = "unsound-answer"


async def called(method: str, url: str, seconds: float, **request: Any) -> bytes:
    """The unchecked body of a 200 answer. Raises RegistryAwayError, UnsoundAnswerError."""
    content = b""
    try:
        async with (
            asyncio.timeout(seconds),
            httpx2.AsyncClient(timeout=seconds) as client,
            client.stream(method, url, **request) as answer,
        ):
            if answer.status_code != 200:
                wait = _seconds(answer.headers.get("retry-after"), datetime.now(UTC))
                raise RegistryAwayError(f"answers {answer.status_code}", wait)
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > ANSWER_BYTES:
                    raise UnsoundAnswerError(f"its answer is longer than {ANSWER_BYTES} bytes")
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
        raise RegistryAwayError(type(error).__name__) from None  # the error's own text may hold the address
    return content


def _seconds(retry_after: str | None, now: datetime) -> float:
    """The wait that Retry-After asks for (RFC 9110, 10.2.3), in seconds or as a date; 0 if unreadable."""
    if not retry_after:
        return 0.0
    if re.fullmatch("[0-9]{1,9}", retry_after, re.ASCII):
        return min(float(retry_after), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), _LONGEST_WAIT)


def day(written: str) -> date | None:
    """The date of `YYYYMMDD`; None for an empty text. Raises UnsoundAnswerError."""
    if not written:
        return None
    parts = _DAY.fullmatch(written)
    try:
        parsed = date(*map(int, parts.groups())) if parts else None
    except ValueError:
        parsed = None
    if parsed is None or parsed.year < FIRST_YEAR:
        raise UnsoundAnswerError("a date is none")
    return parsed
