"""What parts of the page decide by themselves: the table of `verifier_parts.py`, where the page exports the part."""

from datetime import datetime
from random import Random
from typing import Any, Final

from tests.support.markets import POLICY, SIZES, market, placed
from tests.support.verifier_parts import COMMITTED_AT, ENTRIES, LEAD_SECONDS, SOURCES, document, root_of
from tests.support.verifier_tables import ACTORS, DAYS, DRAWN, MATCHED, PATTERNS, SHAPED, SIZES_OF_TREES

DECIDED: Final = """async (asked) => {
    const { entries, matched, days, patterns, drawn, sources, shapes, trees, actors, markets } = asked;
    const { committedAt, leadSeconds } = asked;
    const load = (name) => import(`/verify/${name}.js`);
    const [judging, pattern, chance, shape, hashes, life, matching] = await Promise.all(
        ["judging", "patterns", "chance", "shapes", "hashes", "life", "matching"].map(load),
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
    };
}"""
"""Asked of a page that selection serves."""


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
    }


def _markets(seeds: int, largest: int) -> list[Any]:
    sizes = [size for size in SIZES if size[0] <= largest]
    return [market(Random(f"{size} {seed}"), *size) for size in sizes for seed in range(seeds)]  # noqa: S311 -- the same
