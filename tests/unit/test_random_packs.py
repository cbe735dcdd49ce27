"""Random lies about true packs of every kind, by the operator: who has the key, and computes every hash again. Each is
refused by the pack alone or by the roots that somebody holds, or is about a member that nothing binds.

`make soak` tells thousands of each kind and level. A failure names its seed.
"""

import json
import re
from copy import deepcopy
from random import Random
from typing import Any, Final

import pytest

from firstbuy.verifying.packs import examined_pack
from tests.support.examples import ORDINARY, SETTING, examples
from tests.support.lies import HOSTILE, OTHER_TYPES, UNSEEN, change_a_member
from tests.support.pack_forger import KINDS, Level, Pack, followed, held, true_pack, unsigned
from tests.support.packs import signed
from tests.support.unbound import paths_between

LIES: Final = 12 if SETTING <= ORDINARY else examples(56)
"""Of a kind and a level: in all 20,000 where the setting is 1000."""
UNBOUND: Final = {
    r"\.(legal_note|limits|findings_in_words).*": "words of ours of another version, which it says it does not check",
    r"\.(confirmation|release\.opened|release\.confirmation)\.(reason|actors(\[\])?(\.name)?)": (
        "who acted, and their words: the hash-chained log of acts and its signed heads have it"
    ),
    r".*\.(?!said)[a-z]+_at": (
        "moments by the programme's own clock, in order: a time-stamp and the copies of institutions date them"
    ),
    r"\.round\.(title|unattended|series|cut|rehearsal)|\.draw\.(lead_seconds|source.*)": (
        "what was announced: a pack has not all that its root is made of, a bundle has"
    ),
    r"\.draw\.value\.(source|beacon_round|signature)": "of which announced source the value is, which the seed binds",
    r"\.commitments\[\]\.timestamp.*": "the token says it: `--ca` reads it",
    r"\.verdict\.evidence.*": "what registries said: it stands on registry-answers.v1, and findings rest on it",
    r"\.result\.(standing|selected|reserve|not_selected)": "of others: a bundle has them",
    r".*\.institution_name": "names from the office's register; the code is bound",
    r"\.superseded_by.*": "a newer result: its own pack shows it, the newest is to be asked for",
    r"\.release\.(batch|confirmation\.batch(_root)?)": "its number, and which later batch's confirmation it was",
    r"\.release\.(state_hash|promoted|changed|withdrawn)": "what a batch gave to others: a bundle gives it out again",
}
"""Members of which neither the pack nor a root that somebody holds says anything, and why; `LEVEL: ` before it: at that
level alone."""


def plain(value: Any) -> Any:
    """Without halves of signs, which have no hash."""
    return json.loads(json.dumps(value).replace(r"\ud800", "?"))


def lied(random: Random, true: Pack) -> tuple[Pack, str]:
    made = unsigned(true)
    told = []
    for _ in range(random.choice((1, 1, 1, 1, 2, 3))):
        member = random.choice([one for one in made if one not in ("pack", "findings_in_words")] + ["commitments"])
        other = true_pack(random.choice(sorted(KINDS)))
        if random.random() < 0.1:
            made[member] = deepcopy(other[member])
            told.append(f".{member} of another")
        elif isinstance(made[member], (dict, list)):
            told.append(f".{member}" + change_a_member(random, made[member], [other[member]]))
            made = deepcopy(made)  # a list that a lie puts in is the same one in every lie
        else:
            made[member] = deepcopy(random.choice((*OTHER_TYPES, 1, 2, other[member])))
            told.append(f".{member} is {str(made[member])[:60]!r}")
    return made, " and ".join(told)


def signed_or_not(pack: Pack) -> Pack:
    """What has no canonical form can't be signed."""
    try:
        return signed(pack)
    except (ValueError, RecursionError):
        return {**pack, "signed": true_pack("draw")["signed"]}


def accepted(true: Pack, forged: Pack, level: Level) -> list[str]:
    """Where a forged pack differs from the true one, if nothing refuses it; members that nothing binds left out."""
    if examined_pack(forged).differs or examined_pack(forged, held=held(true)).differs:
        return []
    paths = set(paths_between(plain(unsigned(true)), plain(unsigned(forged))))
    where = ("", f"{level.name}: ")
    return sorted(
        path for path in paths if not any(re.fullmatch(form, f"{one}{path}") for form in UNBOUND for one in where)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_true_packs_of_every_kind_pass(kind: str) -> None:
    true = true_pack(kind)
    assert examined_pack(true, held=held(true)).differs == []
    assert followed(true, Level.CHANCE) == unsigned(true)


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_in_the_place_of_any_member_breaks_it(value: Any) -> None:
    true = true_pack("batch")
    stands = {name: one for name, one in true.items() if name != "signed"}
    keys = [{"key_id": value, "algorithm": value, "public_key": value}]
    for name, stated in stands.items():
        if name in ("findings_in_words", "legal_note", "limits"):
            continue
        others = {name: value} if value is not None or name != "superseded_by" else {"epoch": value}
        assert examined_pack(signed_or_not(stands | others)).differs, name
        for member in stated if isinstance(stated, dict) else ():
            if (name, member, value) != ("verdict", "evidence", None):
                forged = signed_or_not(stands | {name: stated | {member: value}})
                assert examined_pack(forged, keys).differs, (name, member)
    for member in true["signed"]:
        assert examined_pack(true | {"signed": true["signed"] | {member: value}}).differs, member


def test_one_officer_under_two_spellings_confirms_nothing() -> None:
    """Nor does an operator, nor the clock, nor three."""
    true = true_pack("batch")
    first, second = true["confirmation"]["actors"]
    others = [first | {"name": "".join((first["name"], unseen))} for unseen in UNSEEN[:7]]
    acts = [[first, other] for other in others]
    acts += [[first, second | {"role": "system"}], [first], [first, second, second | {"name": "third"}], []]
    for actors in acts:
        for part, inner in (("confirmation", None), ("release", "opened"), ("release", "confirmation")):
            pack = unsigned(true)
            act = pack[part] if inner is None else pack[part][inner]
            act["actors"] = actors
            assert any("by two officers" in line for line in examined_pack(signed(pack)).differs), (part, actors)


@pytest.mark.parametrize("name", ["commitment", "selection", "batch"])
def test_every_root_that_is_held_is_compared(name: str) -> None:
    true = true_pack("batch")
    found = examined_pack(true, held=held(true) | {name: "0" * 64})
    assert [line.partition(" is ")[0] for line in found.differs] == [f"roots: the {name} root"]


@pytest.mark.soak
@pytest.mark.parametrize("level", list(Level), ids=lambda level: level.name.lower())
@pytest.mark.parametrize("kind", KINDS)
def test_a_lie_is_refused_or_about_what_nothing_binds(kind: str, level: Level) -> None:
    true, found = true_pack(kind), []
    for number in range(LIES):
        seed = f"{kind} {level.name} {number}"
        forged, told = lied(Random(seed), true)  # noqa: S311 -- the same lies in every run
        if paths := accepted(true, signed_or_not(followed(forged, level)), level):
            found.append(f"{seed}: {told}: {paths}")
    assert found == []
