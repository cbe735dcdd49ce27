"""The pack of a selected product: what the purchasing officer files, and anybody can check (docs/packs.md).

It quotes unchanged what was published and judged, so that every hash can be recomputed from the pack alone. The texts
beside that are signed too, but no hash depends on them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from services.selection.domain.evidence import PublishedEvent
from services.selection.domain.legal_note import LEGAL_NOTE, LIMITS
from services.selection.domain.pack_result import (
    Batch,
    Json,
    Placed,
    Released,
    Superseded,
    as_it_stands,
    draw_part,
    release_part,
    result_part,
    superseded_part,
)
from services.selection.domain.pack_words import findings_in_words, waivers_of
from shared.contracts.events import Language
from shared.proof.inclusion import InclusionProof, TreeProof
from shared.proof.signing import ALGORITHM, Signer

FORMAT: Final = "firstbuy-pack-v1"
Leaf = tuple[Any, ...]
_COMMITTED: Final = (
    "round",
    "epoch",
    "applications_root",
    "requests_root",
    "verdicts_root",
    "entries_root",
    "pledges_root",
    "policy_hash",
    "commitment_root",
    "committed_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """An application's leaves in the sets whose roots were published."""

    application: str
    version: int
    payload_hash: str
    judged_in: int
    outcome: str
    findings_hash: str
    tickets: int
    score: int | None

    @property
    def application_leaf(self) -> Leaf:
        """The leaf of the applications' manifest."""
        return self.application, self.version, self.payload_hash

    @property
    def verdict_leaf(self) -> Leaf:
        """The leaf of the verdicts' manifest."""
        return *self.application_leaf, self.judged_in, self.outcome, self.findings_hash

    @property
    def entry_leaf(self) -> Leaf:
        """The leaf of `entries_root`."""
        return self.application, self.outcome, self.tickets, self.score


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed(Fixed):
    """The same, with its facts and findings. `nonce` is None for applications from before it was stored."""

    nonce: str | None
    facts: Json
    findings: Sequence[Json]
    evidence: Sequence[Json] | None
    """Registries' answers; None if none was asked, or from before they were stored."""
    drawn_under: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundEvents:
    """The round's published events up to an epoch's result; commitments and source values are by epoch."""

    opened: Json
    frozen: Json
    """It states the final window."""
    manifest: Json
    """The manifest of the epoch's applications."""
    completed: Json
    committed: Mapping[int, Json]
    values: Mapping[int, Json]
    proposed: Json
    confirmed: Json

    def tell_of(self, drawn_under: int) -> bool:
        """True if the commitments and the value that an application drew under are among them."""
        return {self.proposed["epoch"], drawn_under} <= self.committed.keys() and drawn_under in self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """The proofs that an application is in each set whose root was published."""

    application: InclusionProof
    verdict: InclusionProof
    entry: InclusionProof
    result: TreeProof
    release: TreeProof | None = None
    """To the root of the last batch that moved it, if one did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackInputs:
    """Everything that a pack is made of."""

    committed: Committed
    placed: Placed
    published: RoundEvents
    proofs: Proofs
    standing: int
    status_until: str | None
    superseded: Superseded | None
    stamps: Mapping[str, Json]
    """Time-stamps by commitment root."""
    institutions: Mapping[str, str]
    """Names by code."""
    released: Released | None = None
    batch: Batch | None = None


def round_events_of(events: Iterable[PublishedEvent], epoch: int) -> RoundEvents | None:
    """The events of an epoch's result; None until all are read back."""
    bodies: dict[str, dict[int, Json]] = {}
    for event in events:
        bodies.setdefault(event.type, {})[event.epoch] = event.body
    try:
        return RoundEvents(
            opened=bodies["RoundOpened"][0],
            frozen=bodies["RoundFrozen"][1],
            manifest=(bodies["RoundFrozen"] if epoch == 1 else bodies["EpochOpened"])[epoch]["applications"],
            completed=bodies["EligibilityCompleted"][epoch],
            committed=bodies["InputsCommitted"],
            values=bodies["SourceValueRecorded"],
            proposed=bodies["SelectionProposed"][epoch],
            confirmed=bodies["SelectionConfirmed"][epoch],
        )
    except KeyError:
        return None


