"""Random lies about any member of any record of a bundle, each told in words, and what of it nothing binds."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from random import Random
from typing import Any

from services.selection.domain.evidence import Depth
from shared.proof.merkle import GrowingTree
from tests.support.forger import Forged, Level, Record, recomputed

WORDS = (
    ("public", "auditor"),
    ("weighted-draw", "score"),
    ("rehearsal", "rfc3797", "drand"),
    ("eligible", "ineligible"),
    ("pass", "fail", "waived", "unknown"),
    ("won", "days", "count"),
    ("selected", "reserve", "not-selected"),
    ("ineligible", "below-threshold", "no-demand", "firm-limit", "reserve-full", "given-up", "declined"),
    ("none", "registry", "identity-provider"),
    ("corporation", "sole-proprietor"),
    ("new", "succession", "conversion", "reopening"),
    ("active", "suspended", "closed"),
    ("system", "officer"),
)
UNSEEN = ("\u200b", "\u00ad", "\u2060", " ", "\u00a0", "\ufe0f", "\u3164", "\u0301")
OTHER_TYPES: tuple[Any, ...] = (True, False, None, -1, 0.5, 2**53, 10**30, "1", "", [], {}, [[]], "\u0000", "\ud800")


def _nested(times: int) -> list[Any]:
    deep: list[Any] = []
    for _ in range(times):
        deep = [deep]
    return deep


HOSTILE: tuple[Any, ...] = (*OTHER_TYPES, -(10**400), _nested(950), "\u0000" * 5000)
"""In the place of any member: nothing breaks, and nothing passes."""


def lied(true: Forged, random: Random, level: Level) -> tuple[bytes, str]:
    """The bundle with a lie in it, whose hashes are followed up to that level, and what the lie was."""
    made = true.copy()
    lie = random.choice(LIES)
    told = lie(made, random)
    followed = recomputed(made, level)
    return written(followed, random if lie is of_the_frame else None), told


def written(forged: Forged, random: Random | None = None) -> bytes:
    """As a service writes it, but for values that no service writes; `random`: with another head or end."""
    trees = {"later": GrowingTree(), "root": GrowingTree()}
    lines = []
    for record in forged.records:
        shown = {name: value for name, value in record.items() if name != "open"}
        trees["later" if record.get("type") == "later" else "root"].add(_line(shown))
        lines.append(_line(record))
    head: Record = {"bundle": f"firstbuy-evidence-v{forged.version}", "round": forged.round}
    head |= {"epoch": forged.epoch, "depth": forged.depth.value}
    end: Record = {"type": "end", "records": trees["root"].size, "root": trees["root"].root.hex()}
    end |= {"later": trees["later"].size, "later_root": trees["later"].root.hex()}
    if random is not None:
        frame = random.choice((head, end))
        name = random.choice(sorted(frame))
        frame[name] = _another(random, frame[name], [])
    return b"".join(line + b"\n" for line in (_line(head), *lines, _line(end)))


def _line(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode(errors="surrogatepass")


# One value


def _another(random: Random, value: Any, neighbours: list[Any]) -> Any:
    """Another of its shape; or, now and then, of none."""
    if random.random() < 0.15:
        return deepcopy(random.choice(OTHER_TYPES))
    if neighbours and random.random() < 0.3:
        return deepcopy(random.choice(neighbours))
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return random.choice((value + 1, max(0, value - 1), value * 2, 0, 1, value + 86400))
    if isinstance(value, str):
        return _another_text(random, value)
    if isinstance(value, list):
        return _another_list(random, value, neighbours)
    if isinstance(value, dict):
        changed = deepcopy(value)
        change_a_member(random, changed, [])
        return changed
    return random.choice((1, "other", [], "2018-09-14T09:00:00Z", "0" * 64))


def _another_text(random: Random, value: str) -> str:
    words = [word for group in WORDS if value in group for word in group if word != value]
    if words:
        return random.choice(words)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    if at is not None and "T" in value:
        moved = at + random.choice((-1, 1)) * timedelta(seconds=random.choice((1, 600, 86400, 604800, 31536000)))
        return moved.isoformat().replace("+00:00", "Z")
    if at is not None:
        return (at + timedelta(days=random.choice((-365, -1, 1, 365)))).date().isoformat()
    if not value:
        return "so"
    place = random.randrange(len(value))
    if set(value) <= set("0123456789abcdef"):
        digits = "0123456789" if value.isdigit() else "0123456789abcdef"
        return value[:place] + random.choice(digits.replace(value[place], "")) + value[place + 1 :]
    seen = random.choice(("x", "1", "é"))
    return value[:place] + random.choice((random.choice(UNSEEN), seen, value[place].swapcase())) + value[place:]


def _another_list(random: Random, value: list[Any], neighbours: list[Any]) -> list[Any]:
    changed = deepcopy(value)
    place = random.randrange(len(changed)) if changed else 0
    match random.choice(("drop", "repeat", "swap", "add", "empty")):
        case "drop" if changed:
            del changed[place]
        case "repeat" if changed:
            changed.insert(place, deepcopy(changed[place]))
        case "swap" if len(changed) > 1:
            other = random.randrange(len(changed))
            changed[place], changed[other] = changed[other], changed[place]
        case "empty" if changed:
            changed.clear()
        case _:
            others = [one for other in neighbours if isinstance(other, list) for one in other]
            if others:
                changed.append(deepcopy(random.choice(others)))
            elif changed:
                changed.append(_another(random, changed[place], changed))
            else:
                changed.append("other")
    return changed


def change_a_member(random: Random, record: Record, likes: list[Record]) -> str:
    """Changes a member, however deep; `likes`: other records of its kind. Returns which and what."""
    holder: Any = record
    path = ""
    others: list[Any] = likes
    while True:
        keys = sorted(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys or (path and random.random() < 0.1):
            if isinstance(holder, dict):
                name = random.choice(("note", "unattended", "pledges", "score"))
                holder.setdefault(name, random.choice((None, 1, True, "more")))
                return f"{path}.{name} is added"
            holder.append("other")
            return f"{path} has one more"
        key = random.choice(keys)
        path += f".{key}" if isinstance(key, str) else "[]"
        others = [other[key] for other in others if _has(other, key)]
        value = holder[key]
        if isinstance(value, (dict, list)) and value and random.random() < 0.85:
            holder = value
            continue
        if isinstance(holder, dict) and random.random() < 0.12:
            del holder[key]
            return f"{path} is left out"
        holder[key] = _another(random, value, others)
        return f"{path} is {str(holder[key])[:60]!r}, which was {str(value)[:60]!r}"


def _has(holder: Any, key: Any) -> bool:
    if isinstance(key, str):
        return isinstance(holder, dict) and key in holder
    return isinstance(holder, list) and key < len(holder)


# Lies: each changes the records and says what it did


def about_a_member(made: Forged, random: Random) -> str:
    record = _chosen(made, random)
    inner = record.get("body", record)
    likes = [one.get("body", one) for one in made.records if one is not record and _kind(one) == _kind(record)]
    return _kind(record) + change_a_member(random, inner, likes)


def of_the_frame(made: Forged, random: Random) -> str:
    """The head or the end; `written` chooses which member."""
    match random.randrange(4):
        case 0:
            made.version = 3 - made.version
            return f"the head says version {made.version}"
        case 1:
            made.epoch += random.choice((-1, 1))
            return f"the head says epoch {made.epoch}"
    return "a member of head or end"


def swapped_members(made: Forged, random: Random) -> str:
    """Two records of a kind have each other's member, or a few of each other's."""
    one = _chosen(made, random)
    likes = [other for other in made.records if other is not one and _kind(other) == _kind(one)]
    if not likes:
        return about_a_member(made, random)
    first, second = one.get("body", one), random.choice(likes)
    second = second.get("body", second)
    names = sorted(first.keys() & second.keys())
    swapped = random.sample(names, random.choice((1, 1, 2, 3)))
    for name in swapped:
        first[name], second[name] = second[name], first[name]
    return f"two of {_kind(one)} swap {swapped}"


def about_records(made: Forged, random: Random) -> str:
    """A record dropped, repeated, moved, or changed for its neighbour."""
    place = made.records.index(_chosen(made, random))
    kind = _kind(made.records[place])
    match random.choice(("drop", "repeat", "move", "other place")):
        case "drop":
            del made.records[place]
            return f"{kind} is left out"
        case "repeat":
            made.records.insert(place + 1, deepcopy(made.records[place]))
            if random.random() < 0.5:
                change_a_member(random, made.records[place + 1].get("body", made.records[place + 1]), [])
            return f"{kind} stands twice"
        case "move":
            made.records.insert(random.randrange(len(made.records)), made.records.pop(place))
            return f"{kind} is moved"
    record = made.records[place]
    if record["type"] not in ("event", "later"):
        return about_a_member(made, random)
    made.records.pop(place)
    record["type"] = "later" if record["type"] == "event" else "event"
    at = len(made.records) if record["type"] == "later" else next(_places(made, "pledges"))
    made.records.insert(at, record)
    return f"{kind} stands on the other side"


def another_event(made: Forged, random: Random) -> str:
    """An event of another kind or epoch, made of one that is there or of nothing but an act."""
    record = deepcopy(random.choice([record for record in made.records if "body" in record]))
    kind = _kind(record)
    match random.choice(("epoch", "batch", "kind", "void", "waived", "extended")):
        case "epoch":
            record["body"]["epoch"] = random.choice((1, 2, 3))
        case "batch":
            record["body"]["batch"] = random.choice((1, 2, 3))
        case "kind":
            record["event"] = random.choice([record["event"] for record in made.records if "event" in record])
        case "void":
            record |= {"event": "RoundVoided", "body": _act(made) | {"voided_at": "2018-09-14T09:00:05Z"}}
        case "waived":
            record |= {"event": "RegistryWaived", "body": _act(made) | {"registry": "nts"}}
            record["body"]["waived_at"] = "2018-09-14T09:00:05Z"
        case _:
            closes = made.event("RoundFrozen")["closes_at"]
            moved = {"closes_at": _another_text(random, closes), "closed_at_before": closes}
            record |= {"event": "RoundExtended", "body": _act(made) | moved}
    place = random.choice([number for number, one in enumerate(made.records) if "body" in one])
    record["type"] = made.records[place]["type"]
    made.records.insert(place + 1, record)
    return f"{record['event']} is added, made of {kind}"


def one_person_twice(made: Forged, random: Random) -> str:
    """Of an act of two, the second has the first's name, spelled otherwise."""
    acts = [record["body"]["actors"] for record in made.records if len(record.get("body", {}).get("actors", ())) == 2]
    if not acts:
        return about_a_member(made, random)
    first, second = random.choice(acts)
    name = first["name"]
    place = random.randrange(len(name) + 1)
    wide = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in name)
    second["name"] = random.choice((name, name.upper(), wide, name[:place] + random.choice(UNSEEN) + name[place:]))
    return f"one officer acts twice, as {name!r} and as {second['name']!r}"


