"""A forger of packs who has the signing key: what was changed is followed up by every hash that comes after it, and all
of it is signed anew. `Level` says how far it goes."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from enum import IntEnum
from functools import cache
from typing import Any

from services.intake.domain.sources import rehearsed_value
from services.selection.domain.commitment import Commitment
from services.selection.domain.draw import draw_key, seed_of
from services.selection.domain.pack_result import winning_ticket
from services.selection.domain.pack_words import findings_in_words, waivers_of
from services.selection.domain.releases import Freed
from services.selection.domain.status import status_until
from shared.contracts.events import Language, NotSelectedReason
from shared.contracts.policy import POLICY
from shared.proof.canonical import canonical_json, findings_hash, json_hash, payload_hash
from shared.proof.merkle import BUCKETS, bucket_of, root_of_path
from tests.support.bundles import QUICKNET, make_round
from tests.support.packs import SAID, make_pack, parts_of, released, selected_in, signed, superseded
from tests.support.true_bundles import MAP, REHEARSAL, beacon

Pack = dict[str, Any]
MOST_TICKETS = 1000
"""As the format has it."""


class Level(IntEnum):
    """Up to where hashes are made right again; each with those before it."""

    SIGNED = 0
    HASHES = 1
    """Policy, payload, findings; and the words."""
    COMMITMENT = 2
    """Leaves, paths, the roots over them and the commitments."""
    CHANCE = 3
    """Seed, key, ticket, the selection and the batch."""


def unsigned(pack: Pack) -> Pack:
    return {name: deepcopy(value) for name, value in pack.items() if name != "signed"}


def held(pack: Pack) -> dict[str, str]:
    """The roots that an institution holds of it."""
    own = next(commitment for commitment in pack["commitments"] if commitment["epoch"] == pack["epoch"])
    roots = {"commitment": own["commitment_root"], "selection": pack["result"]["selection_root"]}
    return roots | ({"batch": pack["release"]["batch_root"]} if pack["release"] else {})


def followed(pack: Pack, level: Level) -> Pack:
    """What can't be computed with stays as it is. Unsigned."""
    made = unsigned(pack)
    for step in (_hashes, _commitments, _chance)[:level]:
        try:
            step(made)
        except (LookupError, TypeError, ValueError, AttributeError, StopIteration, OverflowError):
            return made
    return made


def _hashes(made: Pack) -> None:
    stated, verdict, policy = made["application"], made["verdict"], made["policy"]
    policy_hash = json_hash(policy)
    made["round"]["policy_hash"] = verdict["policy_hash"] = policy_hash
    for commitment in made["commitments"]:
        commitment["policy_hash"] = policy_hash
    verdict["as_of"] = policy["as_of"]
    if stated["nonce"] is not None:
        stated["payload_hash"] = payload_hash(stated["nonce"], stated["facts"])
    verdict["findings_hash"] = findings_hash(verdict | {"nonce": stated["nonce"]})
    waivers = waivers_of(policy, stated["facts"]["track"])
    made["findings_in_words"] = {
        language.value: findings_in_words(verdict["findings"], verdict["evidence"], waivers, language)
        for language in Language
    }


def _commitments(made: Pack) -> None:
    stated, verdict, entry = made["application"], made["verdict"], made["entry"]
    stands = [stated[name] for name in ("application", "version", "payload_hash")]
    leaves = {
        "application": stands,
        "verdict": [*stands, verdict["epoch"], verdict["outcome"], verdict["findings_hash"]],
        "entry": [stands[0], verdict["outcome"], entry["tickets"], entry["score"]],
    }
    for name, leaf in leaves.items():
        proof = made["proofs"][name]
        proof |= {"leaf": leaf, "bucket": bucket_of(leaf[0])}
        led = root_of_path(canonical_json(leaf), proof["index"], proof["count"], _nodes(proof["bucket_path"]))
        proof["bucket_root"] = (led or b"").hex()
        above = root_of_path(led or b"", proof["bucket"], BUCKETS, _nodes(proof["manifest_path"]))
        proof["manifest_root"] = (above or b"").hex()
    for commitment in made["commitments"]:
        if commitment["epoch"] == made["epoch"]:
            for name, root in (("application", "applications"), ("verdict", "verdicts"), ("entry", "entries")):
                commitment[f"{root}_root"] = made["proofs"][name]["manifest_root"]
        commitment["commitment_root"] = Commitment(**{name: commitment[name] for name in Commitment.__slots__}).root
    made["confirmation"]["commitment_root"] = _commitment(made, made["epoch"])
    made["draw"]["commitment_root"] = _commitment(made, entry["drawn_under"])


