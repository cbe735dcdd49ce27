"""Copies that somebody kept: each backs a bundle or contradicts it, and nothing in a folder breaks the verifier."""

import json
import os
from base64 import b64decode
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from firstbuy.cli import assembled
from services.selection.domain.evidence import Depth
from shared.proof.signing import ALGORITHM
from tests.support.bundles import make_round
from tests.support.forger import Forged, Record
from tests.support.kept_copies import (
    SIGNER,
    Folder,
    announced,
    answered,
    award,
    cloud,
    notice,
    proof,
    published,
    receipt,
    stated_round,
    true,
)
from tests.support.packs import make_pack

OTHER = "0" * 64
KEYS = [{"key_id": SIGNER.key.key_id, "algorithm": ALGORITHM, "public_key": SIGNER.key.public}]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_all_that_can_be_kept_backs_a_true_bundle(folder: Folder) -> None:
    made = true()
    committed = made.event("InputsCommitted")
    stamped = {name: made.event("CommitmentTimeStamped")[name] for name in ("authority", "token", "stamped_at")}
    everything = {
        "receipt.json": receipt(made),
        "proof.json": proof(made),
        "outbox.jsonl": b"\n".join(json.dumps(one).encode() for one in (announced(made), published(made))),
        "sub/folder/commitments.json": [committed | {"timestamp": stamped}],
        "round.json": stated_round(made),
        "award.json": award(made),
        "answer.json": cloud("InboxAnswered", answered(made)),
    }
    for number, one in enumerate(record for record in made.records if "body" in record):
        everything[f"events/{number}-plain.json"] = one["body"]
        everything[f"events/{number}-cloud.json"] = cloud(one["event"], one["body"])
        everything[f"events/{number}-line.json"] = one
    for name, content in everything.items():
        folder.keep(name, content)
    (folder.path / "keys.json").write_text(json.dumps(KEYS))
    code, told = folder.told(made, "--keys", str(folder.path / "keys.json"))
    assert (code, told[""]["differs"]) == (0, [])
    for name in everything:
        assert told[name]["checked"], name
        assert all(line.startswith("backs: ") for line in told[name]["checked"])
        assert not any("not read" in line for line in told[name]["says"])
    assert "backs: the commitment root of epoch 1" in told["outbox.jsonl"]["checked"]
    identifier = made.of("entry")[0]["application"]
    assert told["receipt.json"]["checked"] == [
        f"backs: application {identifier} version 1 is in the set with that payload hash"
    ]
    assert told["receipt.json"]["says"] == []
    assert not any("nobody's copy" in line for line in told[""]["not_checked"])
    assert f"2 of {len(made.of('entry'))} applications are backed by somebody's copy" in told[""]["not_checked"]


@pytest.mark.parametrize("kind", ["batches", "admitted", "overtaken", "excluded", "appealed", "void", "rehearsal"])
def test_events_of_every_kind_of_round_back_it(folder: Folder, kind: str) -> None:
    made = true(kind)
    for number, one in enumerate(record for record in made.records if "body" in record):
        folder.keep(f"{number}.json", one["body"])
    code, told = folder.told(made)
    assert code == (3 if kind == "void" else 0), told[""]["differs"]
    assert all(one["checked"] for name, one in told.items() if name)


def spoiled(made: Forged, name: str, member: str, value: Any) -> Record:
    return deepcopy(made.events(name)[-1]) | {member: value}


