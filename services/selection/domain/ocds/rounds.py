"""A round as one contracting process: one release per event that tells the public something new."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from services.selection.domain.ocds import tender
from services.selection.domain.ocds.awards import Awarding, tags_of
from services.selection.domain.ocds.process import DatedEvent, Process
from services.selection.domain.ocds.release import Party, Publication, Release, both
from services.selection.domain.ocds.words import RATIONALE
from shared.contracts.events import (
    InputsCommitted,
    Invitation,
    RoundAmended,
    RoundAnnounced,
    RoundExtended,
    RoundFrozen,
    RoundOpened,
    RoundVoided,
    SelectionConfirmed,
)


def occasion_of(confirmed_epoch: int) -> str:
    """The occasion of a confirmed result."""
    return f"confirmed-{confirmed_epoch}"


def occasion_of_batch(epoch: int, batch: int) -> str:
    """The occasion of a confirmed batch."""
    return f"released-{epoch}-{batch}"


def round_releases(publication: Publication, process: Process) -> Iterator[Release]:
    """The round's releases, in order of time."""
    awarded = {occasion: list(rows) for occasion, rows in groupby(process.awardings, key=lambda row: row.occasion)}
    confirmed = {
        occasion_of(dated.event.epoch) for dated in process.events if isinstance(dated.event, SelectionConfirmed)
    }
    steps: list[tuple[datetime, DatedEvent | list[Awarding]]] = [(dated.moment, dated) for dated in process.events]
    steps += [(rows[0].at, rows) for occasion, rows in awarded.items() if occasion not in confirmed]
    made = _Made(publication, process, awarded)
    for _, step in sorted(steps, key=itemgetter(0)):
        yield made.of_event(step) if isinstance(step, DatedEvent) else made.of_awards(step)


class _Made:
    """Makes the releases of one process in order, since earlier releases decide the tags of later ones."""

    def __init__(self, publication: Publication, process: Process, awarded: Mapping[str, Sequence[Awarding]]) -> None:
        self._publication, self._process, self._awarded = publication, process, awarded
        self._ocid = publication.ocid(process.round)
        self._opened = self._decided = False
        self._closes: list[datetime] = []
        self._given = False
        self._pledges: Sequence[Invitation] = ()

    def _release(
        self, occasion: str, at: datetime, tags: tuple[str, ...], parties: Sequence[Party] = (), **content: Any
    ) -> Release:
        return Release(ocid=self._ocid, occasion=occasion, date=at, tags=tags, parties=parties, content=content)

    def of_event(self, dated: DatedEvent) -> Release:
        at, publication, office = dated.moment, self._publication, self._publication.office()
        match dated.event:
            case RoundAnnounced() as event:
                planned = tender.notice(publication, event, "planned")
                rationale = both("rationale", RATIONALE)
                return self._release("announced", at, ("planning",), [office], planning=rationale, tender=planned)
            case RoundAmended() as event:
                moved = tender.amended(publication, event, at)
                return self._release(f"amended-{event.amendment}", at, ("planningUpdate",), tender=moved)
            case RoundOpened() as event:
                self._opened = True
                event = event.model_copy(update={"closes_at": max([event.closes_at, *self._closes])})
                active = tender.notice(publication, event, "active") | tender.criteria(publication, event)
                return self._planned("opened", at, event.institutions, "tender", active, [office])
            case RoundExtended() as event:
                self._closes.append(event.closes_at)
                number = len(self._closes)
                moved = tender.extended(event, number, at)
                tags = ("tenderAmendment",) if self._opened else ("planningUpdate",)
                return self._release(f"extended-{number}", at, tags, tender=moved)
            case RoundFrozen() as event:
                return self._planned("frozen", at, event.pledges, "tenderUpdate", tender.frozen(event))
            case InputsCommitted() as event:
                firms = self._process.tenderers.get(event.epoch)
                fixed = tender.committed(publication, event, firms)
                return self._release(f"committed-{event.epoch}", at, ("tenderUpdate",), tender=fixed)
            case RoundVoided() as event:
                ended = tender.voided(event, opened=self._opened)
                tags = ("tenderCancellation",) if self._opened else ("planningUpdate",)
                return self._release("voided", at, tags, tender=ended)
            case SelectionConfirmed() as event:
                return self._confirmed(event)

    def of_awards(self, rows: Sequence[Awarding], *tags: str, **content: Any) -> Release:
        """A release of the awards of one occasion, beside other sections with their tags."""
        names = self._process.names
        made = tags_of(rows, first=not self._given)
        self._given = True
        parties = [party for row in rows for party in row.parties(names)]
        bodies = [row.body(names) for row in rows]
        return self._release(rows[0].occasion, rows[0].at, (*tags, *made), parties, **content, awards=bodies)

    def _planned(
        self,
        occasion: str,
        at: datetime,
        pledges: Sequence[Invitation] | None,
        tag: str,
        section: dict[str, Any],
        parties: Sequence[Party] = (),
    ) -> Release:
        """A release of the tender, with the pledges if they changed."""
        if not pledges or pledges == self._pledges:
            return self._release(occasion, at, (tag,), parties, tender=section)
        self._pledges, names = pledges, self._process.names
        budget = tender.budget(self._publication, self._process.round, pledges, names, at)
        buyers = [names.buyer(each.institution, at) for each in pledges]
        tags = ("planningUpdate", tag)
        return self._release(occasion, at, tags, [*parties, *buyers], planning=budget, tender=section)

    def _confirmed(self, event: SelectionConfirmed) -> Release:
        """The round's result with its awards. Demand is shown only now, when it can no longer influence anything."""
        process, at, occasion = self._process, event.confirmed_at, occasion_of(event.epoch)
        rows = self._awarded.get(occasion)
        section = tender.confirmed(self._publication, event, successful=bool(rows) or self._given)
        if not self._decided and process.demand:
            section["items"] = tender.demand(process.demand, process.names, at)
        self._decided = True
        if rows:
            return self.of_awards(rows, "tenderUpdate", tender=section)
        return self._release(occasion, at, ("tenderUpdate",), tender=section)
