"""A receipt by its signature, and that its version stands in the frozen set, by its proof."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from deploy.verifying.findings import HASH, Findings, lead
from services.intake.domain.receipts import UNSIGNED
from shared.canonical import NotCanonicalError, checked_canonical_json, payload_hash
from shared.merkle import BUCKETS, bucket_of, merkle_root
from shared.signing import ALGORITHM, PublicKey, verified

_RECEIPT: Final = ("round", "application", "version", "received_at", "nonce", "payload_hash", "withdrawn")
_PATHS: Final = ("bucket_path", "manifest_path")
_ROOTS: Final = ("bucket_root", "manifest_root")


def examined_receipt(
    receipt: Any, keys: Sequence[Mapping[str, Any]], application: Mapping[str, Any] | None = None
) -> Findings:
    """The signature over every field that is not `UNSIGNED`; the payload hash too, where facts are given."""
    found = Findings()
    missing = [name for name in (*_RECEIPT, "key_id", "signature") if name not in receipt]
    if missing:
        found.differs.append(f"not a whole receipt: it lacks {', '.join(missing)}")
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
            verified(stated, signature, public.public),
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
            _hash_of(receipt["nonce"], application.get("facts")) == receipt["payload_hash"],
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
    malformed = _malformed(proof)
    if malformed:
        found.differs.append(malformed)
        return found
    leaf, bucket = proof["leaf"], proof["bucket"]
    found.say(
        bucket == bucket_of(leaf[0]),
        f"bucket {bucket} is the first byte of SHA-256 of the id",
        f"bucket: the id belongs into {bucket_of(leaf[0])}, not {bucket}",
    )
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
        found.say(leaf == mine, "the leaf is the receipt's version", f"leaf: the receipt is of {mine}, not of {leaf}")
    return found


def _against_manifest(found: Findings, proof: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    published = manifest.get("applications")
    if not isinstance(published, dict) or not {"root", "roots", "counts"} <= published.keys():
        found.differs.append("manifest: it is neither what GET /rounds/{round}/manifest answers nor a RoundFrozen")
        return
    try:
        over = merkle_root(bytes.fromhex(root) for root in published["roots"]).hex()
        count, bucket_root = published["counts"][proof["bucket"]], published["roots"][proof["bucket"]]
    except (ValueError, TypeError, LookupError):
        found.differs.append(f"manifest: it has no {BUCKETS} bucket counts and roots")
        return
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
        found.say(mine == theirs, f"{name} is as published", f"{name}: {mine} here, {theirs} as published")


def published_key(key_id: str, keys: Sequence[Mapping[str, Any]]) -> PublicKey | None:
    """The published key of that id, if its id is truly the start of its fingerprint."""
    for stated in keys:
        public = str(stated.get("public_key"))
        if stated.get("algorithm") == ALGORITHM and HASH.fullmatch(public):
            key = PublicKey(public)
            if key.key_id == key_id == stated.get("key_id"):
                return key
    return None


def _malformed(proof: Any) -> str | None:
    names = ("round", "epoch", "leaf", "bucket", "index", "count", *_PATHS, *_ROOTS)
    missing = [name for name in names if name not in proof]
    if missing:
        return f"not a whole proof: it lacks {', '.join(missing)}"
    for name in ("epoch", "bucket", "index", "count"):
        if type(proof[name]) is not int:
            return f"{name}: {proof[name]!r} is no integer"
    hashes = [(name, proof[name]) for name in _ROOTS]
    for name in _PATHS:
        if not isinstance(proof[name], list):
            return f"{name}: {proof[name]!r} is no list"
        hashes += [(name, node) for node in proof[name]]
    for name, value in hashes:
        if not (isinstance(value, str) and HASH.fullmatch(value)):
            return f"{name}: {value!r} is no SHA-256 in lower-case hex"
    leaf = proof["leaf"]
    if not (isinstance(leaf, list) and [type(item) for item in leaf] == [str, int, str]):
        return f"leaf: {leaf!r} is not [id, version, payload_hash]"
    try:
        checked_canonical_json(leaf)
    except NotCanonicalError as error:
        return f"leaf: {error}"
    return None


def _hash_of(nonce: Any, facts: Any) -> str | None:
    try:
        checked_canonical_json(facts)
        return payload_hash(nonce, facts)
    except (ValueError, TypeError):
        return None
