"""True bundles of every kind of round that the format has, small, in either depth."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from services.intake.domain.sources import Timetable, beacon_value, due_at, rehearsed_value
from services.selection.domain.evidence import Depth, PublishedEvent, leading_to
from services.selection.domain.releases import Freed
from shared.contracts.events import NotSelectedReason
from tests.support.bundles import COMMITTED_AT, QUICKNET, ROUND, SOURCE, Round, make_round, with_batches
from tests.support.forger import Forged, Level, Record, in_order, manifest, recomputed

OFFICERS = [{"name": f"officer-{number}", "role": "officer"} for number in (1, 2)]
ACT: Record = {"round": ROUND, "actors": OFFICERS, "reason": "so decided"}
CLOCK: Record = {"round": ROUND, "actors": [{"name": "intake", "role": "system"}], "reason": "the clock"}
REHEARSAL = {"source": "rehearsal", "kind": "rehearsal", "period_seconds": 3600, "description": "from its seed"}
MAP = {"real_anchor": "2026-11-01T00:00:00Z", "programme_anchor": "2018-08-16T00:00:00Z", "rate": 60, "seed": "spring"}
DRAWN = ("EligibilityCompleted", "InputsCommitted", "SourceValueRecorded", "SelectionProposed", "SelectionConfirmed")
PATTERNS = (
    "NEP-[0-9]{4}",
    "(ab|cd)?x",
    "(?:ab)+c|",
    "[^a-z]+",
    "(a|)x",
    r"\d{2,3}-\w*",
    "a{0,}b",
    "^A.*$",
    r"[\]aab-]{1,3}",
    "(a|b){2}y",
    r"\-\/[&|~-]",
    "(a|b)" * 4 + "(a|b|c|d|e)" * 5,
)
"""Of numbers of certificates: of everything that a pattern may have; the last can be tried in 50,000 ways."""
SIGNATURE = "b7" * 48


def told(forged: Forged, name: str, *bodies: Record, **members: Any) -> None:
    """Adds an event; `arranged` puts it in its place."""
    body: Record = {}
    for part in (*bodies, members):
        body |= part
    forged.records.append({"type": "event", "event": name, "body": body})


def arranged(forged: Forged) -> Forged:
    """Records in the order that the format has, of events the service's own."""
    events = [PublishedEvent(record["event"], record["body"]) for record in forged.records if "event" in record]
    before, after = leading_to(events, forged.epoch)
    forged.records = [
        *(event.record() for event in before),
        *forged.of("pledges"),
        *in_order(forged.of("request")),
        *in_order(forged.of("entry")),
        *(event.record() | {"type": "later"} for event in after),
    ]
    return forged


def finished(forged: Forged) -> Forged:
    """All hashes as they follow, and records in order."""
    return arranged(recomputed(arranged(forged), Level.CHANCE))


def draw(depth: Depth) -> Forged:
    return make_round(5, 2, 11, {"places": 1, "reserve": 1}, varied=True).forged(depth)


def scored(depth: Depth) -> Forged:
    """One of its firms has no mark, and stated no record of supplies."""
    made = make_round(6, 3, 3, {"places": 2, "reserve": 1}, scored=True, varied=True).forged(Depth.AUDITOR)
    unmarked = next(one for one in made.of("entry") if one["reason"] == "no-demand")
    del unmarked["open"]["marks"], unmarked["open"]["facts"]["applicant"]["supply_record"]
    unmarked |= {"score": 10, "tickets": 4}
    made = finished(made)
    if depth is Depth.PUBLIC:
        made.depth = depth
        for record in made.records:
            record.pop("open", None)
    return made


def rehearsal(depth: Depth) -> Forged:
    value = {"source": "rehearsal", "value": rehearsed_value(MAP["seed"], ROUND)}  # type: ignore[arg-type]
    return make_round(5, 2, 19, sources=[REHEARSAL], recorded=value, rehearsal=MAP, varied=True).forged(depth)


