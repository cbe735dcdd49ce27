"""Random lies about true receipts, proofs and manifests, every hash computed again by who has no key: each is refused,
or about a member that nothing binds. `make soak` tells thousands of each."""

import json
import re
from copy import deepcopy
from random import Random
from typing import Any, Final

import pytest

from firstbuy.verifying.receipts import examined_proof, examined_receipt
from shared.proof.canonical import json_hash
from tests.support.examples import ORDINARY, SETTING, examples
from tests.support.holdings import FACTS, KEYS, SIGNERS, Record, counted_again, led_again, proof, receipts, swapped
from tests.support.lies import HOSTILE, OTHER_TYPES, change_a_member
from tests.support.unbound import paths_between

LIES: Final = 160 if SETTING <= ORDINARY else examples(2000)
"""About each kind: in all 20,000 where the setting is 1000."""
UNBOUND: Final = {
    r"receipt\.(token|read_as|warnings).*": "stands beside what is signed: the applicant's own secret, and remarks",
    r"manifest\.(actors|reason|frozen_at|closes_at|requests).*": "of the freeze, nothing of the applications' set",
    r"manifest\.(note|unattended|pledges|score)": "another member of the freeze",
    r"manifest\.applications\.counts\[\]": (
        "how many stand in two other buckets, as many as before in all: roots are made of what stands, not of counts"
    ),
}
"""Members of which neither a signature nor a root says anything, and why."""
TRUE: Final = receipts()
PROOFS: Final = [proof(number) for number in (0, 3, 350)] + [proof(0, 1)]


def rolled(seed: int) -> Random:
    return Random(seed)  # noqa: S311 -- the same lies in every run


def plain(value: Any) -> Any:
    """Without halves of signs, which have no hash."""
    return json.loads(json.dumps(value).replace(r"\ud800", "?"))


def untold(what: str, true: Any, told: Any) -> list[str]:
    """Members that differ and that nothing in UNBOUND allows."""
    paths = [f"{what}{path}" for path in paths_between(plain(true), plain(told))]
    return sorted(path for path in paths if not any(re.fullmatch(form, path) for form in UNBOUND))


def lied(random: Random, true: Record, likes: list[Record]) -> tuple[Record, str]:
    made = deepcopy(true)
    if likes and random.random() < 0.2:
        return made, swapped(random, made, random.choice(likes))
    told = []
    for _ in range(random.choice((1, 1, 1, 2))):
        told.append(change_a_member(random, made, likes))
        made = deepcopy(made)  # a list that a lie puts in is the same one in every lie
    return made, " and ".join(told)


def test_true_receipts_and_proofs_pass() -> None:
    for receipt in TRUE:
        assert examined_receipt(receipt, KEYS, {"facts": FACTS}).differs == []
    for made, frozen, mine in PROOFS:
        assert examined_proof(made, frozen, mine).differs == []
        assert examined_proof(made, frozen | {"round": made["round"]}, mine).not_checked == []


@pytest.mark.soak
def test_a_lie_about_a_receipt_is_refused() -> None:
    accepted = []
    for seed in range(LIES):
        random = rolled(seed)
        true = random.choice(TRUE)
        forged, told = lied(random, true, [one for one in TRUE if one is not true])
        if not examined_receipt(forged, KEYS).differs and untold("receipt", true, forged):
            accepted += [] if forged in TRUE else [f"{seed}: {told}"]
    assert accepted == []


