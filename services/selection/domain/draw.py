"""The public draw: exact weighted sampling without replacement, checkable with `printf … | sha256sum`.

Each of an application's tickets is an independent uniform number, and its key is the least of them. With n tickets
among N, the least of all is one of its own with probability n/N, and so on among those left. Adding or removing an
application moves no other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final

_KEY: Final = sha256().digest_size


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a lottery draws: whole numbers, whose order of drawing does not count."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HexText:
    """What a beacon publishes: bytes in hexadecimal."""

    value: str


def source_string(values: Iterable[Numbers | HexText]) -> str:
    """The canonical key string of RFC 3797 §4.1: each source's numbers in ascending order without leading zeros, each
    followed by a full stop, or its text in lower case; then a slash; sources one after another.
    """
    return "".join(f"{_canonical(value)}/" for value in values)


def _canonical(value: Numbers | HexText) -> str:
    match value:
        case Numbers(values):
            if any(number < 0 for number in values):
                raise ValueError(f"a drawn number is never negative: {values}")
            return "".join(f"{number}." for number in sorted(values))
        case HexText(text):
            if not text or not set(text.lower()) <= set("0123456789abcdef"):
                raise ValueError(f"not hexadecimal: {text!r}")
            return text.lower()


def seed_of(commitment_root: str, source: str) -> str:
    """The seed in hex: neither the commitment nor the source alone gives it."""
    return sha256(f"firstbuy-seed-v1:{commitment_root}:{source}".encode("ascii")).hexdigest()


def draw_key(seed: str, application: str, tickets: int) -> str:
    """The least, in hex, of SHA-256 over ASCII `<seed>:<application>:<k>` for k from 1 to `tickets`."""
    ticket = f"{seed}:{application}:".encode("ascii")
    return min(sha256(ticket + number).digest() for number in _numbers(tickets)).hex()


def draw(seed: str, tickets: Iterable[tuple[str, int]]) -> list[tuple[str, str]]:
    """(key, application) in draw order, ties by id, of (application, tickets). One without a ticket does not stand."""
    head = f"{seed}:".encode("ascii")
    order = []
    for application, count in tickets:
        if count:
            identifier = application.encode("ascii")
            ticket = b"%b%b:" % (head, identifier)
            order.append(min([sha256(ticket + number).digest() for number in _numbers(count)]) + identifier)
    order.sort()
    return [(each[:_KEY].hex(), str(each[_KEY:], "ascii")) for each in order]


@cache
def _numbers(tickets: int) -> tuple[bytes, ...]:
    return tuple([b"%d" % number for number in range(1, tickets + 1)])
