"""What of a pack has to fit together though no hash is made of it: moments in order, the drawing that was due, who
acted, places and counts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from firstbuy.verifying.findings import Findings
from firstbuy.verifying.pack_roots import commitment_of
from services.intake.domain.sources import Timetable
from services.selection.domain.status import status_until
from services.selection.verify import first_due, two_officers, written_as_drawn
from shared.contracts.policy import POLICY
from shared.proof.canonical import sha256_hex

Pack = Mapping[str, Any]


def examine_life(found: Findings, pack: Pack) -> None:
    checks: tuple[tuple[str, Callable[[Pack], Iterator[str]], str], ...] = (
        ("order", _order, "its moments are in order: window, commitment, value, proposal, confirmation"),
        ("officers", _officers, "every act of it is by two officers"),
        ("epochs", _epochs, "commitments, verdict, value and result are of the epochs that they say"),
        ("places", _places, "places and counts fit together"),
        ("value", _value, "the value is one of the announced source's drawings, a lead or more after the commitment"),
    )
    for name, faults_of, right in checks:
        faults = list(faults_of(pack))
        found.differs += [f"{name}: {fault}" for fault in faults]
        found.checked += [] if faults else [right]


def _order(pack: Pack) -> Iterator[str]:
    value, result, confirmed = pack["draw"]["value"], pack["result"], pack["confirmation"]
    under, own = commitment_of(pack, pack["entry"]["drawn_under"]), commitment_of(pack, pack["epoch"])
    life = [
        ("opens_at", pack["round"]["opens_at"]),
        ("closes_at", pack["round"]["closes_at"]),
        ("committed_at", under["committed_at"]),
        ("due_at", value["due_at"]),
        ("recorded_at", value["recorded_at"]),
        ("proposed_at", result["proposed_at"]),
        ("confirmed_at", confirmed["confirmed_at"]),
    ]
    others = [[("committed_at of its epoch", own["committed_at"]), *life[-2:]]]
    if own is not under:
        others.append([life[2], ("committed_at of its epoch", own["committed_at"])])
    if release := pack["release"]:
        moments = [("opened_at", release["opened"]["opened_at"]), ("proposed_at", release["proposed_at"])]
        batch = [*moments, ("confirmed_at", release["confirmation"]["confirmed_at"])]
        others.append([life[-2], *((f"the batch's {name}", at) for name, at in batch)])
    if newer := pack["superseded_by"]:
        others.append([life[-1], ("confirmed_at of what superseded it", newer["confirmed_at"])])
    for moments in (life, *others):
        for (before, earlier), (after, later) in pairwise(moments):
            if _moment(earlier) > _moment(later):
                yield f"{after} {later} is before {before} {earlier}"
    until = status_until(POLICY.validate_python(pack["policy"], strict=False), _moment(confirmed["confirmed_at"]))
    stated = result["status_until"]
    if until != (stated and _moment(stated)):
        yield f"status_until is {stated}, and by the policy {until and until.isoformat()}"


def _officers(pack: Pack) -> Iterator[str]:
    acts = {"confirmation": pack["confirmation"]}
    if release := pack["release"]:
        acts |= {"batch's opening": release["opened"], "batch's confirmation": release["confirmation"]}
    for name, act in acts.items():
        if not two_officers(act["actors"]):
            yield f"the {name} is not by two officers"


def _epochs(pack: Pack) -> Iterator[str]:
    epoch, under = pack["epoch"], pack["entry"]["drawn_under"]
    if [commitment["epoch"] for commitment in pack["commitments"]] != sorted({epoch, under}) or under > epoch:
        yield f"the commitments are not those of epochs {under} and {epoch}"
    if pack["draw"]["value"]["epoch"] != under:
        yield f"the value is of epoch {pack['draw']['value']['epoch']}, and it drew under {under}"
    if pack["verdict"]["epoch"] > epoch:
        yield f"it was judged in epoch {pack['verdict']['epoch']}, after {epoch}"
    if pack["superseded_by"] and pack["superseded_by"]["epoch"] <= epoch:
        yield f"epoch {pack['superseded_by']['epoch']} can't supersede epoch {epoch}"
    if (pack["round"]["series"] is None) != (pack["round"]["cut"] is None):
        yield "it is a cut of no series, or of a series and no cut"


def _places(pack: Pack) -> Iterator[str]:
    result, proof, every = pack["result"], pack["proofs"]["result"], pack["round"]["applications"]
    counted = result["selected"] + result["reserve"] + result["not_selected"]
    if not counted == proof["count"] == every:
        yield f"{counted} have a result, {proof['count']} are under the selection root, {every} are in the set"
    if proof["index"] != result["position"] - 1:
        yield f"position {result['position']} is not its place {proof['index'] + 1} under the selection root"
    if result["selected"] + result["reserve"] > result["standing"]:
        yield f"{result['standing']} stood in the draw, fewer than were selected or in reserve"
    if pack["entry"]["score"] is not None and pack["policy"].get("scoring") is None:
        yield "it has a score, and the policy gives none"
    release = pack["release"]
    if (release is None) != (pack["proofs"]["release"] is None):
        yield "a batch without its proof, or a proof without its batch"
    product = pack["application"]["facts"]["product"]
    for part in (result, *([release["before"]] if release else ())):
        yield from _award_faults(part)
        yield from _price_faults(part["awards"], product)
    if pack["superseded_by"]:
        yield from _award_faults(pack["superseded_by"])


def _award_faults(part: Mapping[str, Any]) -> Iterator[str]:
    awards = part["awards"]
    if (part["result"] == "selected") != bool(awards):
        yield f"its result is {part['result']} with {len(awards)} awards"
    if len({award["request"] for award in awards}) != len(awards):
        yield "one request is awarded twice"
    for award in awards:
        if award["request"].partition("/")[0] != award["institution"]:
            yield f"request {award['request']} is not of {award['institution']}"


def _price_faults(awards: Sequence[Mapping[str, Any]], product: Mapping[str, Any]) -> Iterator[str]:
    """Of this version of it: an appeal may have amended a later one."""
    if sum(award["quantity"] for award in awards) > product["capacity"]:
        yield "awarded is more than its capacity"
    for award in awards:
        if award["amount_won"] != award["quantity"] * product["price_won"]:
            yield f"{award['amount_won']} won of {award['request']} is not its price"


def _value(pack: Pack) -> Iterator[str]:
    drawn, value = pack["draw"], pack["draw"]["value"]
    source, due = drawn["source"], _moment(value["due_at"])
    under = commitment_of(pack, pack["entry"]["drawn_under"])
    first = first_due(under["committed_at"], drawn["lead_seconds"], [source])
    if source["source"] != value["source"]:
        yield f"it is of {value['source']}, and {source['source']} was announced"
    if due < first or (due - first) % timedelta(seconds=source["period_seconds"]):
        yield f"{value['source']} has no drawing at {value['due_at']}; its first was {first.isoformat()}"
    if (source["kind"] == "rehearsal") != pack["round"]["rehearsal"]:
        yield "only a rehearsal has a rehearsal's source"
    if source["kind"] == "drand":
        yield from _beacon_faults(source, value, due)
    elif value["signature"] is not None or value["beacon_round"] is not None:
        yield f"{value['source']} has no signature and no round of a beacon"
    elif not written_as_drawn(value["value"]):
        yield f"{value['value']} is not written as RFC 3797 writes what was drawn"


def _beacon_faults(source: Mapping[str, Any], value: Mapping[str, Any], due: datetime) -> Iterator[str]:
    if source.get("anchor") is None:
        yield f"{source['source']} is a beacon without its genesis"
        return
    number = Timetable.of(source).number(due)
    if value["beacon_round"] != number:
        yield f"the value due at {value['due_at']} is of drand round {number}, not {value['beacon_round']}"
    if value["value"] != f"{sha256_hex(bytes.fromhex(value['signature'] or ''))}/":
        yield f"it is not SHA-256 of the signature of drand round {number}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