@pytest.mark.soak
def test_a_lie_about_the_facts_is_refused() -> None:
    accepted = []
    for seed in range(LIES // 4):
        random = rolled(seed)
        facts, told = lied(random, FACTS, [])
        same = json_hash_or_none(facts) == json_hash(FACTS)
        if not same and not examined_receipt(random.choice(TRUE), KEYS, {"facts": facts}).differs:
            accepted.append(f"{seed}: {told}")
    assert accepted == []


@pytest.mark.soak
@pytest.mark.parametrize("led", [False, True])
def test_a_lie_about_a_proof_is_refused_by_the_manifest(led: bool) -> None:
    accepted = []
    for seed in range(LIES):
        random = rolled(seed)
        true, frozen, mine = random.choice(PROOFS)
        forged, told = lied(random, true, [one for one, _, _ in PROOFS if one is not true])
        forged = led_again(forged) if led else forged
        if untold("proof", true, forged) and not examined_proof(forged, frozen, mine).differs:
            accepted.append(f"{seed}: {told}")
    assert accepted == []


@pytest.mark.soak
@pytest.mark.parametrize("counted", [False, True])
def test_a_lie_about_the_manifest_is_refused_by_the_proof(counted: bool) -> None:
    accepted = []
    for seed in range(LIES):
        random = rolled(seed)
        true, frozen, mine = random.choice(PROOFS)
        forged = deepcopy(frozen)
        holder = random.choice((forged, forged["applications"], forged["applications"]))
        told = change_a_member(random, holder, [])
        forged = counted_again(forged) if counted else forged
        paths = untold("manifest", frozen, forged)
        if counted and forged.get("applications") != frozen["applications"]:
            paths = [path for path in paths if path != "manifest.applications.count"]
        found = examined_proof(true, forged, mine)
        unsaid = any("it does not name its round" in line for line in found.not_checked)
        if not found.differs and paths != (["manifest.round"] if unsaid else []):
            accepted.append(f"{seed}: {told}")
    assert accepted == []


@pytest.mark.soak
def test_a_lie_about_the_receipt_beside_a_proof_is_refused() -> None:
    accepted = []
    for seed in range(LIES // 4):
        random = rolled(seed)
        true, frozen, mine = random.choice(PROOFS)
        forged, told = lied(random, mine, [one for _, _, one in PROOFS])
        added = forged.keys() - mine.keys()
        paths = untold("mine", mine, {name: one for name, one in forged.items() if name not in added})
        if paths and (paths != ["mine.round"] or "round" in forged):
            accepted += [] if examined_proof(true, frozen, forged).differs else [f"{seed}: {told}"]
    assert accepted == []


def json_hash_or_none(value: Any) -> str | None:
    try:
        return json_hash(value)
    except (ValueError, TypeError):
        return None


MEMBERS: Final = ("round", "application", "version", "received_at", "nonce", "payload_hash", "withdrawn")


@pytest.mark.parametrize("name", [*MEMBERS, "contested", "identity"])
@pytest.mark.parametrize("value", OTHER_TYPES, ids=repr)
def test_no_key_makes_a_receipt_of_what_has_another_shape(name: str, value: Any) -> None:
    """Whoever signs it."""
    stated = {member: TRUE[0][member] for member in MEMBERS} | {name: value}
    if name in ("withdrawn", "contested") and type(value) is bool:
        return
    try:
        signature = SIGNERS[0].sign(stated)
    except ValueError:
        signature = TRUE[0]["signature"]
    forged = stated | {"key_id": SIGNERS[0].key.key_id, "signature": signature}
    assert examined_receipt(forged, KEYS).differs


def test_a_receipt_with_more_than_is_known_is_refused() -> None:
    stated = {member: TRUE[0][member] for member in MEMBERS} | {"selected": True}
    forged = stated | {"key_id": SIGNERS[0].key.key_id, "signature": SIGNERS[0].sign(stated)}
    assert any("'selected' is no member" in line for line in examined_receipt(forged, KEYS).differs)


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_in_the_place_of_any_member_breaks_it(value: Any) -> None:
    made, frozen, mine = PROOFS[0]
    for name in TRUE[0]:
        if value is not TRUE[0][name]:
            found = examined_receipt(TRUE[0] | {name: value}, KEYS, {"facts": FACTS})
            assert found.differs or name in ("token", "read_as")
    assert examined_receipt(TRUE[0], KEYS, {"facts": value}).differs
    for name in made:
        assert examined_proof(made | {name: value}, frozen, mine).differs, name
    for name in frozen["applications"]:
        spoiled = frozen | {"applications": frozen["applications"] | {name: value}}
        assert examined_proof(made, spoiled, mine).differs, name
    examined_receipt(TRUE[0], [{"key_id": value, "algorithm": value, "public_key": value}])