def _chance(made: Pack) -> None:
    drawn, result, release = made["draw"], made["result"], made["release"]
    application, tickets = made["application"]["application"], made["entry"]["tickets"]
    if not 0 < tickets <= MOST_TICKETS:
        raise ValueError("so many are never drawn")
    drawn["seed"], drawn["tickets"] = seed_of(drawn["commitment_root"], drawn["value"]["value"]), tickets
    drawn["key"] = draw_key(drawn["seed"], application, tickets).hex()
    drawn["ticket"] = winning_ticket(drawn["seed"], application, tickets, drawn["key"])
    proposed = release["before"] if release else result
    leaf = [application, proposed["result"], result["position"], drawn["key"], _awards(proposed)]
    result["selection_root"] = _led(made["proofs"]["result"], leaf)
    made["confirmation"]["selection_root"] = result["selection_root"]
    if release:
        release["opened"]["selection_root"] = result["selection_root"]
        root = release["batch_root"]
        release["batch_root"] = _led(made["proofs"]["release"], [application, "selected", None, _awards(result)])
        if release["confirmation"]["batch_root"] == root:
            release["confirmation"]["batch_root"] = release["batch_root"]


def _led(proof: dict[str, Any], leaf: list[Any]) -> str:
    proof["leaf"] = leaf
    led = root_of_path(canonical_json(leaf), proof["index"], proof["count"], _nodes(proof["path"]))
    proof["root"] = (led or b"").hex()
    return str(proof["root"])


def _awards(of: dict[str, Any]) -> list[list[Any]]:
    return [[award["request"], award["quantity"], award["amount_won"]] for award in of["awards"]]


def _nodes(path: list[str]) -> list[bytes]:
    return [bytes.fromhex(node) for node in path]


def _commitment(made: Pack, epoch: int) -> str:
    return next(
        str(commitment["commitment_root"]) for commitment in made["commitments"] if commitment["epoch"] == epoch
    )


# True packs of every kind


def draw() -> Pack:
    return make_pack(make_round(40, 12))


def scored() -> Pack:
    return make_pack(make_round(40, 12, scored=True))


def drand() -> Pack:
    return make_pack(make_round(40, 12, sources=[QUICKNET], recorded=beacon([QUICKNET])))


def rehearsal() -> Pack:
    value = {"source": "rehearsal", "value": rehearsed_value(str(MAP["seed"]), "bundled")}
    return make_pack(make_round(40, 12, sources=[REHEARSAL], recorded=value, rehearsal=MAP))


def stamped() -> Pack:
    """With a time-stamp and what registries said, in a round that is final for a while."""
    made = make_round(40, 12)
    stated = next(event for event in made.events if event.type == "InputsCommitted").body
    stamp = {"authority": "authority.example", "token": "TVRJeg==", "stamped_at": "2018-09-15T01:00:03Z"}
    parts = parts_of(made, selected_in(made)[1])
    committed = replace(parts.committed, evidence=[SAID])
    return make_pack(made, selected_in(made)[1], committed=committed, stamps={stated["commitment_root"]: stamp})


def batch() -> Pack:
    made = make_round(40, 12)
    leaving = {selected_in(made)[0]: NotSelectedReason.GIVEN_UP}
    after = released(made, Freed(leaving, frozenset({made.requests[0]["request"]})))
    application = next(iter(after))
    return make_pack(made, application, **after[application])


def newer() -> Pack:
    made = make_round(40, 12)
    return make_pack(made, superseded=superseded(parts_of(made, selected_in(made)[0]).placed))


def rolling() -> Pack:
    """A cut of a series, whose status ends."""
    pack = unsigned(draw())
    pack["policy"]["rolling"] = {"every_months": 3, "status_months": 12}
    pack["round"] |= {"series": "rolling", "cut": 2}
    until = status_until(POLICY.validate_python(pack["policy"]), datetime.fromisoformat("2018-09-27T05:30:00Z"))
    assert until is not None
    pack["result"]["status_until"] = until.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return signed(followed(pack, Level.CHANCE))


def second() -> Pack:
    """Of a second epoch, in which it draws under the first."""
    pack = unsigned(draw())
    (first,) = pack["commitments"]
    pack["epoch"] = 2
    later = first | {"epoch": 2, "committed_at": "2018-09-21T00:00:00Z"}
    pack["commitments"] = [first | {"requests_root": "ab" * 32}, later]
    return signed(followed(pack, Level.CHANCE))


KINDS: dict[str, Callable[[], Pack]] = {
    made.__name__: made for made in (draw, scored, drand, rehearsal, stamped, batch, newer, rolling, second)
}


@cache
def true_pack(kind: str) -> Pack:
    """Not to be changed: copy it."""
    return KINDS[kind]()
