"""A stranger enters a firm's product before the firm does; the tax service confirms the firm, which wins by itself."""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Final

from firstbuy.demo.entries import ASK, CHANGE, Call, Fate, Script, as_bytes, body, contact, waived
from firstbuy.samples.firms import Firm
from firstbuy.samples.products import Offered

STRANGER: Final = "entered by a stranger"
CONTESTED: Final = "entered by its firm too: contested"
ASKED: Final = "asked who it is"
CONFIRMED: Final = "changed by its firm, confirmed by the tax service"
IDENTITY: Final = "@identity@"
"""Stands in a body where what the tax service's confirmation answered goes."""
_STRANGERS_FROM: Final = 800_000


def contests(entered: Sequence[tuple[Firm, Offered]], rng: random.Random) -> Iterator[tuple[Script, Fate, Fate]]:
    """The calls of both parties in their order, the firm's fate and the stranger's: of each firm one product."""
    for firm, offered in {firm.number: (firm, offered) for firm, offered in entered}.values():
        product = {**offered.facts, "item_id": f"{30_000_000 + firm.number}"}
        mine, theirs = Offered(product, offered.certificates, offered.findings), f"STRANGER-{firm.number}"
        copied = Offered({**product, "reference": theirs}, offered.certificates, offered.findings)
        own = body(firm, mine, contact(firm.number, rng))
        started_on = firm.facts["started_on"]
        claim = {"business_number": firm.facts["business_number"], "started_on": started_on}
        sure = as_bytes({**json.loads(own), "identity": IDENTITY})
        calls = (
            Call(STRANGER, 201, body(firm, copied, contact(_STRANGERS_FROM + firm.number, rng)), key=f"{theirs}-entry"),
            Call(CONTESTED, 201, own, key=f"firm-{firm.number}-contested"),
            Call(ASKED, 200, as_bytes(claim | {"representative": representative(firm.number)}), ASK),
            Call(CONFIRMED, 200, sure, CHANGE, "PUT", if_match=1),
        )
        yield Script(calls), _fate(firm, mine, 2, withdrawn=False), _fate(firm, copied, 3, withdrawn=True)


def representative(number: int) -> str:
    """Nobody real."""
    return f"대표 {number + 1}"


def _fate(firm: Firm, offered: Offered, version: int, *, withdrawn: bool) -> Fate:
    number, reference = firm.facts["business_number"], offered.facts["reference"]
    findings = waived({**firm.findings, **offered.findings})
    return Fate(
        business_number=number,
        reference=reference,
        kind=firm.kind,
        record_won=firm.record_won,
        version=version,
        withdrawn=withdrawn,
        findings=findings,
    )