def many_members(made: Forged, random: Random) -> str:
    """Two or three lies at once."""
    return " and ".join(about_a_member(made, random) for _ in range(random.choice((2, 3))))


LIES: tuple[Callable[[Forged, Random], str], ...] = (
    *(about_a_member,) * 8,
    of_the_frame,
    *(swapped_members,) * 2,
    *(about_records,) * 2,
    *(another_event,) * 2,
    one_person_twice,
    many_members,
)


def _act(made: Forged) -> Record:
    actors = [{"name": name, "role": "officer"} for name in ("kim", "lee")]
    return {"round": made.round, "reason": "so", "actors": actors}


def _chosen(made: Forged, random: Random) -> Record:
    """Any record; kinds are as likely as each other, since most records are entries."""
    kind = random.choice(sorted({_kind(record) for record in made.records}))
    return random.choice([record for record in made.records if _kind(record) == kind])


def _kind(record: Record) -> str:
    return str(record.get("event") or record.get("type"))


def _places(made: Forged, kind: str) -> Iterator[int]:
    return (place for place, record in enumerate(made.records) if record["type"] == kind)


# What a lie comes to


FOUND_BY_SOAK = [("scored-admitted", Depth.AUDITOR, Level.SEALS, 149, "marks-more")]


"""Lies that were accepted once."""
