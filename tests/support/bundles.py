"""Evidence bundles of whole rounds, made by the services' own domain code, without a server."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any

from services.eligibility.domain.compiled import PolicyRules
from services.intake.domain.sources import Timetable, due_at
from services.selection.domain.commitment import Commitment, entries_digest, pledges_root
from services.selection.domain.draw import seed_of
from services.selection.domain.evidence import (
    Bundle,
    Depth,
    Line,
    PublishedEvent,
    entry_record,
    leading_to,
    opens,
    request_record,
)
from services.selection.domain.matching import Result
from services.selection.domain.offers import demand_of
from services.selection.domain.proposal import Proposal, propose
from services.selection.domain.releases import Freed, Place, Release, release
from shared.contracts.policy import POLICY
from shared.programme.panel import PanelMark, marks_root
from shared.proof.canonical import json_hash
from shared.proof.merkle import bucket_of, digest_of
from tests.data.facts import policy
from tests.support.bundle_parts import REQUEST, Judged, judged_of, request_of, utc
from tests.support.forger import Forged, Level, manifest, recomputed, records_of

ROUND = "bundled"
FROZEN_AT = datetime(2018, 9, 14, 9, 0, 10, tzinfo=UTC)
COMMITTED_AT = datetime(2018, 9, 15, 1, tzinfo=UTC)
RELEASED_AT = datetime(2018, 10, 1, tzinfo=UTC)
OPENS_AT, CLOSES_AT = datetime(2018, 8, 16, tzinfo=UTC), datetime(2018, 9, 14, 9, tzinfo=UTC)
SOURCE = {"source": "lotto", "kind": "rfc3797", "period_seconds": 604800, "description": "six numbers of Saturday"}


@dataclass
class Round:
    """What a bundle is written of."""

    policy: dict[str, Any]
    judged: list[Judged]
    requests: list[dict[str, Any]]
    pledges: dict[str, int]
    events: list[PublishedEvent]
    proposal: Proposal
    released: Sequence[Release] = ()

    def bundle(self, depth: Depth) -> bytes:
        """Its roots are made of what it shows, by `tests.support.forger`, as a service would state them."""
        return self.forged(depth).written()

    def forged(self, depth: Depth) -> "Forged":
        return recomputed(Forged(ROUND, 1, depth, records_of(self._written(depth))), Level.CHANCE)

    def _written(self, depth: Depth) -> bytes:
        written = Bundle(ROUND, 1, depth)
        before, after = leading_to(self.events, 1)
        lines = [written.head(), *(written.record(told.record()) for told in before)]
        lines.append(written.record({"type": "pledges", "pledges": sorted(self.pledges.items())}))
        for request in sorted(self.requests, key=lambda one: (bucket_of(one["request"]), one["request"])):
            demand = demand_of(request["request"], request["institution"], REQUEST.validate_python(request["facts"]))
            sealed = {"nonce": request["nonce"], "facts": request["facts"]}
            lines.append(written.record(request_record(demand, 1, request["payload_hash"]), sealed))
        firms: dict[str, int] = {}
        for each in sorted(self.judged, key=lambda one: one.application):
            firms.setdefault(each.offer.firm, len(firms) + 1)
        places = {line.placement.application: line for line in self.proposal.lines}
        for each in sorted(self.judged, key=lambda one: (bucket_of(one.application), one.application)):
            proposed = places[each.application]
            placement = proposed.placement
            line = Line(
                application=each.application,
                version=1,
                payload_hash=each.payload_hash,
                nonce=each.nonce,
                facts=each.facts,
                judged_in=1,
                findings_hash=each.findings_hash,
                findings=each.findings,
                marks=each.marks,
                outcome=each.outcome,
                tickets=each.entry.tickets,
                score=each.entry.score,
                drawn_under=1,
                firm=firms[each.offer.firm],
                position=proposed.position,
                key=proposed.key,
                result=placement.result.value,
                reason=placement.reason.value if placement.reason else None,
                reserve_position=placement.reserve_position,
                awards=[
                    {"request": award.request, "quantity": award.quantity, "amount_won": award.amount_won}
                    for award in placement.awards
                ],
            )
            lines.append(written.record(entry_record(line, each.offer), opens(line)))
        lines += [written.later(told) for told in after]
        return b"".join([*lines, written.end()])


QUICKNET = {
    "source": "quicknet",
    "kind": "drand",
    "period_seconds": 3,
    "description": "League of Entropy",
    "anchor": "2018-06-01T00:00:27Z",
    "chain_hash": "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971",
}
LOTTO_VALUE = {"source": "lotto", "value": "4.11.23.25.31.40./"}


def make_round(
    firms: int = 24,
    requests: int = 8,
    seed: int = 7,
    changes: Mapping[str, Any] | None = None,
    sources: Sequence[Mapping[str, Any]] = (SOURCE,),
    recorded: Mapping[str, Any] = LOTTO_VALUE,
    rehearsal: Mapping[str, Any] | None = None,
    scored: bool = False,
    varied: bool = False,
) -> Round:
    """Of firms of every kind under 2018-h2, whose limits `changes` may replace; confirmed by two officers.

    `recorded`: what the last of `sources` gave. `scored`: under the method score, with marks of a panel. `varied`:
    of several days of delivery and certificates.
    """
    random = Random(seed)  # noqa: S311 -- the same round in every run
    stated = POLICY.dump_python(policy("2018-h2"), mode="json", exclude_none=True)
    stated["limits"] = {"selections_per_firm": 1, "requests_per_product": 2, "reserve": 5} | dict(changes or {})
    stated.pop("registries", None)
    stated["certificates"] = [
        certificate for certificate in stated["certificates"] if certificate["kind"] in ("gs", "nep", "net")
    ]
    if scored:
        steps = [{"points": 20, "record_won_at_most": 10**8}, {"points": 10}]
        stated |= {"method": "score", "scoring": {"supply_record": steps, "panel_points": 80, "threshold": 40}}
    made = POLICY.validate_python(stated)
    rules = PolicyRules.compile(made, json_hash(stated))
    judged = [judged_of(number, random, made, rules, varied) for number in range(1, firms + 1)]
    pledges = {"kepco": 40_000_000, "lh": 15_000_000, "nobody": 0}
    wanted = [request_of(number, random) for number in range(1, requests + 1)]
    drawn = _Drawn(stated, judged, wanted, pledges, sources, recorded, rehearsal)
    return Round(stated, judged, wanted, pledges, drawn.events(), drawn.proposal)


OFFICERS = [{"name": f"officer-{n}", "role": "officer"} for n in (1, 2)]
ACT = {"round": ROUND, "actors": [{"name": "intake", "role": "system"}], "reason": "the clock"}


@dataclass(frozen=True)
class _Drawn:
    """A round from its announcement to its confirmation."""

    stated: dict[str, Any]
    judged: Sequence[Judged]
    requests: Sequence[Mapping[str, Any]]
    pledges: Mapping[str, int]
    sources: Sequence[Mapping[str, Any]]
    recorded: Mapping[str, Any]
    rehearsal: Mapping[str, Any] | None

    @cached_property
    def leaves(self) -> list[tuple[str, int, str]]:
        return [(each.application, 1, each.payload_hash) for each in self.judged]

    @cached_property
    def asked(self) -> list[tuple[str, int, str]]:
        return [(each["request"], 1, each["payload_hash"]) for each in self.requests]

    @cached_property
    def verdicts(self) -> list[tuple[Any, ...]]:
        pairs = zip(self.leaves, self.judged, strict=True)
        return [(*leaf, 1, each.outcome, each.findings_hash) for leaf, each in pairs]

    @cached_property
    def commitment(self) -> Commitment:
        return Commitment(
            round=ROUND,
            epoch=1,
            applications_root=digest_of(self.leaves).root,
            requests_root=digest_of(self.asked).root,
            verdicts_root=digest_of(self.verdicts).root,
            entries_root=entries_digest([each.entry for each in self.judged]).root,
            pledges_root=pledges_root(self.pledges),
            policy_hash=json_hash(self.stated),
        )

    @property
    def due(self) -> datetime:
        return due_at(COMMITTED_AT, 86400, [Timetable.of(source) for source in self.sources])

    @property
    def seed(self) -> str:
        return seed_of(self.commitment.root, self.recorded["value"])

    @cached_property
    def proposal(self) -> Proposal:
        demands = [
            demand_of(each["request"], each["institution"], REQUEST.validate_python(each["facts"]))
            for each in self.requests
        ]
        entries = [each.entry for each in self.judged]
        offers = {each.application: each.offer for each in self.judged}
        return propose(POLICY.validate_python(self.stated), self.seed, entries, offers, demands, self.pledges)

    def events(self) -> list[PublishedEvent]:
        """From the announcement to the confirmation; behind it the closing of a panel's marks, if any."""
        marks = [PanelMark(each.application, *mark) for each in self.judged for mark in each.marks or []]
        return [*self._until_the_close(), *self._judging(), *self._drawing(), *([_closed(marks)] if marks else [])]

    def _until_the_close(self) -> Iterator[PublishedEvent]:
        terms = {
            "title": "시범구매 (bundled)",
            "opens_at": utc(OPENS_AT),
            "closes_at": utc(CLOSES_AT),
            "policy_hash": self.commitment.policy_hash,
            "lead_seconds": 86400,
            "sources": list(self.sources),
            "rehearsal": dict(self.rehearsal) if self.rehearsal else None,
            "unattended": False,
        }
        pledged = [{"institution": code, "pledge_won": won} for code, won in sorted(self.pledges.items())]
        announced = {"round": ROUND, "actors": OFFICERS, "reason": "announced", "policy": self.stated["policy"]}
        series = {"series": None, "cut": None, "pledges": pledged}
        yield PublishedEvent("RoundAnnounced", announced | terms | series)
        yield PublishedEvent("RoundOpened", ACT | terms | {"policy": self.stated, "institutions": pledged})
        frozen = {
            "epoch": 1,
            "applications": manifest(self.leaves),
            "requests": manifest(self.asked),
            "frozen_at": utc(FROZEN_AT),
            "closes_at": utc(CLOSES_AT),
            "pledges": pledged,
        }
        yield PublishedEvent("RoundFrozen", ACT | frozen)

    def _judging(self) -> Iterator[PublishedEvent]:
        eligible = sum(each.outcome == "eligible" for each in self.judged)
        completed = {
            "round": ROUND,
            "epoch": 1,
            "applications_root": self.commitment.applications_root,
            "verdicts": manifest(self.verdicts),
            "eligible": eligible,
            "ineligible": len(self.judged) - eligible,
            "completed_at": utc(FROZEN_AT + timedelta(hours=1)),
        }
        yield PublishedEvent("EligibilityCompleted", completed)
        roots = {name: getattr(self.commitment, name) for name in self.commitment.__slots__}
        committed = {
            "commitment_root": self.commitment.root,
            "entries": len(self.judged),
            "committed_at": utc(COMMITTED_AT),
            "seed_epoch": 1,
            "supplementary": 0,
        }
        yield PublishedEvent("InputsCommitted", roots | committed)

    def _drawing(self) -> Iterator[PublishedEvent]:
        when = {"epoch": 1, "due_at": utc(self.due), "recorded_at": utc(self.due + timedelta(seconds=9))}
        yield PublishedEvent("SourceValueRecorded", {**ACT, **when, **self.recorded})
        same = {
            "epoch": 1,
            "commitment_root": self.commitment.root,
            "selection_root": self.proposal.selection_root,
        }
        counts = {result.value.replace("-", "_"): self.proposal.count(result) for result in Result}
        drawn = {"round": ROUND, "seed": self.seed, "proposed_at": utc(self.due + timedelta(seconds=60))}
        yield PublishedEvent("SelectionProposed", counts | same | drawn)
        confirmed = {"confirmed_at": utc(self.due + timedelta(hours=1)), "batch": None, "batch_root": None}
        yield PublishedEvent("SelectionConfirmed", ACT | {"actors": OFFICERS} | same | confirmed)


