"""The page's index of requests finds what the rule finds that looks at every request."""

from random import Random

from playwright.async_api import Page

from tests.support.markets import POLICY, SIZES, market, placed
from tests.support.serving import Served

PLACED = """async ([policy, markets]) => {
    const { Matching } = await import("/verify/matching.js");
    return markets.map(([pledges, requests, entries]) => {
        const [first, again] = [0, 1].map(() => new Matching(policy, Object.entries(pledges)));
        for (const request of requests) for (const one of [first, again]) one.ask(request);
        const lines = entries.map((entry) => first.place(entry));
        const held = lines.map(([result, , , awards], place) => (result === "selected" && !(place % 3) ? awards : []));
        held.forEach((awards, place) => awards.length && again.hold(entries[place], awards));
        const standing = [...entries.keys()].filter((place) => lines[place][0] !== "not-selected");
        return [lines, standing.map((place) => again.more(entries[place], held[place]))];
    });
}"""


async def test_the_index_finds_what_the_rule_finds(page: Page, served: Served) -> None:
    made = [market(Random(f"{size} {seed}"), *size) for size in SIZES for seed in range(6)]  # noqa: S311 -- the same
    await page.goto(served.page("any", b""))
    assert await page.evaluate(PLACED, [POLICY, made]) == [placed(*one) for one in made]
