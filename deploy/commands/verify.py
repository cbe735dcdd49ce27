"""`firstbuy verify …`: a receipt, a proof, a time-stamp or a result, checked by anyone, from what is public."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import httpx2
import typer
from cryptography.x509 import Certificate

from deploy.commands.http import AsJson, Url, base_url
from deploy.commands.screen import console, fail, print_json
from services.intake.domain.receipts import UNSIGNED
from services.selection.domain.commitment import Commitment
from services.selection.verify import examine
from shared.canonical import NotCanonicalError, checked_canonical_json, payload_hash
from shared.merkle import BUCKETS, bucket_of, merkle_root, root_of_path
from shared.signing import ALGORITHM, PublicKey, verified
from shared.timestamping import UnusableRootsError, WrongStampError, checked_token, roots_of

app = typer.Typer(help="Check a receipt, a proof, a time-stamp or a result yourself.", no_args_is_help=True)
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_RECEIPT: Final = ("round", "application", "version", "received_at", "nonce", "payload_hash", "withdrawn")
_PATHS: Final = ("bucket_path", "manifest_path")
_ROOTS: Final = ("bucket_root", "manifest_root")
_COMMITTED: Final = tuple(each.name for each in fields(Commitment))


@dataclass(slots=True)
class Findings:
    """What was looked at, in words. It is right when nothing differs."""

    checked: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)

    def say(self, right: bool, what: str, wrong: str) -> None:
        (self.checked if right else self.differs).append(what if right else wrong)


def examined_receipt(
    receipt: Any, keys: Sequence[Mapping[str, Any]], application: Mapping[str, Any] | None = None
) -> Findings:
    """The signature over every field but token, key_id and signature; the payload hash too, where facts are given."""
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
    _lead(found, "bucket", checked_canonical_json(leaf), proof)
    _lead(found, "manifest", bytes.fromhex(proof["bucket_root"]), proof | {"index": bucket, "count": BUCKETS})
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


def examined_timestamp(commitment: Mapping[str, Any], roots: Sequence[Certificate]) -> Findings:
    """The token over the commitment's root; the root itself, where what it is made of is given."""
    found = Findings()
    stated = commitment.get("timestamp") or commitment  # of GET …/commitments, or a CommitmentTimeStamped
    root, token = str(commitment.get("commitment_root")), stated.get("token")
    if not _HASH.fullmatch(root) or not isinstance(token, str):
        found.differs.append("not a stamped commitment: it lacks commitment_root, or a token in timestamp or beside it")
        return found
    if all(name in commitment for name in _COMMITTED):
        made = Commitment(**{name: commitment[name] for name in _COMMITTED}).root
        found.say(
            made == root,
            f"commitment_root {root} is made of {', '.join(_COMMITTED)}",
            f"commitment_root: {', '.join(_COMMITTED)} lead to {made}, not to {root}",
        )
    else:
        found.not_checked.append("what commitment_root is made of: give what GET /rounds/{round}/commitments answered")
    try:
        stamp = checked_token(base64.b64decode(token, validate=True), root, roots)
    except (WrongStampError, binascii.Error) as error:
        found.differs.append(f"token: no time-stamp of {root} under these roots: {error}")
        return found
    found.checked.append(f"{stamp.authority} stamped SHA-256 of its 32 bytes at {_moment(stamp.stamped_at)}")
    for name, mine, signed in (
        ("stamped_at", stated.get("stamped_at"), _moment(stamp.stamped_at)),
        ("authority", stated.get("authority"), stamp.authority),
    ):
        found.say(mine == signed, f"{name} is the token's", f"{name}: {mine} here, {signed} in the token")
    found.not_checked.append("that this moment is before the source's value was due: see SourceValueRecorded's due_at")
    found.not_checked.append("that the authority's certificate was not revoked")
    return found


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _lead(found: Findings, tree: str, leaf: bytes, proof: Mapping[str, Any]) -> None:
    """Whether `<tree>_path` leads from the leaf at `index` of `count` to `<tree>_root`."""
    index, count, root = proof["index"], proof["count"], proof[f"{tree}_root"]
    led = root_of_path(leaf, index, count, [bytes.fromhex(node) for node in proof[f"{tree}_path"]])
    reached = "nowhere: it does not fit that place" if led is None else f"to {led.hex()}"
    found.say(
        led is not None and led.hex() == root,
        f"{tree}_path leads from place {index} of {count} to {tree}_root {root}",
        f"{tree}_path: from place {index} of {count} it leads {reached}, not to {tree}_root {root}",
    )


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
        if stated.get("algorithm") == ALGORITHM and _HASH.fullmatch(public):
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
        if not (isinstance(value, str) and _HASH.fullmatch(value)):
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


