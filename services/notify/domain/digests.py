"""Gathers many notices to one person into one mail."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from services.notify.domain.notices import DIGEST, Need, Planned
from shared.contracts.events import Channel
from shared.proof.canonical import sha256_hex

LONGEST: Final = 200
"""Most notices in one mail: more than anybody reads, and small enough for mail servers."""


@dataclass(frozen=True, slots=True)
class Gatherable:
    """A notice to somebody at an institution that is ready to be sent."""

    id: str
    round: str
    kind: str
    subject: str
    occasion: str
    recipient: str
    facts: Any
    institution: str


def gathering(waiting: Sequence[Gatherable], many: int) -> tuple[list[str], list[tuple[Planned, list[str]]]]:
    """The ids that go alone, and the digests, each with the ids it carries.

    `waiting` is in order of recipient and round. Fewer than `many` of one recipient and round get no digest.
    """
    alone: list[str] = []
    digests = []
    for (_, _), group in groupby(waiting, lambda notice: (notice.recipient, notice.round)):
        ready = list(group)
        if len(ready) < many:
            alone += [notice.id for notice in ready]
        else:
            digests += [(_digest(part), [notice.id for notice in part]) for part in _parts(ready)]
    return alone, digests


def _parts(ready: Sequence[Gatherable]) -> Iterator[Sequence[Gatherable]]:
    return (ready[start : start + LONGEST] for start in range(0, len(ready), LONGEST))


def _digest(notices: Sequence[Gatherable]) -> Planned:
    """The occasion is a hash of the notices' ids, so that the same notices give the same digest."""
    first = notices[0]
    occasion = sha256_hex(" ".join(sorted(notice.id for notice in notices)).encode())
    facts = {
        "institution": first.institution,
        "items": [{"kind": notice.kind, "subject": notice.subject, **notice.facts} for notice in notices],
    }
    needs = (Need.CONTACT, Need.ROUND)
    return Planned(
        round=first.round,
        kind=DIGEST,
        subject=first.round,
        occasion=occasion,
        recipient=first.recipient,
        channel=Channel.MAIL,
        facts=facts,
        needs=needs,
        patient=True,
    )
