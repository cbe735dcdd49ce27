"""A forger of evidence: what was changed in a bundle's records is followed up by every hash that comes after it.

It works on records as they stand in the file and computes with the services' own domain code, none of the verifiers'.
`Level` says how far it goes: from the file's own roots alone up to a draw and a matching of its own under a
commitment of its own, which only somebody's kept copy can tell from the round that was.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pydantic import TypeAdapter

from services.intake.domain.announcements import TERMS
from services.selection.domain.commitment import Commitment, Entry, entries_digest, pledges_root
from services.selection.domain.draw import seed_of
from services.selection.domain.evidence import Bundle, Depth, PublishedEvent, shown_leaf
from services.selection.domain.matching import Result
from services.selection.domain.offers import Award, Demand, Offer
from services.selection.domain.proposal import Proposal, propose
from services.selection.domain.releases import Freed, Place, release
from shared.contracts.events import NotSelectedReason
from shared.contracts.findings import VerdictOutcome
from shared.contracts.policy import POLICY
from shared.programme.panel import PanelMark, marks_root
from shared.proof.canonical import canonical_json, json_hash, payload_hash
from shared.proof.merkle import GrowingTree, bucket_of, digest_of

Record = dict[str, Any]
_OUTCOME = TypeAdapter(VerdictOutcome)


class Level(IntEnum):
    """Up to where hashes are made right again; each with those before it."""

    FILE = 0
    """The roots of the file."""
    SEALS = 1
    """What is sealed, payloads and findings."""
    SETS = 2
    """Manifests, counts, the policy's hash, pledges, the announcement."""
    COMMITMENT = 3
    """The commitment's root, wherever it is named."""
    CHANCE = 4
    """Seeds, keys, positions, matching, batches, and what was proposed and confirmed."""


@dataclass
class Forged:
    """A bundle's records, without head and end."""

    round: str
    epoch: int
    depth: Depth
    records: list[Record]
    version: int = 2

    def copy(self) -> "Forged":
        return deepcopy(self)

    def written(self) -> bytes:
        return rewritten(self.records, self.depth, self.round, self.epoch, self.version, sealing=False)

    def of(self, kind: str) -> list[Record]:
        return [record for record in self.records if record["type"] == kind]

    def events(self, name: str) -> list[Record]:
        """Bodies of events of that type, wherever they stand."""
        return [record["body"] for record in self.records if record.get("event") == name]

    def event(self, name: str, epoch: int = 0) -> Record:
        return next(body for body in self.events(name) if not epoch or body["epoch"] == epoch)

    def roots(self) -> dict[str, list[str]]:
        """What institutions hold of the round."""
        proposed = self.event("SelectionProposed", self.epoch)
        committed = [body["commitment_root"] for body in self.events("InputsCommitted")]
        held = {"commitment": committed, "selection": [proposed["selection_root"]]}
        terms = [*self.events("RoundAnnounced"), *self.events("RoundAmended")]
        held["announcement"] = [body["announcement_root"] for body in terms if body.get("announcement_root")]
        held["shown"] = [proposed["shown_root"]] if proposed.get("shown_root") else []
        return {name: roots for name, roots in held.items() if roots}

    def terms(self) -> Record:
        return [*self.events("RoundAnnounced"), *self.events("RoundAmended")][-1]


def records_of(bundle: bytes) -> list[Record]:
    """Without head and end."""
    return [json.loads(line) for line in bundle.splitlines()][1:-1]


def read(bundle: bytes) -> Forged:
    head = json.loads(bundle.split(b"\n", 1)[0])
    version = int(head["bundle"][-1])
    return Forged(head["round"], head["epoch"], Depth(head["depth"]), records_of(bundle), version)


