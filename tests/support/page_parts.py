"""What parts of the page decide by themselves: the table of `verifier_parts.py`, where the page exports the part."""

from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import Any, Final

from shared.proof.canonical import json_hash
from shared.proof.merkle import bucket_of
from tests.support.markets import JUST_ENOUGH, POLICY, SIZES, market, placed
from tests.support.verifier_parts import COMMITTED_AT, ENTRIES, LEAD_SECONDS, SOURCES, document, root_of
from tests.support.verifier_tables import (
    ACTED_BY,
    ACTORS,
    BATCH_CONFIRMED,
    BATCHES,
    COMMITTED,
    DAYS,
    DRAWINGS,
    DRAWN,
    HAS_ALL,
    LAST_DAYS,
    MATCHED,
    PANEL_CLOSED,
    PATTERNS,
    SETS,
    SHAPED,
    SIZES_OF_TREES,
    SUPPLEMENTARY,
    TAKEN_OUT,
    WINDOWS,
)

DECIDED: Final = """async (asked) => {
    const { entries, matched, days, patterns, drawn, sources, shapes, trees, actors, markets } = asked;
    const { committedAt, leadSeconds, lastDays, drawings, lives, read, written } = asked;
    const load = (name) => import(`/verify/${name}.js`);
    const [judging, pattern, chance, shape, hashes, life, matching, turns, releases, reading] = await Promise.all(
        ["judging", "patterns", "chance", "shapes", "hashes", "life", "matching", "turns", "releases", "reading"]
            .map(load),
    );
    const passes = (decide) => {
        try {
            decide();
        } catch (error) {
            if (!(error instanceof hashes.Unreadable)) throw error;
            return false;
        }
        return true;
    };
    const treeOf = (size) => {
        const tree = new hashes.Tree();
        for (let number = 0; number < size; number += 1) tree.add(String(number));
        return hashes.hex(tree.root());
    };
    const ofLife = {
        acted: (_, by, those) => life.acted(by, those),
        takenOut: (of, opened, grown) => life.takenOut(of, opened, grown),
        panelClosed: (of, epoch) => life.panelClosed(of, epoch),
        asItsAct: (of, opened, moved) => life.asItsAct(of, opened, new Map(moved), opened.admitted, []),
        window: (of) => [...life.unsound(of, 1)].map(({ what }) => what).filter((what) => what === "window"),
        batch: (of, event, body) => [...life.batchFaults(of, event, body)].map(({ what }) => what),
        confirmed: (_, later, batch) => releases.batchConfirmed(later, 2, batch),
        supplementary: (of, committed, epoch) => turns.supplementaryOf(of, committed, epoch),
        hasAll: (of, epoch) => turns.hasAll(of, epoch),
        late: (of) => [...of.faults()].map(({ what }) => what).filter((what) => what === "time"),
    };
    return {
        entries: entries.map(([policy, hash, entry, opened, epoch]) =>
            new judging.Judging(policy, hash).faults(entry, opened, epoch).map(({ what }) => what)),
        matched: matched.map(([text, number]) =>
            pattern.patternOf({ kind: "nep", number_pattern: text }).test(number)),
        days: days.map((document) => passes(() => shape.shaped("Document", document, 1))),
        patterns: patterns.map((text) => passes(() => pattern.patternOf({ kind: "nep", number_pattern: text }))),
        drawn: drawn.map((text) => chance.writtenAsDrawn(text)),
        sources: sources.map((given) => chance.firstDue(committedAt, leadSeconds, given)),
        shapes: shapes.map(([kind, value]) => passes(() => shape.shaped(kind, value, 1))),
        trees: trees.map(treeOf),
        actors: actors.map((those) => life.twoOfficers(those)),
        markets: markets.map(([policy, pledges, requests, entries]) => {
            const [first, again] = [0, 1].map(() => new matching.Matching(policy, Object.entries(pledges)));
            for (const request of requests) for (const one of [first, again]) one.ask(request);
            const lines = entries.map((entry) => first.place(entry));
            const held = lines.map(([result, , , awards], place) =>
                result === "selected" && !(place % 3) ? awards : []);
            held.forEach((awards, place) => awards.length && again.hold(entries[place], awards));
            const standing = [...entries.keys()].filter((place) => lines[place][0] !== "not-selected");
            return [lines, standing.map((place) => again.more(entries[place], held[place]))];
        }),
        read: await Promise.all(read.map(async (pieces) => {
            async function* given() {
                for (const [before, many, after] of pieces) {
                    yield new TextEncoder().encode(before + " ".repeat(many) + after);
                }
            }
            let lines = 0;
            try {
                for await (const line of reading.linesOf(given(), () => {})) lines += line.number > 0;
            } catch (error) {
                if (!(error instanceof hashes.Unreadable)) throw error;
                return error.finding.what;
            }
            return lines;
        })),
        written: written.map((codes) => {
            try {
                return hashes.canonical(String.fromCharCode(...codes));
            } catch (error) {
                return error.name;
            }
        }),
        lastDays: lastDays.map(([start, years]) => judging.lastDay(start, years)),
        drawings: drawings.map(([anchor, period, due]) =>
            Math.max(0, chance.numberOf({ anchor, period_seconds: period }, due))),
        lives: lives.map(([what, events, args]) => ofLife[what](new life.Life(events), ...args)),
    };
}"""
"""Asked of a page that selection serves."""


