"""Packs of a whole round that `tests.support.bundles` makes, by the service's own domain code, without a server."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from services.selection.domain.evidence import PublishedEvent
from services.selection.domain.pack_result import Placed, Released, Superseded
from services.selection.domain.packs import (
    Committed,
    PackInputs,
    Proofs,
    batch_of,
    pack_of,
    round_events_of,
    signed_pack,
)
from services.selection.domain.proposal import Proposed
from services.selection.domain.releases import Freed
from shared.proof.canonical import canonical_json
from shared.proof.inclusion import InclusionProof, TreeProof, inclusion_proof
from shared.proof.merkle import bucket_of, digest_of, inclusion_path
from shared.proof.signing import Signer
from tests.support.bundle_parts import Judged
from tests.support.bundles import Round, make_round, with_batches

SIGNER = Signer(bytes(range(32)))
NAMES = {"kepco": "한국전력공사", "lh": "한국토지주택공사"}
SAID: dict[str, Any] = {
    "authority": "국세청 (NTS)",
    "answer": {
        "registry": "business-status",
        "subject": "0010100015",
        "outcome": "known",
        "said_at": "2018-09-15T01:00:00Z",
        "status": "active",
    },
    "differs": False,
}
"""What a registry said of a firm, as a pack has it."""
_RELEASED: Mapping[str, Mapping[str, Any]] = {
    "ReleaseOpened": {"opened_at": "2018-10-10T00:00:00Z"},
    "ReleaseProposed": {"proposed_at": "2018-10-10T00:00:02Z"},
    "ReleaseConfirmed": {"confirmed_at": "2018-10-10T02:00:00Z"},
}
_DATED: Mapping[str, Mapping[str, Any]] = {
    "RoundOpened": {
        "title": "2018년 하반기 기술개발제품 시범구매",
        "opens_at": "2018-08-16T00:00:00Z",
        "closes_at": "2018-09-14T09:00:00Z",
    },
    "RoundFrozen": {"closes_at": "2018-09-14T09:00:00Z"},
    "SelectionProposed": {"proposed_at": "2018-09-22T12:00:00Z"},
    "SelectionConfirmed": {"confirmed_at": "2018-09-27T05:30:00Z", "reason": "제안된 결과와 증거를 확인함"},
}


def selected_in(made: Round) -> list[str]:
    return [line.placement.application for line in made.proposal.lines if line.placement.awards]


def parts_of(made: Round, application: str, **changed: Any) -> PackInputs:
    """What the pack of one application is made of; `changed` replaces parts."""
    events = [PublishedEvent(event.type, {**event.body, **_DATED.get(event.type, {})}) for event in made.events]
    published = round_events_of(events, 1)
    assert published is not None
    one = next(each for each in made.judged if each.application == application)
    lines = list(made.proposal.lines)
    index = next(at for at, line in enumerate(lines) if line.placement.application == application)
    leaves = [line.leaf() for line in lines]
    path = tuple(node.hex() for node in inclusion_path([canonical_json(leaf) for leaf in leaves], index))
    rows = {
        "application": [(each.application, 1, each.payload_hash) for each in made.judged],
        "verdict": [_verdict(each) for each in made.judged],
        "entry": [each.entry.leaf() for each in made.judged],
    }
    return replace(
        PackInputs(
            committed=Committed(
                application=application,
                version=1,
                payload_hash=one.payload_hash,
                nonce=one.nonce,
                facts=one.facts,
                judged_in=1,
                outcome=one.outcome,
                findings=one.findings,
                findings_hash=one.findings_hash,
                evidence=None,
                tickets=one.entry.tickets,
                score=one.entry.score,
                drawn_under=1,
            ),
            placed=placed(lines[index], index + 1),
            published=published,
            proofs=Proofs(
                application=_proof(application, rows["application"]),
                verdict=_proof(application, rows["verdict"]),
                entry=_proof(application, rows["entry"]),
                result=TreeProof(tuple(leaves[index]), index, len(leaves), path, made.proposal.selection_root),
            ),
            standing=sum(line.position is not None for line in lines),
            status_until=None,
            superseded=None,
            stamps={},
            institutions=NAMES,
        ),
        **changed,
    )


def released(made: Round, freed: Freed) -> dict[str, dict[str, Any]]:
    """What each application that a batch selected has changed in its pack."""
    after = with_batches(made, freed)
    batch = batch_of(
        [PublishedEvent(event.type, {**event.body, **_RELEASED.get(event.type, {})}) for event in after.events], 1, 1
    )
    assert batch is not None
    moved = after.released[0].moved
    leaves = [canonical_json(one.leaf()) for one in moved]
    found = {}
    for index, one in enumerate(moved):
        if one.awards:
            path = tuple(node.hex() for node in inclusion_path(leaves, index))
            proof = TreeProof(tuple(one.leaf()), index, len(leaves), path, after.released[0].root)
            standing = Released(
                application=one.application,
                batch=1,
                line=index + 1,
                result=one.result.value,
                reason=None,
                awards=[asdict(award) for award in one.awards],
            )
            proofs = replace(parts_of(made, one.application).proofs, release=proof)
            found[one.application] = {"released": standing, "batch": batch, "proofs": proofs}
    return found


def make_pack(made: Round | None = None, application: str | None = None, **changed: Any) -> dict[str, Any]:
    """As it is read; of the first selected application unless one is named."""
    made = made or make_round()
    return signed(pack_of(parts_of(made, application or selected_in(made)[0], **changed)))


def signed(pack: Mapping[str, Any], signer: Signer = SIGNER) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(canonical_json(signed_pack(pack, signer)))
    return read


def superseded(placed: Placed | None) -> Superseded:
    return Superseded(epoch=2, selection_root="ab" * 32, confirmed_at="2018-10-05T02:00:00Z", placed=placed)


def placed(line: Proposed, number: int) -> Placed:
    placement = line.placement
    return Placed(
        application=placement.application,
        line=number,
        result=placement.result.value,
        reason=placement.reason.value if placement.reason else None,
        position=line.position,
        reserve_position=placement.reserve_position,
        key=line.key,
        awards=[
            {
                "request": award.request,
                "institution": award.institution,
                "quantity": award.quantity,
                "amount_won": award.amount_won,
            }
            for award in placement.awards
        ],
    )


def _verdict(each: Judged) -> tuple[Any, ...]:
    return each.application, 1, each.payload_hash, 1, each.outcome, each.findings_hash


def _proof(application: str, rows: list[tuple[Any, ...]]) -> InclusionProof:
    own = sorted(row for row in rows if bucket_of(row[0]) == bucket_of(application))
    proof = inclusion_proof(application, own, digest_of(rows).roots)
    assert proof is not None
    return proof