def rewritten(
    records: Iterable[Record],
    depth: Depth,
    round_id: str = "bundled",
    epoch: int = 1,
    version: int = 2,
    sealing: bool = True,
) -> bytes:
    """Records under roots that are right again, as a forger would write them. `sealing`: sealed anew too."""
    written = Bundle(round_id, epoch, depth)
    head = {"bundle": f"firstbuy-evidence-v{version}", "round": round_id, "epoch": epoch, "depth": depth.value}
    body = [canonical_json(head) + b"\n"]
    for record in records:
        opened = record.get("open")
        kept = {name: value for name, value in record.items() if name != "open"}
        if sealing and opened is not None:
            kept["sealed"] = json_hash(opened)
        if record["type"] == "later":
            body.append(written.later(PublishedEvent(record["event"], record["body"])))
            continue
        line = written.record(kept)
        body.append(line if opened is None else canonical_json(kept | {"open": opened}) + b"\n")
    return b"".join([*body, written.end()])


def recomputed(forged: Forged, level: Level) -> Forged:
    """A copy, whose hashes follow from what it says up to that level. What can't be computed with stays as it is."""
    made = forged.copy()
    steps = (_seals, _sets, _commitments, _chance)
    for step in steps[:level]:
        try:
            step(made)
        except (LookupError, TypeError, ValueError, AttributeError, StopIteration):
            return made
    return made


def _seals(made: Forged) -> None:
    opened = made.event("RoundOpened")
    as_of, policy_hash = opened["policy"]["as_of"], json_hash(opened["policy"])
    for record in made.of("request") + made.of("entry"):
        shown = record.get("open")
        if shown is None:
            continue
        record["payload_hash"] = payload_hash(shown["nonce"], shown["facts"])
        if record["type"] == "entry":
            judged = {"as_of": as_of, "findings": shown["findings"], "policy_hash": policy_hash}
            record["findings_hash"] = json_hash(judged | {"nonce": shown["nonce"]})
        record["sealed"] = json_hash(shown)


def _sets(made: Forged) -> None:
    opened, frozen = made.event("RoundOpened"), made.event("RoundFrozen")
    opened["policy_hash"] = json_hash(opened["policy"])
    for body in (*made.events("RoundAnnounced"), *made.events("RoundAmended")):
        body["policy_hash"] = opened["policy_hash"]
        if made.version > 1:
            stated = {name: body.get(name) for name in TERMS} | {"unattended": bool(body.get("unattended"))}
            pledges = [[pledge["institution"], pledge["pledge_won"]] for pledge in body["pledges"]]
            body["announcement_root"] = json_hash(stated | {"pledges": pledges})
    if made.version > 1:
        opened["announcement_root"] = made.terms()["announcement_root"]
    asked = [[one["request"], one["version"], one["payload_hash"]] for one in made.of("request")]
    for body in (frozen, *made.events("EpochOpened")):
        body["requests"] = manifest(asked)
    entries = made.of("entry")
    leaves = [[entry["application"], entry["version"], entry["payload_hash"]] for entry in entries]
    fixed = frozen if made.epoch == 1 else made.event("EpochOpened", made.epoch)
    fixed["applications"] = manifest(leaves)
    completed = made.event("EligibilityCompleted", made.epoch)
    completed["applications_root"] = fixed["applications"]["root"]
    judged = (
        [*leaf, one["judged_in"], one["outcome"], one["findings_hash"]]
        for leaf, one in zip(leaves, entries, strict=True)
    )
    completed["verdicts"] = manifest(judged)
    outcomes = Counter(entry["outcome"] for entry in entries)
    completed |= {"eligible": outcomes["eligible"], "ineligible": outcomes["ineligible"]}
    marked = [entry for entry in entries if entry.get("open", {}).get("marks")]
    if made.events("ScoresClosed") and marked:
        marks = [PanelMark(one["application"], *mark) for one in marked for mark in one["open"]["marks"]]
        made.events("ScoresClosed")[-1] |= {"marks": len(marks), "marks_root": marks_root(marks)}


