"""What of a pack leads to published roots: commitments, the seed and the draw key, the four paths."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography.x509 import Certificate

from firstbuy.verifying.beacons import examine_beacon
from firstbuy.verifying.findings import Findings, lead
from firstbuy.verifying.timestamps import COMMITTED, examined_timestamp
from services.selection.domain.commitment import Commitment
from services.selection.domain.draw import draw_key, seed_of
from services.selection.verify import two_officers
from shared.proof.canonical import checked_canonical_json, sha256_hex
from shared.proof.merkle import BUCKETS, bucket_of

Pack = Mapping[str, Any]


def examine_commitments(found: Findings, pack: Pack, roots: Sequence[Certificate] | None) -> None:
    """Every epoch's commitment is made of its roots, and its time-stamp is of it."""
    for commitment in pack["commitments"]:
        made = Commitment(**{name: commitment[name] for name in COMMITTED}).root
        found.say(
            made == commitment["commitment_root"] and commitment["round"] == pack["round"]["round"],
            f"the commitment of epoch {commitment['epoch']} is made of its roots: {made}",
            f"commitments: the roots of epoch {commitment['epoch']} make {made}, not {commitment['commitment_root']}",
        )
        if commitment["timestamp"] is None:
            continue
        if roots is None:
            found.not_checked.append(
                f"the time-stamp of epoch {commitment['epoch']}: give the authority's roots (--ca)"
            )
        else:
            stamp = examined_timestamp(commitment, roots)
            found.checked += stamp.checked
            found.differs += stamp.differs


def examine_draw(found: Findings, pack: Pack) -> None:
    """The seed follows from commitment and value, and the product's key from seed and tickets."""
    drawn, application = pack["draw"], pack["application"]["application"]
    value, under = drawn["value"], commitment_of(pack, pack["entry"]["drawn_under"])
    seed = seed_of(drawn["commitment_root"], value["value"])
    found.say(
        seed == drawn["seed"] and under["commitment_root"] == drawn["commitment_root"],
        f"the seed is of the commitment of epoch {under['epoch']} and the value {value['value']}",
        f"draw: commitment and value make the seed {seed}, not {drawn['seed']}",
    )
    key = draw_key(seed, application, pack["entry"]["tickets"]).hex()
    ticket = sha256_hex(f"{seed}:{application}:{drawn['ticket']}".encode("ascii"))
    found.say(
        key == ticket == drawn["key"] and drawn["tickets"] == pack["entry"]["tickets"],
        f"its draw key is the least of its {drawn['tickets']} tickets, number {drawn['ticket']}: {key}",
        f"draw: the key is {key}, not {drawn['key']}",
    )
    earliest = _moment(under["committed_at"]) + timedelta(seconds=drawn["lead_seconds"])
    found.say(
        earliest <= _moment(value["due_at"]) <= _moment(value["recorded_at"]),
        f"the value was due at {value['due_at']}, a lead or more after the commitment",
        f"draw: the value was due at {value['due_at']}, before {earliest.isoformat()}",
    )
    if value["signature"] is not None:
        found.say(
            value["value"] == f"{sha256_hex(bytes.fromhex(value['signature']))}/",
            f"the value is SHA-256 of the signature of drand round {value['beacon_round']}",
            "draw: the value is not SHA-256 of its signature",
        )
        if drawn["source"].get("public_key"):
            examine_beacon(found, drawn["source"], value)
    found.not_checked.append("that no source before it and no value before this one decided: the evidence shows that")


def examine_proofs(found: Findings, pack: Pack) -> None:
    """Each inclusion proof leads from the product's leaf to the root that was published of its set."""
    application, verdict, entry, result = (pack[name] for name in ("application", "verdict", "entry", "result"))
    committed = commitment_of(pack, pack["epoch"])
    stands = [application[name] for name in ("application", "version", "payload_hash")]
    proposed = pack["release"]["before"] if pack["release"] else result
    awards = [[award["request"], award["quantity"], award["amount_won"]] for award in proposed["awards"]]
    leaves = {
        "application": stands,
        "verdict": [*stands, verdict["epoch"], verdict["outcome"], verdict["findings_hash"]],
        "entry": [stands[0], verdict["outcome"], entry["tickets"], entry["score"]],
        "result": [stands[0], proposed["result"], result["position"], pack["draw"]["key"], awards],
    }
    for name, leaf in leaves.items():
        found.say(
            pack["proofs"][name]["leaf"] == leaf,
            f"the leaf of the {name} is what stands above",
            f"proofs: the leaf of the {name} is {pack['proofs'][name]['leaf']}, above stands {leaf}",
        )
    sets = {"application": "applications_root", "verdict": "verdicts_root", "entry": "entries_root"}
    for name, root in sets.items():
        _follow(found, pack["proofs"][name], name, committed[root])
    proof = pack["proofs"]["result"]
    path = {**proof, "result_path": proof["path"], "result_root": proof["root"]}
    lead(found, "result", checked_canonical_json(proof["leaf"]), path)
    found.say(
        proof["root"] == result["selection_root"],
        "that root is the selection root",
        f"proofs: {proof['root']} is not the selection root {result['selection_root']}",
    )


def examine_release(found: Findings, pack: Pack) -> None:
    """The batch that gave it what it has now, where one did."""
    release, proof = pack["release"], pack["proofs"]["release"]
    if release is None and proof is None:
        return
    awards = [[award["request"], award["quantity"], award["amount_won"]] for award in pack["result"]["awards"]]
    leaf = [pack["application"]["application"], "selected", None, awards]
    found.say(
        proof["leaf"] == leaf and proof["root"] == release["batch_root"],
        f"the leaf of batch {release['batch']} is what stands above, under the batch's root",
        f"release: the leaf under {release['batch_root']} is not {leaf}",
    )
    lead(
        found,
        "release",
        checked_canonical_json(leaf),
        {**proof, "release_path": proof["path"], "release_root": proof["root"]},
    )
    confirmed = release["confirmation"]
    by_two = two_officers(release["opened"]["actors"]) and two_officers(confirmed["actors"])
    its_own = confirmed["batch"] != release["batch"] or confirmed["batch_root"] == release["batch_root"]
    found.say(
        by_two
        and its_own
        and confirmed["batch"] >= release["batch"]
        and release["opened"]["selection_root"] == pack["result"]["selection_root"],
        f"two officers opened batch {release['batch']} of this selection, and two confirmed it",
        f"release: batch {release['batch']} is not of this selection, or not opened and confirmed by two officers",
    )
    found.not_checked.append(
        f"what batch {release['batch']} gave to others: `firstbuy verify evidence` gives it out again"
    )


def _follow(found: Findings, proof: Mapping[str, Any], name: str, root: str) -> None:
    bucket = bucket_of(proof["leaf"][0])
    found.say(
        proof["bucket"] == bucket and proof["manifest_root"] == root,
        f"the {name}'s proof is of its bucket {bucket} and the committed root",
        f"proofs: the {name} belongs into bucket {bucket} and under {root}",
    )
    lead(found, "bucket", checked_canonical_json(proof["leaf"]), proof, f"{name}: ")
    above = {**proof, "index": bucket, "count": BUCKETS}
    lead(found, "manifest", bytes.fromhex(proof["bucket_root"]), above, f"{name}: ")


def commitment_of(pack: Pack, epoch: int) -> Mapping[str, Any]:
    by_epoch: dict[int, Mapping[str, Any]] = {commitment["epoch"]: commitment for commitment in pack["commitments"]}
    return by_epoch[epoch]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
