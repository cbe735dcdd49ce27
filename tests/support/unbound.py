"""What no root binds, and where two bundles differ."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from shared.proof.canonical import json_hash
from tests.support.forger import Forged, Level, Record

UNBOUND = {
    r".*\.reason|.*\.(leaving|cancelled)\[\]\.reason": "words of officers: nothing follows from them",
    r".*\.actors(\[\])?(\.name)?": "who acted: the hash-chained log of acts and its signed heads have it",
    r".*\.(?!opens|closes)[a-z]+_at": (
        "moments by the programme's own clock, in order: a time-stamp and the copies of institutions date them"
    ),
    r"-a later epoch's EpochOpened|"
    r"-.*(SelectionConfirmed|ReleaseConfirmed|RegistryWaived|CommitmentTimeStamped|RoundFinalized|RoundVoided)": (
        "what came after the proposal: so the bundle stood on an earlier day, and says what nobody confirmed"
    ),
    r"\+RegistryWaived|RegistryWaived\.registry": "what was judged without it stands in the findings",
    r"CommitmentTimeStamped\.(authority|stamped_at|token)": "the token says it: `firstbuy verify stamp` reads it",
    r"RoundOpened\.institutions.*": "pledges at the opening, of which those at the freeze count",
    r"RoundOpened\.key_fingerprints.*": "keys of receipts, which whoever has a receipt holds",
    r".*InputsCommitted\.seed_epoch": "where it is its own epoch, it may be left out",
    r"EpochOpened\.amended": "an amendment that is not told: the bundle of the epoch before has another version",
    r"an earlier epoch's (SelectionProposed|ReleaseOpened|ReleaseProposed|ScoresClosed)\..*": (
        "what decided an earlier epoch: its own bundle shows it"
    ),
    r"a later epoch's (?!InputsCommitted|EpochOpened.(applications|requests)).*": (
        "what decided a later epoch: its own bundle shows it"
    ),
    r"a later epoch's (InputsCommitted\.supplementary|EpochOpened.applications.*)": "the same",
    r"RoundAnnounced\.policy": "the name of a policy that an amendment replaced: its hash says which it was",
    r"head\.bundle": "what the first version of the format may lack is held to the same where it stands",
    r"CHANCE: ReleaseOpened\.(leaving|cancelled).*": "another batch, with all that follows: no root is held of it",
    r"CHANCE: ReleaseProposed\..*": "the same",
    r"CHANCE: (Release|Selection)Confirmed\.batch_root": "the same",
    r"public: (entry|request)\.sealed": "what is sealed: the auditor's depth opens it",
    r"public: ScoresClosed\.(marks|marks_root)": "the panel's marks: the auditor's depth opens them",
    r"v1: entry\.(firm|identity)": "the first version of the format has no root over what is shown",
    r"v1 public: (entry|request)\..*": "the same; the auditor's depth opens it",
}


"""Members of which neither the file nor a root that somebody holds says anything, and why; `depth: `, `version: ` and
`level: ` before it: in these alone."""


NOTHING = {
    "admitted",
    "amended",
    "batch",
    "batch_root",
    "cut",
    "judge_all",
    "rehearsal",
    "series",
    "supplementary",
    "supplementary_source",
    "unattended",
}


"""Members that may be left out: it is the same as null, none, no and nothing."""


def untold(true: bytes, other: bytes) -> set[str]:
    """Where two bundles differ, as paths without numbers; of records that one of them lacks `-kind` or `+kind`."""
    own = json.loads(true.split(b"\n", 1)[0])["epoch"]
    left, right = (Counter(bundle.splitlines()[:-1]) for bundle in (true, other))
    gone, come = ([json.loads(line) for line in (one - two).elements()] for one, two in ((left, right), (right, left)))
    found: set[str] = set() if gone or come else {"order"}
    for record in gone:
        name = _name(record, own)
        same = [one for one in come if _name(one, own) == name]
        if not same:
            found.add(f"-{name}")
            continue
        nearest = min(same, key=lambda one: len(set(paths_between(record, one))))
        come.remove(nearest)
        found |= {f"{name}{path}" for path in paths_between(record.get("body", record), nearest.get("body", nearest))}
    return found | {f"+{_name(record, own)}" for record in come}


def bound(true: Forged, level: Level, paths: set[str]) -> list[str]:
    """Those of the paths that nothing in UNBOUND allows."""
    depth, version = true.depth.value, f"v{true.version}"
    where = ("", f"{depth}: ", f"{version}: ", f"{version} {depth}: ", f"{level.name}: ")
    forms = [re.compile(pattern) for pattern in UNBOUND]
    return sorted(path for path in paths if not any(form.fullmatch(f"{one}{path}") for form in forms for one in where))


def _name(record: Record, own: int) -> str:
    name, epoch = str(record.get("event") or record.get("type") or "head"), record.get("body", {}).get("epoch", own)
    return name if epoch == own else f"{'an earlier' if epoch < own else 'a later'} epoch's {name}"


def paths_between(one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            if name in NOTHING and not one.get(name) and not other.get(name):
                continue
            if name not in one or name not in other:
                yield f".{name}"
            else:
                yield from (f".{name}{path}" for path in paths_between(one[name], other[name]))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for left, right in zip(one, other, strict=True):
            yield from (f"[]{path}" for path in paths_between(left, right))
    elif json_hash(one) != json_hash(other):
        yield ""