def _commitments(made: Forged) -> None:
    opened = made.event("RoundOpened")
    first = min(body["epoch"] for body in made.events("InputsCommitted"))
    pledges = dict(made.of("pledges")[0]["pledges"])
    for body in made.events("InputsCommitted"):
        epoch = body["epoch"]
        fixed = made.event("RoundFrozen") if epoch == 1 else made.event("EpochOpened", epoch)
        completed = made.event("EligibilityCompleted", epoch)
        body["seed_epoch"] = first
        body["pledges_root"] = pledges_root(pledges)
        body["policy_hash"] = opened["policy_hash"]
        body["applications_root"] = fixed["applications"]["root"]
        body["requests_root"] = fixed["requests"]["root"]
        body["verdicts_root"] = completed["verdicts"]["root"]
        body["entries"] = completed["verdicts"]["count"]
        if epoch == made.epoch:
            body["entries_root"] = entries_digest(_entries(made)).root
            apart = [one for one in made.of("entry") if one["drawn_under"] == epoch]
            body["supplementary"] = len(apart) if epoch > first else 0
        named = {name: body[name] for name in Commitment.__slots__}
        body["commitment_root"] = Commitment(**named).root
        for name in ("SelectionProposed", "SelectionConfirmed"):
            for other in made.events(name):
                if other["epoch"] == epoch:
                    other["commitment_root"] = body["commitment_root"]


def _entries(made: Forged) -> Iterator[Entry]:
    for one in made.of("entry"):
        yield Entry(one["application"], _OUTCOME.validate_python(one["outcome"]), one["tickets"], one["score"])


def _chance(made: Forged) -> None:
    roots = {body["epoch"]: body["commitment_root"] for body in made.events("InputsCommitted")}
    values = {body["epoch"]: body["value"] for body in made.events("SourceValueRecorded")}
    seeds = {epoch: seed_of(roots[epoch], value) for epoch, value in values.items() if epoch in roots}
    main = seeds[min(roots)]
    proposal = _proposal(made, main, seeds)
    entries = {one["application"]: one for one in made.of("entry")}
    for line in proposal.lines:
        placement, record = line.placement, entries[line.placement.application]
        record |= {"position": line.position, "key": line.key, "result": placement.result.value}
        record |= {"reason": placement.reason and placement.reason.value}
        record["reserve_position"] = placement.reserve_position
        record["awards"] = [[award.request, award.quantity, award.amount_won] for award in placement.awards]
        _named(record)
    for body in made.events("SelectionProposed"):
        body["seed"] = main
    proposed = made.event("SelectionProposed", made.epoch)
    proposed["selection_root"] = proposal.selection_root
    proposed |= {result.value.replace("-", "_"): proposal.count(result) for result in Result}
    if made.version > 1:
        proposed["shown_root"] = shown_root(made)
    for name in ("SelectionConfirmed", "ReleaseOpened", "ReleaseProposed"):
        for body in made.events(name):
            if body["epoch"] == made.epoch:
                body["selection_root"] = proposal.selection_root
                if name == "SelectionConfirmed" and made.version > 1:
                    body["shown_root"] = proposed["shown_root"]
    _batches(made, proposal)


def _named(record: Record) -> None:
    """Names stand of the selected alone; a forger of the public depth makes them up."""
    if not record["awards"]:
        record.pop("applicant", None)
        record.pop("product", None)
        return
    facts = record.get("open", {}).get("facts")
    for name in ("applicant", "product"):
        if facts is not None:
            record[name] = facts[name]["name"]
        else:
            record.setdefault(name, f"{name} {record['firm']}")


