"""The part of the document for verification: roots, commands that recompute them, and paths to them."""

from collections.abc import Mapping
from typing import Any

from services.selection.adapters.document.blocks import Block, Cell, facts, mono, paragraphs, step
from services.selection.adapters.document.words import Words
from shared.proof.canonical import canonical_json
from shared.wording.written import moment, one_line

Pack = Mapping[str, Any]
_ROOTS = (
    "commitment_root",
    "applications_root",
    "requests_root",
    "verdicts_root",
    "entries_root",
    "pledges_root",
)
_BUCKETED = ("application", "verdict", "entry")


def published(pack: Pack, say: Words) -> list[Block]:
    """The commitments with their time-stamps, and the roots and hashes of this product."""
    blocks: list[Block] = []
    for commitment in pack["commitments"]:
        stamp = commitment["timestamp"]
        stamped = say("published.not_stamped")
        if stamp is not None:
            at = moment(stamp["stamped_at"], say.language)
            stamped = say("published.stamped", stamped_at=at, authority=one_line(stamp["authority"]))
        rows: list[tuple[str, Cell]] = [(say(f"published.{name}"), mono(commitment[name])) for name in _ROOTS]
        blocks += [
            paragraphs(say("published.commitment", epoch=commitment["epoch"]), strong=True),
            facts([*rows, (say("published.timestamp"), stamped)]),
        ]
    own: list[tuple[str, Cell]] = [
        (say("published.selection_root"), mono(pack["result"]["selection_root"])),
        *([(say("published.batch_root"), mono(pack["release"]["batch_root"]))] if pack["release"] else []),
        (say("published.payload_hash"), mono(pack["application"]["payload_hash"])),
        (say("published.findings_hash"), mono(pack["verdict"]["findings_hash"])),
    ]
    return [*blocks, facts(own)]


def by_hand(pack: Pack, digest: str, say: Words) -> list[Block]:
    """Commands for any Unix, each with its output beneath it."""
    drawn = pack["draw"]
    seed_of = f"firstbuy-seed-v1:{drawn['commitment_root']}:{drawn['value']['value']}"
    ticket = f"{drawn['seed']}:{pack['application']['application']}:{drawn['ticket']}"
    leaf = canonical_json(pack["proofs"]["result"]["leaf"]).decode()
    return [
        paragraphs(say("by_hand.intro")),
        step(say("by_hand.file"), "sha256sum pack.json", f"# {digest}"),
        step(say("by_hand.seed"), f"printf %s '{seed_of}' | sha256sum", f"# {drawn['seed']}"),
        step(say("by_hand.key"), f"printf %s '{ticket}' | sha256sum", f"# {drawn['key']}"),
        step(say("by_hand.leaf"), f"printf '\\000%s' '{leaf}' | sha256sum"),
        step(
            say("by_hand.whole"),
            "firstbuy verify pack pack.json",
            f"firstbuy round export {pack['round']['round']} -o round.jsonl",
            "firstbuy verify evidence round.jsonl",
        ),
    ]


def proofs(pack: Pack, say: Words) -> list[Block]:
    """The inclusion proofs, leaf to root."""
    blocks = [paragraphs(say("proofs.intro"))]
    for name in _BUCKETED:
        proof = pack["proofs"][name]
        place = {key: proof[key] for key in ("bucket", "index", "count")}
        blocks += [
            paragraphs(say(f"proofs.{name}"), strong=True),
            facts(
                [
                    (say("proofs.leaf"), mono(canonical_json(proof["leaf"]).decode())),
                    (say("proofs.place"), say("proofs.in_bucket", **place)),
                    (say("proofs.bucket_path"), _path(proof["bucket_path"], say)),
                    (say("proofs.bucket_root"), mono(proof["bucket_root"])),
                    (say("proofs.manifest_path"), _path(proof["manifest_path"], say)),
                    (say("proofs.root"), mono(proof["manifest_root"])),
                ]
            ),
        ]
    for name in ("result", "release"):
        proof = pack["proofs"][name]
        if proof is not None:
            blocks += [
                paragraphs(say(f"proofs.{name}"), strong=True),
                facts(
                    [
                        (say("proofs.leaf"), mono(canonical_json(proof["leaf"]).decode())),
                        (say("proofs.place"), say("proofs.in_tree", index=proof["index"], count=proof["count"])),
                        (say("proofs.path"), _path(proof["path"], say)),
                        (say("proofs.root"), mono(proof["root"])),
                    ]
                ),
            ]
    return blocks


def _path(nodes: list[str], say: Words) -> Cell:
    return mono("\n".join(nodes)) if nodes else say("proofs.no_path")