CONTRADICTIONS: dict[str, Callable[[Forged], Record | list[Record]]] = {
    "the payload hash of application": lambda made: receipt(made, payload_hash=OTHER),
    "was received, version 1 is in the set": lambda made: receipt(made, version=2),
    "was received, nothing is in the set": lambda made: receipt(
        made, application="7d1c3b0e-52f4-4c8e-9b51-2f6f0a7be101"
    ),
    "withdrew it, and version 1 is in the set": lambda made: receipt(made, version=2, withdrawn=True),
    "the commitment root is 000": lambda made: notice(made, "committed", {"commitment": OTHER}),
    "the selection root is 000": lambda made: notice(made, "published", {"selection": OTHER}),
    "the shown root is 000": lambda made: notice(made, "published", {"shown": OTHER}),
    "the announcement root is 000": lambda made: notice(made, "opened", {"announcement": OTHER}),
    "the policy root is 000": lambda made: notice(made, "opened", {"policy": OTHER}),
    "the applications root is 000": lambda made: notice(made, "frozen", {"applications": OTHER}),
    "the requests root is 000": lambda made: notice(made, "frozen", {"requests": OTHER}),
    "the entries root is 000": lambda made: notice(made, "committed", {"entries": OTHER}),
    "the batch root is 000": lambda made: notice(made, "released", {"batch": OTHER}),
    "the token root is 000": lambda made: notice(made, "time-stamped", {"token": OTHER}),
    "the round was frozen with frozen_at": lambda made: notice(made, "frozen", {}, occurred_at="2018-09-14T12:00:11Z"),
    "the round was voided": lambda made: notice(made, "voided", {}, occurred_at="2018-09-21T00:00:00Z"),
    "the round was extended": lambda made: notice(made, "extended", {}, closes_at="2018-09-14T13:00:00Z"),
    "pledges_root of InputsCommitted of epoch 1": lambda made: spoiled(made, "InputsCommitted", "pledges_root", OTHER),
    "value of SourceValueRecorded": lambda made: spoiled(made, "SourceValueRecorded", "value", "1.2.3./"),
    "actors of SelectionConfirmed": lambda made: spoiled(made, "SelectionConfirmed", "actors", []),
    "InputsCommitted of epoch 2, which the bundle has not": lambda made: spoiled(made, "InputsCommitted", "epoch", 2),
    "RoundVoided, which the bundle has not": lambda made: {
        "round": made.round,
        "actors": [],
        "reason": "x",
        "voided_at": "2018-09-21T00:00:00Z",
    },
    "stamped_at of CommitmentTimeStamped": lambda made: [
        made.event("InputsCommitted")
        | {"timestamp": {"authority": "authority.example", "token": "TVRJeg==", "stamped_at": "2019-01-01T00:00:00Z"}}
    ],
    "the position of application": lambda made: award(made) | {"position": 999},
    "the product of application": lambda made: award(made) | {"product": "another"},
    "the awards of application": lambda made: award(made) | {"awards": []},
    "the payload hash of request": lambda made: answered(made, payload_hash=OTHER),
    "the announcement root is 0000": lambda made: stated_round(made, announcement_root=OTHER),
}


@pytest.mark.parametrize("says", CONTRADICTIONS)
def test_what_contradicts_the_bundle_is_a_difference(folder: Folder, says: str) -> None:
    made = true()
    folder.keep("copy.json", CONTRADICTIONS[says](made))
    code, told = folder.told(made)
    assert code == 1
    assert any(line.startswith("contradicts: ") and says in line for line in told["copy.json"]["differs"]), told
    assert any("copy.json: contradicts: " in line for line in told[""]["differs"])


def test_a_proof_of_another_set_contradicts(folder: Folder) -> None:
    made, other = true("draw"), make_round(9, 2, 12).forged(Depth.PUBLIC)
    folder.keep("proof.json", proof(other) | {"round": made.round})
    code, told = folder.told(made)
    assert code == 1
    assert any("contradicts: a proof of epoch 1" in line for line in told["proof.json"]["differs"])


def test_a_proof_that_leads_nowhere_is_none(folder: Folder) -> None:
    made = true()
    folder.keep("proof.json", proof(made) | {"bucket_root": OTHER})
    code, told = folder.told(made)
    assert (code, told["proof.json"]["differs"]) == (0, [])
    assert any("not read: the proof leads nowhere" in line for line in told["proof.json"]["says"])


def test_a_receipt_that_nobody_signed_contradicts_nothing(folder: Folder) -> None:
    made = true()
    (folder.path / "keys.json").write_text(json.dumps(KEYS))
    folder.keep("forged.json", receipt(made, payload_hash=OTHER) | {"version": 7})
    code, told = folder.told(made, "--keys", str(folder.path / "keys.json"))
    assert code == 0
    assert any("the receipt of" in line and "is none: signature" in line for line in told["forged.json"]["says"])
    assert folder.told(made)[0] == 1, "unchecked, it stands against the bundle"


def test_without_keys_it_says_that_signatures_were_not_checked(folder: Folder) -> None:
    made = true()
    folder.keep("receipt.json", receipt(made))
    assert any("was not checked: give --keys" in line for line in folder.told(made)[1]["receipt.json"]["says"])