def drand(depth: Depth) -> Forged:
    return make_round(5, 2, 19, sources=[QUICKNET], recorded=beacon([QUICKNET]), varied=True).forged(depth)


def fallback(depth: Depth) -> Forged:
    """The lottery failed, and drand, which stands second, gave the value."""
    return make_round(5, 2, 19, sources=[SOURCE, QUICKNET], recorded=beacon([SOURCE, QUICKNET]), varied=True).forged(
        depth
    )


def beacon(sources: list[dict[str, Any]]) -> Record:
    due = due_at(COMMITTED_AT, 86400, [Timetable.of(source) for source in sources])
    value = {"source": "quicknet", "value": beacon_value(SIGNATURE), "signature": SIGNATURE}
    return value | {"beacon_round": Timetable.of(QUICKNET).number(due)}


def batches(depth: Depth) -> Forged:
    return _with_batches().forged(depth)


@cache
def _with_batches() -> Round:
    """Two batches: somebody selected leaves, and a request of somebody selected is cancelled."""
    made = make_round(7, 3, 3, {"places": 2, "reserve": 3}, varied=True)
    taken = [line.placement for line in made.proposal.lines if line.placement.awards]
    leaving = {taken[0].application: NotSelectedReason.DECLINED}
    return with_batches(
        made, Freed(leaving, frozenset()), Freed({}, frozenset({taken[1].awards[0].request})), confirmed=True
    )


def before(depth: Depth) -> Forged:
    """Of the format's first version: neither announcement_root nor shown_root, and no pledges in what is announced."""
    made = draw(depth)
    made.version = 1
    for record in made.records:
        for name in ("announcement_root", "shown_root"):
            record.get("body", {}).pop(name, None)
        if record.get("event") in ("RoundAnnounced", "RoundFrozen"):
            record["body"].pop("pledges")
    made = finished(made)
    for name in ("seed_epoch", "supplementary"):
        del made.event("InputsCommitted")[name]
    return made


def rolling(depth: Depth) -> Forged:
    """A cut of a series, whose policy accepts numbers of every pattern."""
    made = make_round(5, 2, 19, varied=True).forged(depth)
    policy = made.event("RoundOpened")["policy"]
    for number, pattern in enumerate(PATTERNS):
        policy["certificates"].append(policy["certificates"][0] | {"kind": f"kind-{number}", "number_pattern": pattern})
    policy["rolling"] = {"every_months": 3, "status_months": 12}
    policy["tracks"][0]["conditions"][0]["parameters"] = {"strict": True, "years": -1, "of": ["a", "b"], "as": "c"}
    made.event("RoundAnnounced").pop("unattended")
    for name in ("RoundAnnounced", "RoundOpened"):
        made.event(name).update(series="rolling", cut=2)
    return finished(made)


def eventful(depth: Depth) -> Forged:
    """Amended before it opened, extended twice, a registry waived, stamped and final."""
    made = make_round(5, 2, 19, varied=True).forged(depth)
    announced, opened = made.event("RoundAnnounced"), made.event("RoundOpened")
    terms = {name: value for name, value in announced.items() if name not in ("actors", "reason", "series", "cut")}
    terms["title"] = opened["title"] = "시범구매 (amended)"
    told(made, "RoundAmended", terms, ACT, amendment=1, amended_at="2018-08-01T00:00:00Z")
    first, second = "2018-09-14T10:00:00Z", "2018-09-14T12:00:00Z"
    told(made, "RoundExtended", ACT, closes_at=first, closed_at_before=opened["closes_at"])
    told(made, "RoundExtended", ACT, closes_at=second, closed_at_before=first)
    made.event("RoundFrozen").update(closes_at=second, frozen_at="2018-09-14T12:00:10Z")
    made.event("EligibilityCompleted")["completed_at"] = "2018-09-14T13:00:00Z"
    told(made, "RegistryWaived", ACT, registry="nts", waived_at="2018-09-14T12:30:00Z")
    root = made.event("InputsCommitted")["commitment_root"]
    stamp: Record = {"authority": "authority.example", "token": "TVRJeg==", "stamped_at": "2018-09-15T01:00:03Z"}
    told(made, "CommitmentTimeStamped", stamp, round=ROUND, epoch=1, commitment_root=root)
    told(made, "RoundFinalized", CLOCK, epoch=1, finalized_at="2018-12-01T00:00:00Z")
    return finished(made)


