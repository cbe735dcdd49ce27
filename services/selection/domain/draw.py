"""The public draw: exact weighted sampling without replacement, checkable with `printf … | sha256sum`.

Each ticket of an application is an independent uniform number, and the application's key is the least of them. With n
of N tickets, it is first with probability n/N, and so on among those left. Adding or removing an application does not
reorder the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from operator import lt
from typing import Final

_ABOVE_ALL: Final = b"\xff" * (sha256().digest_size + 1)


@dataclass(frozen=True, slots=True)
class Numbers:
    """A lottery's result: whole numbers, in any order."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HexText:
    """A beacon's value: bytes in hexadecimal."""

    value: str


def source_string(values: Iterable[Numbers | HexText]) -> str:
    """The canonical key string of RFC 3797 §4.1. Each source is followed by a slash.

    Numbers are ascending, without leading zeros, each followed by a full stop; text is in lower case. Raises ValueError
    for a negative number or text that is not hexadecimal.
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
    """The seed in hex. It takes both the commitment and the source to compute it."""
    return sha256(f"firstbuy-seed-v1:{commitment_root}:{source}".encode("ascii")).hexdigest()


def draw_key(seed: str, application: str, tickets: int) -> bytes:
    """The least SHA-256 of ASCII `<seed>:<application>:<k>` for k from 1 to `tickets`."""
    return draw_keys(seed, [(application, tickets)])[0]


def draw_keys(seed: str, tickets: Iterable[tuple[str, int]]) -> list[bytes]:
    """The draw keys of (application, tickets) pairs, in their order. Each has at least one ticket."""
    begun = sha256(f"{seed}:".encode("ascii")).copy  # the common beginning of all tickets is hashed once
    keys = []
    for application, count in tickets:
        identifier = application.encode("ascii")
        least = _ABOVE_ALL
        for ending in _endings(count):
            ticket = begun()
            ticket.update(identifier + ending)
            key = ticket.digest()
            if key < least:
                least = key
        keys.append(least)
    return keys


def in_order(keys: Sequence[bytes], applications: Sequence[str]) -> list[int]:
    """The draw order, as indexes into `keys`: the least key first, ties by id."""
    order = sorted(range(len(keys)), key=keys.__getitem__)
    stand = [keys[place] for place in order]
    if not all(map(lt, stand, stand[1:])):
        order.sort(key=lambda place: (keys[place], applications[place]))
    return order


@cache
def _endings(tickets: int) -> tuple[bytes, ...]:
    return tuple([b":%d" % number for number in range(1, tickets + 1)])