LONGEST: Final = 4_194_304
"""Octets of a line without its line feed (docs/evidence.md)."""
READ: Final[list[tuple[list[tuple[str, int, str]], int | str]]] = [
    ([('{"a":1}', 0, "\n")], 1),
    ([('{"a":1}', 0, "")], 1),
    ([('{"a":1}', 0, ""), ("\n", 0, '{"b":2}\n')], 2),
    ([('{"a":1', 0, ""), ("}\n", 0, "")], 1),
    ([("null", 0, "\n")], "no-record"),
    ([("7", 0, "\n")], "no-record"),
    ([("[]", 0, "\n")], "no-record"),
    ([("{", 0, "\n")], "no-json"),
    ([("{", LONGEST - 2, "}"), ("\n", 0, "")], 1),
    ([("{", LONGEST - 1, "}"), ("\n", 0, "")], "line-long"),
    ([("{", LONGEST - 1, "}")], 1),
]
"""Pieces of a file, each a text, so many blanks and a text; how many lines are read, or why none is."""
WRITTEN: Final[dict[tuple[int, ...], str]] = {(97,): '"a"', (0xD83D, 0xDE00): '"\U0001f600"', (0xD83D,): "TypeError"}
"""Texts as UTF-16, and how RFC 8785 writes them; a lone surrogate has no form."""


def asked(seeds: int = 6, largest: int = 1500) -> dict[str, Any]:
    return {
        "entries": [list(entry.asked()) for entry in ENTRIES],
        "matched": [[pattern, number] for pattern, number, _ in MATCHED],
        "days": [document(day) for day in DAYS],
        "patterns": list(PATTERNS),
        "drawn": list(DRAWN),
        "sources": [given for given, _ in SOURCES.values()],
        "committedAt": COMMITTED_AT,
        "leadSeconds": LEAD_SECONDS,
        "shapes": [[kind, value] for kind, value, _ in SHAPED],
        "trees": list(SIZES_OF_TREES),
        "actors": list(ACTORS.values()),
        "markets": [[POLICY, *made] for made in _markets(seeds, largest)],
        "read": [list(map(list, pieces)) for pieces, _ in READ],
        "written": list(map(list, WRITTEN)),
        "lastDays": [list(asked) for asked in LAST_DAYS],
        "drawings": [[anchor, period, _second(anchor) + seconds] for anchor, period, seconds in DRAWINGS],
        "lives": [list(row[:3]) for row in _lives()],
    }


def right(seeds: int = 6, largest: int = 1500) -> dict[str, Any]:
    """The answers to `asked`, in its order."""
    return {
        "entries": [entry.names for entry in ENTRIES],
        "matched": [matches for _, _, matches in MATCHED],
        "days": list(DAYS.values()),
        "patterns": [ways is not None for ways in PATTERNS.values()],
        "drawn": list(DRAWN.values()),
        "sources": [int(datetime.fromisoformat(due).timestamp()) for _, due in SOURCES.values()],
        "shapes": [fits for _, _, fits in SHAPED],
        "trees": [root_of(size) for size in SIZES_OF_TREES],
        "actors": [who == "two" for who in ACTORS],
        "markets": [placed(*made) for made in _markets(seeds, largest)],
        "read": [answer for _, answer in READ],
        "written": list(WRITTEN.values()),
        "lastDays": list(LAST_DAYS.values()),
        "drawings": list(DRAWINGS.values()),
        "lives": [right for _, _, _, right in _lives()],
    }