def _closed(marks: Sequence[PanelMark]) -> PublishedEvent:
    closed = {"round": ROUND, "actors": OFFICERS, "reason": "marked", "epoch": 1, "marks": len(marks)}
    closed |= {"marks_root": marks_root(marks), "closed_at": utc(FROZEN_AT + timedelta(hours=2))}
    return PublishedEvent("ScoresClosed", closed)


def with_batches(made: Round, *batches: Freed, confirmed: bool = True) -> Round:
    """The round with batches of releases after it, each opened by two officers and, if `confirmed`, confirmed so."""
    stated = POLICY.validate_python(made.policy)
    tracks = {track.track: track.limits for track in stated.tracks if track.limits is not None}
    offers = {one.application: one.offer for one in made.judged}
    places = [
        Place(offers[line.placement.application], line.placement.awards)
        for line in made.proposal.lines
        if line.placement.result is not Result.NOT_SELECTED
    ]
    demands = [
        demand_of(request["request"], request["institution"], REQUEST.validate_python(request["facts"]))
        for request in made.requests
    ]
    officers = {
        "round": ROUND,
        "reason": "set free",
        "actors": [{"name": f"officer-{n}", "role": "officer"} for n in (1, 2)],
    }
    events, given_out = list(made.events), []
    for number, freed in enumerate(batches, start=1):
        given = release(places, freed, demands, made.pledges, stated.limits, tracks)
        given_out.append(given)
        about = {"round": ROUND, "epoch": 1, "batch": number, "selection_root": made.proposal.selection_root}
        leaving = [{"application": one, "cause": why.value, "reason": ""} for one, why in sorted(freed.leaving.items())]
        cancelled = [{"request": one, "reason": "예산"} for one in sorted(freed.cancelled)]
        moments = [RELEASED_AT + timedelta(days=number, hours=hour) for hour in range(3)]
        told = about | {"leaving": leaving, "cancelled": cancelled, "opened_at": utc(moments[0])}
        events.append(PublishedEvent("ReleaseOpened", officers | told))
        counts = {"promoted": given.promoted, "changed": given.changed, "withdrawn": given.withdrawn}
        proposed = about | counts | {"state_hash": given.state_hash, "batch_root": given.root}
        proposed["proposed_at"] = utc(moments[1])
        events.append(PublishedEvent("ReleaseProposed", proposed))
        if confirmed:
            told = {"epoch": 1, "batch": number, "batch_root": given.root, "confirmed_at": utc(moments[2])}
            events.append(PublishedEvent("ReleaseConfirmed", officers | told))
        demands = [demand for demand in demands if demand.request not in freed.cancelled]
        moved = {one.application: one for one in given.moved}
        places = [
            Place(place.offer, moved[place.offer.application].awards) if place.offer.application in moved else place
            for place in places
            if place.offer.application not in freed.leaving
        ]
    return replace(made, events=events, released=given_out)