def void(depth: Depth) -> Forged:
    """Ended by two officers after the proposal, which nobody confirmed."""
    made = make_round(5, 2, 19, varied=True).forged(depth)
    made.records = [record for record in made.records if record.get("event") != "SelectionConfirmed"]
    told(made, "RoundVoided", ACT, voided_at="2018-09-21T00:00:00Z")
    return finished(made)


def admitted(depth: Depth) -> Forged:
    """Of a second epoch, which admits one late; somebody left in a batch of the first."""
    made = _with_batches().forged(depth)
    return _of_second(made, admitted=_standing(made))


def scored_admitted(depth: Depth) -> Forged:
    made = scored(depth)
    return _of_second(made, admitted=_standing(made))


def appealed(depth: Depth) -> Forged:
    """Of a second epoch, in which an appeal was upheld that amended one; nobody draws anew."""
    made = draw(depth)
    return _of_second(made, amended=_standing(made))


def excluded(depth: Depth) -> Forged:
    """Of a second epoch, which took one out that could not be judged; the first committed nothing."""
    made = draw(depth)
    return _of_second(made, excluded=_standing(made))


def unparked(depth: Depth) -> Forged:
    """Of a second epoch, which took one out for another that it had contested; that one is judged again."""
    made = draw(depth)
    out = _standing(made)
    made.records.remove(out)
    other = _standing(made)
    made.records.append(out)
    return _of_second(arranged(made), excluded=out, unparked=other)


def judged_again(depth: Depth) -> Forged:
    """Of a second epoch, in which everybody was judged again; a third one, the same, came after it."""
    made = _of_second(draw(depth))
    told(made, "EpochOpened", made.event("EpochOpened"), epoch=3, opened_at="2018-11-01T00:00:00Z")
    return finished(made)


def overtaken(depth: Depth) -> Forged:
    """Of the first epoch, and a second one came after it."""
    made = draw(depth)
    late = _standing(made)
    second = _of_second(made.copy(), admitted=late)
    made.records.remove(late)
    of_second = [record | {"type": "event"} for record in second.records if record.get("body", {}).get("epoch") == 2]
    made.records += of_second
    return finished(made)


def _standing(made: Forged) -> Record:
    """Somebody eligible who has not left."""
    gone = {one["application"] for body in made.events("ReleaseOpened") for one in body["leaving"]}
    return next(one for one in made.of("entry") if one["outcome"] == "eligible" and one["application"] not in gone)


FIRST_ONES = ("RoundFrozen", "InputsCommitted", "SelectionProposed", "SelectionConfirmed")


