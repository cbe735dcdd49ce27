"""A receipt by its signature, and that its version stands in the frozen set, by its proof."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from firstbuy.verifying.findings import HASH, Findings, lead
from firstbuy.verifying.shapes import shape_fault
from services.intake.domain.receipts import UNSIGNED
from shared.proof.canonical import checked_canonical_json, payload_hash
from shared.proof.merkle import BUCKETS, EMPTY_ROOT, bucket_of, merkle_root
from shared.proof.signing import ALGORITHM, PublicKey, verified

_SIGNED: Final = {"key_id", "signature"}


def examined_receipt(
    receipt: Any, keys: Sequence[Mapping[str, Any]], application: Mapping[str, Any] | None = None
) -> Findings:
    """The signature over every field that is not `UNSIGNED`; the payload hash too, where facts are given."""
    found = Findings()
    fault = shape_fault("Receipt", receipt)
    if fault is not None:
        found.differs.append(f"not a whole receipt: {fault}")
    if type(receipt) is not dict or not receipt.keys() >= _SIGNED:
        return found
    key_id, signature = str(receipt["key_id"]), str(receipt["signature"])
    public = published_key(key_id, keys)
    stated = {name: value for name, value in receipt.items() if name not in UNSIGNED}
    found.say(
        public is not None,
        f"key {key_id} is published, and its id is the start of its fingerprint",
        f"key_id: no published {ALGORITHM} key has the id {key_id}",
    )
    if public is not None:
        found.say(
            _verified(stated, signature, public.public),
            f"{', '.join(sorted(stated))} are as they were signed with it",
            f"signature: key {key_id} did not sign {', '.join(sorted(stated))} as they stand here",
        )
        found.not_checked.append(
            f"whose key it is: its fingerprint {public.fingerprint} must be in the round opening's key_fingerprints"
        )
    if application is None:
        found.not_checked.append("that payload_hash is of your facts: give what GET /applications/{id} answered")
    else:
        found.say(
            _hash_of(receipt.get("nonce"), application.get("facts")) == receipt.get("payload_hash") is not None,
            "payload_hash is SHA-256 of the nonce and the facts given",
            "payload_hash: it is not of the facts given, or not of this version",
        )
    found.not_checked.append("that this version is in the frozen set: that is what the proof shows after the close")
    return found


def examined_proof(
    proof: Any, manifest: Mapping[str, Any] | None = None, receipt: Mapping[str, Any] | None = None
) -> Findings:
    """The leaf's bucket and both paths; the root, counts and epoch, where the published manifest is given."""
    found = Findings()
    fault = shape_fault("Proof", proof)
    if fault is not None:
        found.differs.append(f"not a whole proof: {fault}")
        return found
    leaf, bucket = proof["leaf"], proof["bucket"]
    found.say(
        bucket == bucket_of(leaf[0]),
        f"bucket {bucket} is the first byte of SHA-256 of the id",
        f"bucket: the id belongs into {bucket_of(leaf[0])}, not {bucket}",
    )
    if bucket != bucket_of(leaf[0]):
        return found
    lead(found, "bucket", checked_canonical_json(leaf), proof)
    lead(found, "manifest", bytes.fromhex(proof["bucket_root"]), proof | {"index": bucket, "count": BUCKETS})
    if manifest is None:
        found.not_checked.append(
            f"that {proof['manifest_root']} is the root published, and count, epoch and round:"
            " give GET /rounds/{round}/manifest or RoundFrozen as --manifest"
        )
    else:
        _against_manifest(found, proof, manifest)
    if receipt is None:
        found.not_checked.append("that the leaf is your version: compare it with your receipt, or give it as --receipt")
    else:
        mine = [receipt.get(name) for name in ("application", "version", "payload_hash")]
        same = type(receipt.get("version")) is int and leaf == mine
        found.say(same, "the leaf is the receipt's version", f"leaf: the receipt is of {mine}, not of {leaf}")
        if receipt.get("round", proof["round"]) != proof["round"]:
            found.differs.append(f"round: the receipt is of {receipt['round']}, not of {proof['round']}")
    return found


def _against_manifest(found: Findings, proof: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    published = manifest.get("applications")
    if not isinstance(published, dict) or not {"root", "roots", "counts"} <= published.keys():
        found.differs.append("manifest: it is neither what GET /rounds/{round}/manifest answers nor a RoundFrozen")
        return
    stated = {name: list(value) if isinstance(value, tuple) else value for name, value in published.items()}
    fault = shape_fault("Manifest", stated) or _miscounted(published)
    if fault is not None:
        found.differs.append(f"manifest: {fault}")
        return
    over = merkle_root(bytes.fromhex(root) for root in published["roots"]).hex()
    count, bucket_root = published["counts"][proof["bucket"]], published["roots"][proof["bucket"]]
    found.say(
        over == published["root"],
        "the manifest's root is the one over its bucket roots",
        f"manifest: its bucket roots lead to {over}, not to its root {published['root']}",
    )
    pairs = [
        ("manifest_root", proof["manifest_root"], published["root"]),
        ("bucket_root", proof["bucket_root"], bucket_root),
        ("count", proof["count"], count),
        ("epoch", proof["epoch"], manifest.get("epoch")),
    ]
    if "round" in manifest:
        pairs.append(("round", proof["round"], manifest["round"]))
    else:
        found.not_checked.append(f"that the manifest is of round {proof['round']}: it does not name its round")
    for name, mine, theirs in pairs:
        same = type(mine) is type(theirs) and mine == theirs
        found.say(same, f"{name} is as published", f"{name}: {mine} here, {theirs} as published")


def published_key(key_id: str, keys: Sequence[Mapping[str, Any]]) -> PublicKey | None:
    """The published key of that id, if its id is truly the start of its fingerprint."""
    for stated in keys:
        public = str(stated.get("public_key"))
        if stated.get("algorithm") == ALGORITHM and HASH.fullmatch(public):
            key = PublicKey(public)
            if key.key_id == key_id == stated.get("key_id"):
                return key
    return None


def _miscounted(manifest: Mapping[str, Any]) -> str | None:
    counts, roots = manifest["counts"], manifest["roots"]
    if len(counts) != BUCKETS or len(roots) != BUCKETS:
        return f"it has no {BUCKETS} bucket counts and roots"
    if sum(counts) != manifest["count"]:
        return f"its buckets have {sum(counts)} in all, not {manifest['count']}"
    unlike = [place for place in range(BUCKETS) if (counts[place] == 0) != (roots[place] == EMPTY_ROOT.hex())]
    return f"bucket {unlike[0]} has the root of nothing and a count, or a root and no count" if unlike else None


def _verified(stated: dict[str, Any], signature: str, public: str) -> bool:
    try:
        return verified(stated, signature, public)
    except RecursionError:
        return False


def _hash_of(nonce: Any, facts: Any) -> str | None:
    try:
        checked_canonical_json(facts)
        return payload_hash(nonce, facts)
    except (ValueError, TypeError, RecursionError):
        return None