Row = tuple[str, list[dict[str, Any]], list[Any], Any]
"""What is asked of a life, its events, what else is given, and the right answer."""


def _lives() -> Iterator[Row]:
    for by, allowed in ACTED_BY.items():
        for who, actors in ACTORS.items():
            yield "acted", [], [by, actors], who in allowed
    for moved, parked, opened, right in TAKEN_OUT.values():
        act = {"epoch": 2, "judge_again": [], "judge_all": False, "amended": []} | opened
        yield "takenOut", [] if parked else [_event("EligibilityCompleted", 1)], [act, list(moved.values())], right
    for epoch, closed, admitted, others, right in PANEL_CLOSED.values():
        events = [_event("RoundOpened", 0, policy={"scoring": {"panel_points": 70}})]
        events += [_event("ScoresClosed", of) for of in closed]
        events += [_event("EpochOpened", of, admitted=["a"]) for of in admitted]
        events += [_event("EpochOpened", of, admitted=[]) for of in others]
        yield "panelClosed", events, [epoch], right
    for opens_at, closes_at, faults in WINDOWS.values():
        window = {"opens_at": opens_at, "closes_at": closes_at, "policy_hash": json_hash({}), "policy": {}}
        yield "window", [_event("RoundOpened", 0, **window, institutions=[])], [], faults
    for proposed_at, opened_at, faults in BATCHES.values():
        proposed = _event("ReleaseProposed", 1, batch=1, proposed_at=proposed_at)
        yield "batch", [proposed], ["ReleaseOpened", {"epoch": 1, "batch": 2, "opened_at": opened_at}], faults
    acts = [_event("EpochOpened", of, supplementary_source=source) for of, source in SUPPLEMENTARY.items()]
    for epoch, source in SUPPLEMENTARY.items():
        yield "supplementary", acts, [COMMITTED, epoch], source
    for epoch, count, right in HAS_ALL.values():
        stood = SETS | {epoch: (count, SETS[epoch][1] if epoch in SETS else [])}
        sets = [
            _event("RoundFrozen" if of == 1 else "EpochOpened", of, applications={"count": many}, admitted=admitted)
            for of, (many, admitted) in stood.items()
        ]
        yield "hasAll", sets, [epoch], right
    for batch, (event, epoch, of), right in BATCH_CONFIRMED.values():
        yield "confirmed", [], [[_event(event, epoch, batch=of)], batch], right
    a, b = bucket_of("a"), bucket_of("b")
    for admitted_, moved_, right in (
        (["a"], {a: 1}, True),
        (["a"], {}, False),
        (["a"], {a: 1, b: 0}, False),
        (["a", "b"], {a: 1, b: 1}, True),
        (["a", "b"], {a: 1, b: 2}, False),
        (["a", "b"], {a: 2}, False),
    ):
        yield "asItsAct", [], [{"epoch": 2, "admitted": admitted_}, list(moved_.items())], right
    for closed_at, faults in (("2018-09-02T00:00:00Z", ["time"]), ("2018-09-01T00:00:00Z", [])):
        closed_early = _event("ScoresClosed", 1, closed_at=closed_at)
        yield "late", [closed_early, _event("InputsCommitted", 2, committed_at="2018-09-01T00:00:00Z")], [], faults


def _event(name: str, epoch: int, **body: Any) -> dict[str, Any]:
    return {"type": "event", "event": name, "body": {"epoch": epoch, "actors": []} | body}


def _second(anchor: str) -> int:
    return int(datetime.fromisoformat(anchor).timestamp())


def _markets(seeds: int, largest: int) -> list[Any]:
    sizes = [size for size in SIZES if size[0] <= largest]
    return [JUST_ENOUGH, *(market(Random(f"{size} {seed}"), *size) for size in sizes for seed in range(seeds))]  # noqa: S311 -- the same
