"""One call to a public registry over HTTP, how it can fail, and the reading of what all of them write."""

import asyncio
import logging
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx2

ANSWER_BYTES: Final = 1_048_576
FIRST_YEAR: Final = 1900
_LONGEST_WAIT: Final = 86_400.0
_DAY: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})", re.ASCII)

# It writes the address of each call to the log, and a key may stand in it.
logging.getLogger("httpx2").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a registry is asked, and with which key. The key stands in no text made of it."""

    url: str
    key: str = ""

    def __repr__(self) -> str:
        return f"Address({self.url!r})"


class RegistryFailureError(Exception):
    """The registry was asked and gave no answer. Its text never holds a key, an address or what was asked."""

    code = "registry-failure"


class RegistryAwayError(RegistryFailureError):
    """It can't be reached, is closed, or refuses. Not before `retry_after` seconds, where it says so."""

    code = "registry-away"

    def __init__(self, detail: str, retry_after: float = 0.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class UnsoundAnswerError(RegistryFailureError):
    """It answered with something else than its interface promises, so with nothing."""

    code = "unsound-answer"


async def called(method: str, url: str, seconds: float, **request: Any) -> bytes:
    """The body of a 200, which is not to be believed yet. Raises RegistryAwayError, UnsoundAnswerError."""
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
    """RFC 9110, 10.2.3: seconds, or a date. What can't be read asks for no wait."""
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
    """`YYYYMMDD`, or nothing. Raises UnsoundAnswerError."""
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
