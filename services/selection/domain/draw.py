"""The public draw: exact weighted sampling without replacement, checkable with `printf … | sha256sum`.

Each of an application's tickets is an independent uniform number, and its key is the least of them. With n tickets
among N, the least of all is one of its own with probability n/N, and so on among those left. Adding or removing an
application moves no other.
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


def draw_key(seed: str, application: str, tickets: int) -> bytes:
    """The least of SHA-256 over ASCII `<seed>:<application>:<k>` for k from 1 to `tickets`."""
    return draw_keys(seed, [(application, tickets)])[0]


def draw_keys(seed: str, tickets: Iterable[tuple[str, int]]) -> list[bytes]:
    """The draw key of each (application, tickets), as they are given. All have a ticket at least."""
    begun = sha256(f"{seed}:".encode("ascii")).copy  # every ticket begins so: its first block is hashed once
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
    """The draw order, as places in `keys`: the least key first, ties by id."""
    order = sorted(range(len(keys)), key=keys.__getitem__)
    stand = [keys[place] for place in order]
    if not all(map(lt, stand, stand[1:])):
        order.sort(key=lambda place: (keys[place], applications[place]))
    return order


@cache
def _endings(tickets: int) -> tuple[bytes, ...]:
    return tuple([b":%d" % number for number in range(1, tickets + 1)])
