"""Many notices to one person in one mail."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from services.notify.domain.notices import DIGEST, Need, Planned
from shared.contracts.events import Channel
from shared.proof.canonical import sha256_hex

LONGEST: Final = 200
"""Notices in one mail at most: more than anybody reads, less than servers refuse."""


@dataclass(frozen=True, slots=True)
class Gatherable:
    """A notice to somebody at an institution that is ready to be said."""

    id: str
    round: str
    kind: str
    subject: str
    occasion: str
    recipient: str
    facts: Any
    institution: str


def gathering(waiting: Sequence[Gatherable], many: int) -> tuple[list[str], list[tuple[Planned, list[str]]]]:
    """Ids of those that go alone; digests, each with the ids of what it says. `found` is in order of recipient and
    round; below `many` of one recipient and round there is no digest."""
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
    """Named by what it says, so that the same notices are the same digest."""
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