@app.command()
def evidence(
    file: Annotated[Path, typer.Argument(help="What `firstbuy round export` wrote.")],
    commitment: Annotated[str | None, typer.Option(help="The commitment root you hold.")] = None,
    selection: Annotated[str | None, typer.Option(help="The selection root you hold.")] = None,
    as_json: AsJson = False,
) -> None:
    """A round's result: every root, the draw and the matching computed again. `services/selection/verify.py` alone does
    the same without this command."""
    expected = {name: root for name, root in (("commitment", commitment), ("selection", selection)) if root}
    try:
        with file.open("rb") as source:
            report = examine(source, expected)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    differs = report.differs + ([f"and {report.more} more"] if report.more else [])
    _tell({f"{file}: {report.depth} depth": Findings(report.checked, differs, report.not_checked)}, as_json)


@app.command()
def receipt(
    file: Annotated[Path, typer.Argument(help="The JSON that 201 answered, or what GET …/receipt answered.")],
    keys: Annotated[
        str | None, typer.Option(help="File or URL of /.well-known/firstbuy-keys; else of the deployment asked.")
    ] = None,
    application: Annotated[
        Path | None, typer.Option(help="What GET /applications/{id} answered, to check the payload hash too.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Was this receipt signed by the programme, word for word? Exit code 1 when anything differs."""
    stated = _read(str(file))
    published = _read(keys or base_url("intake", url) + "/.well-known/firstbuy-keys")
    if not isinstance(published, list) or not all(isinstance(key, dict) for key in published):
        fail("the keys are no JSON list of keys: see GET /.well-known/firstbuy-keys")
    facts = _object(str(application)) if application else None
    receipts = stated if isinstance(stated, list) else [stated]
    if not receipts or not all(isinstance(one, dict) for one in receipts):
        fail(f"{file} holds no receipt")
    found = [examined_receipt(one, published, facts if one is receipts[-1] else None) for one in receipts]
    titles = [f"{file}: version {one.get('version')} of {one.get('application')}" for one in receipts]
    _tell(dict(zip(titles, found, strict=True)), as_json)


@app.command()
def proof(
    file: Annotated[Path, typer.Argument(help="What GET /applications/{id}/proof answered.")],
    manifest: Annotated[
        str | None, typer.Option(help="File or URL of the published manifest: GET …/manifest, or RoundFrozen.")
    ] = None,
    receipt: Annotated[Path | None, typer.Option(help="Your receipt, to see that the leaf is your version.")] = None,
    as_json: AsJson = False,
) -> None:
    """Does this proof lead to the frozen set's root? Exit code 1 when anything differs."""
    stated = _object(str(file))
    published = _object(manifest) if manifest else None
    mine = _object(str(receipt)) if receipt else None
    _tell({f"{file}": examined_proof(stated, published, mine)}, as_json)


@app.command()
def timestamp(
    file: Annotated[
        Path, typer.Argument(help="What GET /rounds/{round}/commitments answered, one of its entries, or the event.")
    ],
    ca: Annotated[Path, typer.Option(help="PEM file of the authority's roots, got from the authority itself.")],
    as_json: AsJson = False,
) -> None:
    """When did the commitment stand, by an authority's time? Offline. Exit code 1 when anything differs."""
    stated = _read(str(file))
    listed = stated if isinstance(stated, list) else [stated]
    if not listed or not all(isinstance(one, dict) for one in listed):
        fail(f"{file} holds no commitment")
    try:
        roots = roots_of(ca.read_bytes())
    except OSError as error:
        fail(f"{ca}: {error.strerror}")
    except UnusableRootsError as error:
        fail(f"{ca}: {error}")
    titles = [f"{file}: round {one.get('round')}, epoch {one.get('epoch')}" for one in listed]
    _tell({title: examined_timestamp(one, roots) for title, one in zip(titles, listed, strict=True)}, as_json)


def _tell(examined: Mapping[str, Findings], as_json: bool) -> None:
    if as_json:
        print_json([{"what": what, **asdict(found)} for what, found in examined.items()])
    else:
        for what, found in examined.items():
            console.print(what, style="bold", markup=False, soft_wrap=True)
            for mark, lines in (("✓", found.checked), ("✗", found.differs), ("–", found.not_checked)):
                for line in lines:
                    words = f"not checked: {line}" if lines is found.not_checked else line
                    console.print(f"  {mark} {words}", markup=False, soft_wrap=True)
    if any(found.differs for found in examined.values()):
        raise typer.Exit(1)


def _object(source: str) -> dict[str, Any]:
    read = _read(source)
    if not isinstance(read, dict):
        fail(f"{source} is no JSON object")
    return read


def _read(source: str) -> Any:
    """JSON of a file, or of an address."""
    try:
        if source.startswith(("http://", "https://")):
            answer = httpx2.get(source, timeout=30, follow_redirects=True)
            if answer.status_code != 200:
                fail(f"{source} answers {answer.status_code}: {answer.text[:300]}")
            return answer.json()
        return json.loads(Path(source).read_bytes())
    except httpx2.HTTPError as error:
        fail(f"{source} does not answer: {error or type(error).__name__}")
    except OSError as error:
        fail(f"{source}: {error.strerror}")
    except ValueError:
        fail(f"{source} is no JSON")