def batch_of(events: Iterable[PublishedEvent], epoch: int, number: int) -> Batch | None:
    """The events of a batch; None until all are read back."""
    opened = proposed = None
    confirmed: list[Json] = []
    for event in events:
        if event.epoch != epoch:
            continue
        match event.type:
            case "ReleaseOpened" if event.batch == number:
                opened = event.body
            case "ReleaseProposed" if event.batch == number:
                proposed = event.body
            case "ReleaseConfirmed" | "SelectionConfirmed" if event.batch >= number:
                confirmed.append(event.body)
    if opened is None or proposed is None or not confirmed:
        return None
    return Batch(opened=opened, proposed=proposed, confirmed=min(confirmed, key=lambda body: int(body["batch"])))


def pack_of(made: PackInputs) -> dict[str, Any]:
    """The pack as JSON, unsigned."""
    committed, published = made.committed, made.published
    policy, epoch = published.opened["policy"], published.proposed["epoch"]
    return {
        "pack": FORMAT,
        "round": _round(published),
        "epoch": epoch,
        "policy": policy,
        **_application_parts(committed, policy, published.opened["policy_hash"]),
        "commitments": [
            {name: published.committed[each][name] for name in _COMMITTED}
            | {"timestamp": made.stamps.get(published.committed[each]["commitment_root"])}
            for each in sorted({committed.drawn_under, epoch})
        ],
        **_result_parts(made),
        "proofs": {
            "application": asdict(made.proofs.application),
            "verdict": asdict(made.proofs.verdict),
            "entry": asdict(made.proofs.entry),
            "result": asdict(made.proofs.result),
            "release": asdict(made.proofs.release) if made.proofs.release else None,
        },
        "legal_note": LEGAL_NOTE,
        "limits": LIMITS,
    }


def _application_parts(committed: Committed, policy: Json, policy_hash: str) -> dict[str, Any]:
    """What the application stated, how it was judged, and with how many tickets it entered."""
    waivers = waivers_of(policy, committed.facts["track"])
    return {
        "application": {
            "application": committed.application,
            "version": committed.version,
            "nonce": committed.nonce,
            "facts": committed.facts,
            "payload_hash": committed.payload_hash,
        },
        "verdict": {
            "epoch": committed.judged_in,
            "outcome": committed.outcome,
            "as_of": policy["as_of"],
            "policy_hash": policy_hash,
            "findings": committed.findings,
            "findings_hash": committed.findings_hash,
            "evidence": committed.evidence,
        },
        "findings_in_words": {
            language.value: findings_in_words(committed.findings, committed.evidence, waivers, language)
            for language in Language
        },
        "entry": {"tickets": committed.tickets, "score": committed.score, "drawn_under": committed.drawn_under},
    }


def _result_parts(made: PackInputs) -> dict[str, Any]:
    """The draw, the result, the batch that changed it, the confirmation, and the newer result that stands instead."""
    committed, published = made.committed, made.published
    return {
        "draw": draw_part(
            made.placed,
            committed.tickets,
            published.committed[committed.drawn_under]["commitment_root"],
            published.values[committed.drawn_under],
            published.opened["sources"],
            published.opened["lead_seconds"],
        ),
        "result": result_part(
            as_it_stands(made.placed, made.released),
            made.standing,
            published.proposed,
            made.institutions,
            made.status_until,
        ),
        "release": release_part(made.placed, made.batch, made.institutions),
        "confirmation": {
            name: published.confirmed[name]
            for name in ("actors", "reason", "confirmed_at", "commitment_root", "selection_root")
        },
        "superseded_by": superseded_part(made.superseded, made.institutions),
    }


def signed_pack(pack: Json, signer: Signer) -> dict[str, Any]:
    """The signed pack. The signature covers the canonical JSON of all but `signed`, texts included."""
    return {
        **pack,
        "signed": {
            "algorithm": ALGORITHM,
            "key_id": signer.key.key_id,
            "public_key": signer.key.public,
            "signature": signer.sign(dict(pack)),
        },
    }


def _round(published: RoundEvents) -> dict[str, Any]:
    opened = published.opened
    return {
        "round": opened["round"],
        "title": opened["title"],
        "opens_at": opened["opens_at"],
        "closes_at": published.frozen["closes_at"],
        "policy_hash": opened["policy_hash"],
        "applications": published.manifest["count"],
        "rehearsal": opened.get("rehearsal") is not None,
        "unattended": opened.get("unattended", False),
        "series": opened.get("series"),
        "cut": opened.get("cut"),
    }