def _proposal(made: Forged, main: str, seeds: dict[int, str]) -> Proposal:
    policy = POLICY.validate_python(made.event("RoundOpened")["policy"])
    before = [body for body in made.events("ReleaseOpened") if body["epoch"] < made.epoch]
    left = {one["application"]: NotSelectedReason(one["cause"]) for body in before for one in body["leaving"]}
    gone = {one["request"] for body in before for one in body["cancelled"]}
    offers = _offers(made)
    pledges = dict(made.of("pledges")[0]["pledges"])
    others = {
        one["application"]: seeds[one["drawn_under"]]
        for one in made.of("entry")
        if seeds.get(one["drawn_under"], main) != main
    }
    asked = [demand for demand in _demands(made) if demand.request not in gone]
    return propose(policy, main, _entries(made), offers, asked, pledges, others, left)


def _offers(made: Forged) -> dict[str, Offer]:
    names = ("application", "track", "class_code", "price_won", "capacity", "delivery_days")
    return {
        one["application"]: Offer(
            **{name: one[name] for name in names},
            firm=str(one["firm"]),
            regions=tuple(one["regions"]),
            certificates=tuple(one["certificates"]),
        )
        for one in made.of("entry")
    }


def _demands(made: Forged) -> list[Demand]:
    names = ("request", "institution", "class_code", "quantity", "budget_won", "price_ceiling_won", "region")
    return [
        Demand(
            **{name: one[name] for name in names},
            certificate_kinds=tuple(one["certificate_kinds"]),
            delivery_days_at_most=one["delivery_days_at_most"],
        )
        for one in made.of("request")
    ]


def _batches(made: Forged, proposal: Proposal) -> None:
    """Batches of the bundle's own epoch, given out anew."""
    policy, offers, demands = POLICY.validate_python(made.event("RoundOpened")["policy"]), _offers(made), _demands(made)
    tracks = {track.track: track.limits for track in policy.tracks if track.limits is not None}
    places = [
        Place(offers[line.placement.application], line.placement.awards)
        for line in proposal.lines
        if line.placement.result is not Result.NOT_SELECTED
    ]
    opened = [body for body in made.events("ReleaseOpened") if body["epoch"] == made.epoch]
    for body in sorted(opened, key=lambda body: int(body["batch"])):
        leaving = {one["application"]: NotSelectedReason(one["cause"]) for one in body["leaving"]}
        freed = Freed(leaving, frozenset(one["request"] for one in body["cancelled"]))
        pledges = dict(made.of("pledges")[0]["pledges"])
        given = release(places, freed, demands, pledges, policy.limits, tracks)
        said: Record = {"state_hash": given.state_hash, "batch_root": given.root}
        said |= {"promoted": given.promoted, "changed": given.changed, "withdrawn": given.withdrawn}
        for name in ("ReleaseProposed", "ReleaseConfirmed", "SelectionConfirmed"):
            for other in made.events(name):
                if (other["epoch"], other.get("batch")) == (made.epoch, body["batch"]):
                    other |= said if name == "ReleaseProposed" else {"batch_root": given.root}
        demands = [demand for demand in demands if demand.request not in freed.cancelled]
        moved: dict[str, tuple[Award, ...]] = {one.application: one.awards for one in given.moved}
        places = [
            Place(place.offer, moved.get(place.offer.application, place.awards))
            for place in places
            if place.offer.application not in leaving
        ]


def shown_root(made: Forged) -> str:
    tree = GrowingTree()
    for one in (*made.of("request"), *made.of("entry")):
        tree.add(shown_leaf(one))
    return tree.root.hex()


def manifest(leaves: Any) -> Record:
    """Of leaves as they come in; each by the bucket of its id."""
    digest = digest_of(tuple(leaf) for leaf in leaves)
    return {"count": digest.count, "root": digest.root, "counts": list(digest.counts), "roots": list(digest.roots)}


def in_order(records: list[Record]) -> list[Record]:
    """Requests and entries by bucket and id, as the format has them."""
    return sorted(records, key=lambda one: (bucket_of(_id(one)), _id(one)))


def _id(record: Record) -> str:
    return str(record.get("request") or record.get("application"))