def test_receipts_that_fit_though_they_are_not_in_the_set(folder: Folder) -> None:
    made, gone = true(), "7d1c3b0e-52f4-4c8e-9b51-2f6f0a7be101"
    folder.keep("older.json", receipt(made, version=0))
    folder.keep("late.json", receipt(made, version=2, received_at="2018-09-20T00:00:00Z"))
    folder.keep("gone.json", [receipt(made, application=gone)])
    folder.keep("withdrawn.json", receipt(made, application=gone, version=2, withdrawn=True))
    code, told = folder.told(made)
    assert code == 0
    assert "is older than version 1" in told["older.json"]["says"][1]
    assert "came after the close" in told["late.json"]["says"][1]
    assert "it was withdrawn" in told["gone.json"]["says"][1]
    assert told["withdrawn.json"]["checked"]


def test_every_epoch_s_commitment_is_wanted_once_one_is_known(folder: Folder) -> None:
    made = true("admitted")
    folder.keep("first.json", made.event("InputsCommitted", 1))
    code, told = folder.told(made)
    assert code == 1
    assert any("none that you hold" in line for line in told[""]["differs"])
    folder.keep("second.json", made.event("InputsCommitted", 2))
    assert folder.told(made)[0] == 0


def test_what_was_published_of_an_earlier_epoch_is_no_contradiction(folder: Folder) -> None:
    made = true("admitted")
    for number, body in enumerate((*made.events("InputsCommitted"), *made.events("SelectionProposed"))):
        folder.keep(f"{number}.json", body)
    first = made.event("SelectionProposed", 1)
    roots = {"commitment": first["commitment_root"], "selection": first["selection_root"]}
    folder.keep("notice.json", notice(made, "published", roots))
    code, told = folder.told(made)
    assert (code, told[""]["differs"]) == (0, [])
    assert "backs: the selection root of epoch 1" in told["notice.json"]["checked"]


def test_terms_that_were_amended_since_are_no_contradiction(folder: Folder) -> None:
    made = true()
    folder.keep("announced.json", made.event("RoundAnnounced"))
    code, told = folder.told(made)
    assert (code, told[""]["differs"]) == (0, [])
    assert "nobody's copy backs the announcement root" in told[""]["not_checked"], "which stands since the amendment"


def test_what_nobody_s_copy_backs_is_named(folder: Folder) -> None:
    made = true()
    folder.keep("announced.json", announced(made))
    _, told = folder.told(made)
    for root in ("commitment root of epoch 1", "selection root of epoch 1", "shown root of epoch 1"):
        assert f"nobody's copy backs the {root}" in told[""]["not_checked"]
    assert not any("the announcement root" in line for line in told[""]["not_checked"])


def test_a_pack_backs_its_roots(folder: Folder) -> None:
    rounds = make_round(5, 2, 11, {"places": 1, "reserve": 1}, varied=True)
    made, pack = true("draw"), make_pack(rounds)
    folder.keep("pack.json", pack)
    _, told = folder.told(made)
    assert any("`firstbuy verify pack` does" in line for line in told["pack.json"]["says"])
    assert "the commitment root" in " ".join(told["pack.json"]["checked"] + told["pack.json"]["differs"])


def test_other_rounds_and_audit_heads_say_nothing_of_it(folder: Folder) -> None:
    made = true()
    head = {"service": "selection", "count": 1, "head": OTHER, "previous_head": OTHER, "key_id": "x", "signature": "y"}
    folder.keep("other.json", receipt(made, round="2019-h1"))
    folder.keep("head.json", head | {"institution": "kepco"})
    code, told = folder.told(made)
    assert code == 0
    assert told["other.json"]["says"] == ["1 of 1 say nothing of this round"]
    assert "it backs that log, not the bundle; `firstbuy audit verify --heads`" in told["head.json"]["says"][0]


HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "binary": bytes(range(256)) * 50,
    "no-json": b"{",
    "deep": b"[" * 100_000,
    "nested": b"[" * 500 + b"]" * 500,
    "long-number": b'{"round": ' + b"9" * 5000 + b"}",
    "nan": b'{"round": NaN}',
    "scalar": b"7",
    "null": b"null",
    "unknown": b'{"round": "bundled", "some": "thing"}',
    "surrogate": b'{"service":"\\ud800\\u001b[31m","count":1,"head":"x","previous_head":"y"}',
    "half-read": b'{"round":"bundled","voided_at":1}\nno json\n',
    "types": b'[{"institution":1,"round":"bundled","turn":[],"roots":7},{"institution":1,"round":"bundled","turn":"x",'
    b'"roots":{"commitment":[]}}]',
    "proof": b'{"round":"bundled","epoch":{},"leaf":7,"bucket":0,"bucket_path":1,"manifest_path":2,"manifest_root":3}',
    "proof-of-1": b'{"round":"bundled","epoch":1,"leaf":[],"bucket":0,"bucket_path":1,"manifest_path":2,'
    b'"manifest_root":3}',
    "pack": b'{"pack":1,"round":{"round":"bundled"},"commitments":7,"result":[],"application":{}}',
    "receipt": b'{"round":"bundled","application":[],"version":{},"payload_hash":0,"nonce":0,"received_at":0,'
    b'"withdrawn":0}',
    "receipt-moment": b'{"round":"bundled","application":"a","version":1,"payload_hash":"b","nonce":"c",'
    b'"received_at":"2018-08-20T07:49:12","withdrawn":false}',
    "cloud": b'{"type":"kr.firstbuy.InputsCommitted.v1","data":[1]}',
    "of-no-kind": b'{"type":"kr.firstbuy.Nothing.v1","data":{}}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_copy_is_named_and_passed_over(folder: Folder, name: str) -> None:
    made = true()
    folder.keep(name, HOSTILE[name])
    code, told = folder.told(made)
    assert code in (0, 1)
    assert told[name]["says"] or told[name]["differs"]
    assert told[name]["checked"] == []
    shown = folder.verify(made)
    assert "\x1b" not in shown.output
    assert shown.exit_code == code


def test_places_that_are_no_files_are_named(folder: Folder) -> None:
    made = true()
    folder.keep("good.json", published(made))
    (folder.kept / "loop").symlink_to(folder.kept)
    (folder.kept / "itself").symlink_to(folder.kept / "itself")
    (folder.kept / "nowhere").symlink_to(folder.kept / "nothing")
    (folder.kept / "bundle").symlink_to(folder.path / "result.jsonl")
    os.mkfifo(folder.kept / "pipe")
    with (folder.kept / "huge").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    code, told = folder.told(made)
    assert code == 0
    for name in ("loop", "itself", "nowhere", "bundle", "pipe", "huge"):
        assert told[name]["says"][0].startswith("not read: "), name
    assert told["bundle"]["says"] == ["not read: it is the bundle itself"]


def test_another_bundle_backs_none(folder: Folder) -> None:
    made = true()
    folder.keep("copy.jsonl", made.written())
    code, told = folder.told(made)
    assert code == 0
    assert "it backs no other" in told["copy.jsonl"]["says"][0]
    assert told["copy.jsonl"]["checked"] == []


def test_a_file_that_is_no_bundle_is_told_so(folder: Folder) -> None:
    made = true()
    folder.keep("published.json", published(made))
    (folder.path / "result.jsonl").write_bytes(b"no bundle")
    command = ["verify", "evidence", str(folder.path / "result.jsonl"), "--kept", str(folder.kept)]
    assert CliRunner().invoke(assembled(), command).exit_code == 1


@pytest.mark.parametrize("content", [None, b""])
def test_a_folder_that_is_none_or_empty_is_asked_wrongly(folder: Folder, content: bytes | None) -> None:
    (folder.path / "result.jsonl").write_bytes(true().written())
    kept = folder.kept if content is not None else folder.kept / "nothing"
    command = ["verify", "evidence", str(folder.path / "result.jsonl"), "--kept", str(kept)]
    result = CliRunner().invoke(assembled(), command)
    assert result.exit_code in (1, 2)
    assert "--kept" in result.output


def test_a_line_for_people_says_what_each_backs(folder: Folder) -> None:
    made = true()
    folder.keep("published.json", published(made))
    output = " ".join(folder.verify(made).output.split())
    assert "✓ backs: the selection root of epoch 1" in output
    assert "nobody's copy backs the announcement root" in output


def test_a_token_is_known_by_its_hash(folder: Folder) -> None:
    made = true()
    stamp = made.event("CommitmentTimeStamped")
    roots = {"commitment": stamp["commitment_root"], "token": sha256(b64decode(stamp["token"])).hexdigest()}
    folder.keep("stamped.json", notice(made, "time-stamped", roots, occurred_at=stamp["stamped_at"]))
    code, told = folder.told(made)
    assert (code, told["stamped.json"]["differs"]) == (0, [])
    assert "backs: the token root of epoch 1" in told["stamped.json"]["checked"]
