"""A pack proves what it says by itself, nothing in it can be changed unnoticed, and its link opens only it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstbuy.verifying.packs import examined_pack
from services.selection.domain.matching import Result
from services.selection.domain.pack_links import opens_pack, pack_path
from services.selection.domain.releases import Freed
from shared.contracts.events import NotSelectedReason
from shared.contracts.findings import FindingOutcome
from shared.proof.canonical import canonical_json, payload_hash
from shared.proof.signing import ALGORITHM, PublicKey, Signer
from tests.support.bundles import QUICKNET, make_round
from tests.support.examples import examples
from tests.support.packs import SAID, SIGNER, make_pack, parts_of, placed, released, selected_in, signed, superseded
from tests.support.true_bundles import beacon

ROUND = make_round(60, 20)
PACK = make_pack(ROUND)
CONTENT = canonical_json(PACK)


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def led_to(leaf: bytes, index: int, size: int, path: list[str]) -> str:
    """RFC 9162 §2.1.3.2, written anew."""
    node, last, computed = index, size - 1, sha256(b"\0", leaf)
    for sibling in map(bytes.fromhex, path):
        if node & 1 or node == last:
            computed = sha256(b"\1", sibling, computed)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            computed = sha256(b"\1", computed, sibling)
        node, last = node >> 1, last >> 1
    assert last == 0
    return computed.hex()


@pytest.mark.parametrize("number", range(len(selected_in(ROUND))))
def test_who_has_nothing_but_sha256_follows_every_proof(number: int) -> None:
    pack = make_pack(ROUND, selected_in(ROUND)[number])
    (committed,) = pack["commitments"]
    roots = {"application": "applications_root", "verdict": "verdicts_root", "entry": "entries_root"}
    for name, root in roots.items():
        proof = pack["proofs"][name]
        leaf = json.dumps(proof["leaf"], separators=(",", ":"), ensure_ascii=False).encode()
        assert proof["bucket"] == sha256(proof["leaf"][0].encode())[0]
        bucket_root = led_to(leaf, proof["index"], proof["count"], proof["bucket_path"])
        assert led_to(bytes.fromhex(bucket_root), proof["bucket"], 256, proof["manifest_path"]) == committed[root]
    proof = pack["proofs"]["result"]
    leaf = json.dumps(proof["leaf"], separators=(",", ":")).encode()
    assert led_to(leaf, proof["index"], proof["count"], proof["path"]) == pack["result"]["selection_root"]
    drawn = pack["draw"]
    seed = sha256(f"firstbuy-seed-v1:{drawn['commitment_root']}:{drawn['value']['value']}".encode()).hex()
    ticket = sha256(f"{seed}:{pack['application']['application']}:{drawn['ticket']}".encode()).hex()
    assert ticket == drawn["key"] == proof["leaf"][3]


def test_a_true_pack_has_nothing_that_differs() -> None:
    for application in selected_in(ROUND):
        found = examined_pack(make_pack(ROUND, application))
        assert found.differs == []
        assert any("this product of this firm" in line for line in found.checked)
        assert any("two officers confirmed" in line for line in found.checked)


def test_whose_key_it_is_only_the_published_keys_say() -> None:
    published = [
        {"key_id": SIGNER.key.key_id, "algorithm": ALGORITHM, "public_key": SIGNER.key.public},
    ]
    assert any("whose key" in line for line in examined_pack(PACK).not_checked)
    found = examined_pack(PACK, published)
    assert found.differs == []
    assert f"key {SIGNER.key.key_id} is published" in found.checked
    forged = signed({name: value for name, value in PACK.items() if name != "signed"}, Signer(bytes(32)))
    assert examined_pack(forged).differs == [], "whoever signs it anew"
    assert any("no published" in line for line in examined_pack(forged, published).differs), "is found out"


@settings(max_examples=examples(150))
@given(data=st.data())
def test_one_bit_changed_anywhere_is_found(data: st.DataObject) -> None:
    content = bytearray(CONTENT)
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        changed = json.loads(content)
    except ValueError:
        return
    assert examined_pack(changed).differs


def another_winner(pack: dict[str, Any]) -> None:
    pack["result"]["position"] += 1


def cheaper(pack: dict[str, Any]) -> None:
    pack["application"]["facts"]["product"]["price_won"] -= 1


def another_firm(pack: dict[str, Any]) -> None:
    stated = pack["application"]
    stated["facts"]["applicant"]["name"] = "다른 기업"
    stated["payload_hash"] = payload_hash(stated["nonce"], stated["facts"])


def all_met(pack: dict[str, Any]) -> None:
    for finding in pack["verdict"]["findings"]:
        finding["outcome"] = FindingOutcome.PASS.value


def another_waiver(pack: dict[str, Any]) -> None:
    pack["policy"]["tracks"][0]["waivers"][0]["waives"].append("certificate")


def more_tickets(pack: dict[str, Any]) -> None:
    pack["entry"]["tickets"] += 1


def another_value(pack: dict[str, Any]) -> None:
    pack["draw"]["value"]["value"] = "1.2.3.4.5.6./"


def an_early_value(pack: dict[str, Any]) -> None:
    pack["draw"]["value"]["due_at"] = pack["commitments"][0]["committed_at"]


def another_ticket(pack: dict[str, Any]) -> None:
    pack["draw"]["ticket"] = pack["draw"]["ticket"] % pack["draw"]["tickets"] + 1


def another_award(pack: dict[str, Any]) -> None:
    award = pack["result"]["awards"][0]
    award["quantity"], award["amount_won"] = award["quantity"] + 1, award["amount_won"] * 2


def one_officer(pack: dict[str, Any]) -> None:
    pack["confirmation"]["actors"] = pack["confirmation"]["actors"][:1] * 2


def another_root(pack: dict[str, Any]) -> None:
    pack["commitments"][0]["pledges_root"] = "ab" * 32


def another_bucket(pack: dict[str, Any]) -> None:
    pack["proofs"]["verdict"]["bucket"] ^= 1


def a_shorter_path(pack: dict[str, Any]) -> None:
    del pack["proofs"]["result"]["path"][0]


def nothing_of_the_draw(pack: dict[str, Any]) -> None:
    del pack["draw"]


def no_list(pack: dict[str, Any]) -> None:
    pack["proofs"]["entry"]["bucket_path"] = 7


Forgery = Callable[[dict[str, Any]], None]
FORGERIES: tuple[Forgery, ...] = (
    another_winner,
    cheaper,
    another_firm,
    all_met,
    another_waiver,
    more_tickets,
    another_value,
    an_early_value,
    another_ticket,
    another_award,
    one_officer,
    another_root,
    another_bucket,
    a_shorter_path,
    nothing_of_the_draw,
    no_list,
)


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_what_is_forged_is_found_though_it_is_signed_anew(forge: Forgery) -> None:
    """Whoever has the key still has to come to what was published."""
    pack = {name: value for name, value in json.loads(CONTENT).items() if name != "signed"}
    forge(pack)
    differs = examined_pack(signed(pack)).differs
    assert differs
    assert not any("did not sign" in line for line in differs)


def test_roots_of_one_s_own_are_compared() -> None:
    held = {"commitment": PACK["commitments"][0]["commitment_root"], "selection": "cd" * 32}
    found = examined_pack(PACK, held=held)
    assert found.differs == [f"roots: the selection root is {PACK['result']['selection_root']}, you hold {'cd' * 32}"]


@pytest.mark.parametrize("stated", [None, [], {}, {"pack": "firstbuy-pack-v9"}, {"pack": "firstbuy-pack-v1"}])
def test_what_is_no_pack_is_said_to_be_none(stated: Any) -> None:
    assert examined_pack(stated).differs


def test_a_beacon_s_value_is_held_against_its_signature() -> None:
    value = beacon([QUICKNET])
    made = make_round(sources=(QUICKNET,), recorded=value)
    pack = make_pack(made)
    assert examined_pack(pack).differs == []
    pack["draw"]["value"]["signature"] = "ab" * 96
    assert any("not SHA-256 of its signature" in line for line in examined_pack(pack).differs)


def test_who_is_not_selected_any_more_is_said_to_be() -> None:
    application = selected_in(ROUND)[0]
    gone = make_pack(ROUND, application, superseded=superseded(None))
    assert (gone["superseded_by"]["epoch"], gone["superseded_by"]["result"]) == (2, None)
    reserve = next(line for line in ROUND.proposal.lines if line.placement.result is Result.RESERVE)
    now = make_pack(ROUND, application, superseded=superseded(placed(reserve, 9)))
    assert (now["superseded_by"]["result"], now["superseded_by"]["awards"]) == ("reserve", [])
    for pack in (gone, now):
        found = examined_pack(pack)
        assert found.differs == []
        assert any("epoch 2 superseded it" in line for line in found.checked)


FREED = Freed({selected_in(ROUND)[0]: NotSelectedReason.GIVEN_UP}, frozenset({ROUND.requests[0]["request"]}))
RELEASED = released(ROUND, FREED)


def test_who_was_selected_by_a_batch_has_its_path_to_the_batchs_root() -> None:
    assert RELEASED
    for application, changed in RELEASED.items():
        pack = make_pack(ROUND, application, **changed)
        assert pack["result"]["result"] == "selected"
        found = examined_pack(pack)
        assert found.differs == []
        assert any("two officers opened batch 1" in line for line in found.checked)
        proof = pack["proofs"]["release"]
        leaf = json.dumps(proof["leaf"], separators=(",", ":")).encode()
        assert led_to(leaf, proof["index"], proof["count"], proof["path"]) == pack["release"]["batch_root"]


@pytest.mark.parametrize(
    ("name", "value"), [("batch_root", "ab" * 32), ("before", {"result": "not-selected", "awards": []}), ("batch", 2)]
)
def test_a_forged_batch_in_a_pack_is_found(name: str, value: Any) -> None:
    application = next(iter(RELEASED))
    pack = {key: one for key, one in make_pack(ROUND, application, **RELEASED[application]).items() if key != "signed"}
    pack["release"][name] = value
    assert examined_pack(signed(pack)).differs


def test_the_same_result_gives_the_same_bytes() -> None:
    assert canonical_json(make_pack(ROUND)) == CONTENT


def test_findings_are_told_in_both_languages_with_the_ground_of_each_waiver() -> None:
    told = PACK["findings_in_words"]
    assert len(told["ko"]) == len(told["en"]) == len(PACK["verdict"]["findings"])
    for finding, korean, english in zip(PACK["verdict"]["findings"], told["ko"], told["en"], strict=True):
        assert (korean["outcome"] == "면제") is (english["outcome"] == "waived") is (finding["outcome"] == "waived")
        assert bool(korean["waived_by"]) is (finding["outcome"] == "waived")
        if (finding["margin"] or 0) > 0:
            assert korean["margin"].endswith("여유")
            assert english["margin"].endswith("to spare")


def test_what_a_registry_said_stands_beside_the_rule_it_was_asked_for() -> None:
    committed = parts_of(ROUND, selected_in(ROUND)[0]).committed
    pack = make_pack(ROUND, committed=replace(committed, evidence=[SAID]))
    rows = {row["rule"]: row["registries"] for row in pack["findings_in_words"]["ko"]}
    assert rows.pop("영업 상태") == ["국세청 (NTS) 2018-09-15 조회 결과: 계속사업자"]
    assert not any(rows.values())
    assert examined_pack(pack).differs == []


ID, OTHER = "7d1c3b0e-52f4-4c8e-9b51-2f6f0a7be101", "7d1c3b0e-52f4-4c8e-9b51-2f6f0a7be102"


def key_of(path: str) -> str:
    return path.partition("?key=")[2]


def test_a_link_opens_its_own_pack_and_no_other() -> None:
    path = pack_path(SIGNER, "2018-h2", ID)
    assert path.startswith(f"/rounds/2018-h2/packs/{ID}?key=")
    assert pack_path(SIGNER, "2018-h2", ID) == path
    assert opens_pack(key_of(path), "2018-h2", ID, [SIGNER.key])
    assert not opens_pack(key_of(path), "2018-h2", OTHER, [SIGNER.key])
    assert not opens_pack(key_of(path), "2019-q1", ID, [SIGNER.key])


def test_a_link_outlives_the_key_that_made_it_while_that_is_published() -> None:
    key, later = key_of(pack_path(SIGNER, "2018-h2", ID)), Signer(bytes(32))
    assert opens_pack(key, "2018-h2", ID, [later.key, SIGNER.key])
    assert not opens_pack(key, "2018-h2", ID, [later.key])
    assert not opens_pack(key, "2018-h2", ID, [])


@given(st.data())
def test_a_key_with_anything_changed_opens_nothing(data: st.DataObject) -> None:
    key = key_of(pack_path(SIGNER, "2018-h2", ID))
    place = data.draw(st.integers(0, len(key) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_=+/ ").filter(lambda sign: sign != key[place]))
    altered = data.draw(st.sampled_from([key[:place] + other + key[place + 1 :], key[:place], key + other, ""]))
    assert not opens_pack(altered, "2018-h2", ID, [SIGNER.key])


def test_what_a_key_signs_beside_links_opens_nothing() -> None:
    """Signatures of heads and packs are public; none of them is a key."""
    for document in ({"round": "2018-h2", "application": ID}, {"purpose": "another", "round": "2018-h2"}):
        assert not opens_pack(SIGNER.sign(dict(document)), "2018-h2", ID, [SIGNER.key])
    assert not opens_pack(PACK["signed"]["signature"], "2018-h2", ID, [PublicKey(SIGNER.key.public)])