def _of_second(
    first: Forged,
    admitted: Record | None = None,
    amended: Record | None = None,
    excluded: Record | None = None,
    unparked: Record | None = None,
) -> Forged:
    """The bundle of a second epoch, whose act admits, amends or takes out this entry, for another that it stood
    against if one is named, or has all judged again."""
    if admitted is not None:
        first.records.remove(admitted)
        first = recomputed(first, Level.CHANCE)
        admitted |= {"judged_in": 2, "drawn_under": 2}
    before = {name: first.event(name) for name in FIRST_ONES}
    if amended is not None:
        amended = next(one for one in first.of("entry") if one["application"] == amended["application"])
        amended |= {"version": 2, "judged_in": 2}
    if excluded is not None:
        first.records = [record for record in first.records if record.get("application") != excluded["application"]]
        first.records = [record for record in first.records if record.get("event") not in DRAWN]
        for one in first.of("entry"):
            one["drawn_under"] = 2
    if unparked is not None:
        unparked = next(one for one in first.of("entry") if one["application"] == unparked["application"])
        unparked |= {"version": 2, "judged_in": 2}
    judge_all = not (admitted or amended or excluded)
    if judge_all:
        for one in first.of("entry"):
            one["judged_in"] = 2
    every = [*first.of("entry"), *([admitted] if admitted else ())]
    judged = [one["application"] for one in (admitted, amended, unparked) if one is not None]
    act: Record = {
        "judge_again": judged,
        "judge_all": judge_all,
        "admitted": judged if admitted else [],
        "amended": [{"application": one, "version": 2} for one in judged if amended],
        "supplementary_source": "lotto" if admitted else None,
    }
    _told_of_second(first, before, every, act if excluded is None else {"judge_again": judged})
    if admitted is not None:
        first.records.append(admitted)
    first.epoch = 2
    return finished(first)


def _told_of_second(first: Forged, before: Mapping[str, Record], every: Sequence[Record], act: Record) -> None:
    """The events of a second epoch in which `every` entry stands; one whose act says no more takes somebody out."""
    takes_out, admits = "judge_all" not in act, bool(act.get("admitted"))
    leaves = [[entry["application"], entry["version"], entry["payload_hash"]] for entry in every]
    of_epoch = {"round": ROUND, "epoch": 2}
    opened = {"opened_at": "2018-10-10T00:00:00Z", "applications": manifest(leaves)}
    told(first, "EpochOpened", ACT, of_epoch, opened, act, requests=before["RoundFrozen"]["requests"])
    verdicts = [
        [*leaf, entry["judged_in"], entry["outcome"], entry["findings_hash"]]
        for leaf, entry in zip(leaves, every, strict=True)
    ]
    outcomes = [entry["outcome"] for entry in every]
    counts = {name: outcomes.count(name) for name in ("eligible", "ineligible")}
    completed: Record = {"applications_root": manifest(leaves)["root"], "verdicts": manifest(verdicts)}
    told(first, "EligibilityCompleted", of_epoch, completed, counts, completed_at="2018-10-10T01:00:00Z")
    if first.events("ScoresClosed"):
        told(first, "ScoresClosed", first.event("ScoresClosed"), of_epoch, closed_at="2018-10-10T01:30:00Z")
    seeds = {"supplementary": 1 if admits else 0, "seed_epoch": 2 if takes_out else 1}
    told(first, "InputsCommitted", before["InputsCommitted"], of_epoch, seeds, committed_at="2018-10-10T02:00:00Z")
    if admits or takes_out:
        due = {"due_at": "2018-10-18T00:00:00Z", "recorded_at": "2018-10-18T00:00:09Z"}
        told(first, "SourceValueRecorded", CLOCK, of_epoch, due, source="lotto", value="1.2.3.5.8.13./")
    told(first, "SelectionProposed", before["SelectionProposed"], of_epoch, proposed_at="2018-10-18T00:01:00Z")
    told(first, "SelectionConfirmed", before["SelectionConfirmed"], of_epoch, confirmed_at="2018-10-18T01:00:00Z")


KINDS: dict[str, Callable[[Depth], Forged]] = {
    made.__name__.replace("_", "-"): made
    for made in (
        draw,
        scored,
        rehearsal,
        drand,
        fallback,
        batches,
        before,
        rolling,
        eventful,
        void,
        admitted,
        scored_admitted,
        appealed,
        excluded,
        unparked,
        judged_again,
        overtaken,
    )
}


@cache
def true_bundle(kind: str, depth: Depth) -> Forged:
    """Not to be changed: copy it."""
    return KINDS[kind](depth)
