"""What goes wrong at the edge: bodies that can't be read or held, each with the status it must be answered with."""

import random
import re
from typing import Final

from deploy.demo.entries import Call, Script

_LARGEST: Final = 262_144
_KINDS: Final = 8


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
        case _:
            call = Call("nothing but an empty object", 422, b"{}")
    return Script((call,))


def _name(good: bytes) -> tuple[int, int]:
    """Where the firm's name stands."""
    mark = b'"applicant":{"name":"'
    start = good.index(mark) + len(mark)
    return start, good.index(b'"', start)
