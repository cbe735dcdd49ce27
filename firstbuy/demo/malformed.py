"""What goes wrong at the edge: bodies that can't be read or held, or could never count, each with the status it must be
answered with."""

import json
import random
import re
from collections.abc import Callable
from typing import Final

from firstbuy.demo.entries import Call, Script
from firstbuy.samples.firms import Json

_LARGEST: Final = 262_144
_KINDS: Final = 13


def _never(stated: Json, change: Callable[[Json], object]) -> bytes:
    change(stated)
    return json.dumps(stated, ensure_ascii=False).encode()


def malformed(number: int, good: bytes, rng: random.Random) -> Script:
    """The `number`-th kind of bad body made of a good one; the kinds take turns."""
    name, name_end = _name(good)
    head, tail = good[:name], good[name_end:]
    match number % _KINDS:
        case 0:
            call = Call("broken JSON", 400, good[: rng.randint(10, len(good) - 1)])
        case 1:
            call = Call("NUL in a name", 422, head + rb"A\u0000B" + tail)
        case 2:
            call = Call("lone surrogate in a name", 400, head + rb"A\ud800B" + tail)
        case 3:
            call = Call("price of 2^60 won", 422, re.sub(rb'"price_won":\d+', b'"price_won":%d' % 2**60, good))
        case 4:
            call = Call("unknown field", 422, good.replace(b'"track":', b'"colour":"red","track":', 1))
        case 5:
            call = Call("not JSON by its type", 415, good, content_type="text/plain")
        case 6:
            call = Call("too large", 413, head + b"x" * (_LARGEST + rng.randint(1, 9999)) + tail)
        case 7:
            call = Call("nothing but an empty object", 422, b"{}")
        case kind:
            what, change = _NEVER[kind - 8]
            call = Call(what, 422, _never(json.loads(good), change))
    return Script((call,))


def _mistyped(stated: Json) -> None:
    number = stated["applicant"]["business_number"]
    stated["applicant"]["business_number"] = f"{number[:9]}{(int(number[9]) + 1) % 10}"


def _certificate(**changed: str) -> Callable[[Json], object]:
    whole = {"kind": "nep", "number": "NEP-MOTIE-2017-012", "issued_on": "2017-05-01"} | changed
    return lambda stated: stated.update(certificates=[whole])


_NEVER: Final[tuple[tuple[str, Callable[[Json], object]], ...]] = (
    ("mistyped business number", _mistyped),
    ("track that the round does not have", lambda stated: stated.update(track="special")),
    ("certificate that the round does not know", _certificate(kind="iso-9001")),
    ("certificate that ends before its issue", _certificate(expires_on="2017-04-30")),
    ("business that begins in the future", lambda stated: stated["applicant"].update(started_on="2206-07-10")),
)


def _name(good: bytes) -> tuple[int, int]:
    """Where the firm's name stands."""
    mark = b'"applicant":{"name":"'
    start = good.index(mark) + len(mark)
    return start, good.index(b'"', start)
