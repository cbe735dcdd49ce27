"""Whether each check of the page is needed by a bundle that is kept: `make mutants-page`.

Each mutant of a script of `services/selection/page` lacks one finding, compares otherwise, or takes `or` for `and`. It
is killed by the first bundle of which it says other names than the page does, or by a part that decides otherwise by
itself; a survivor is printed with its line.
"""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Error, Route, async_playwright

from deploy.local.state import State
from services.selection.api.page import FOLDER
from tests.mutation.verifier import Kept, kept
from tests.support.browser import FLAGS
from tests.support.chromium import find
from tests.support.page_parts import DECIDED, asked, right
from tests.support.serving import Served, serving

SCRIPTS = (
    "chance",
    "hashes",
    "judging",
    "life",
    "matching",
    "patterns",
    "reading",
    "releases",
    "shapes",
    "turns",
    "verify",
)
EQUIVALENT = Path(__file__).parent / "equivalent-page.txt"
SECONDS = 90.0
_SMALL: dict[str, int] = {"seeds": 2, "largest": 100}
_ASKED, _RIGHT = asked(**_SMALL), right(**_SMALL)
OTHERWISE = {
    " === ": " !== ",
    " !== ": " === ",
    " < ": " <= ",
    " <= ": " < ",
    " > ": " >= ",
    " >= ": " > ",
    " && ": " || ",
    " || ": " && ",
    ".some(": ".every(",
    ".every(": ".some(",
}
FINDING = re.compile(r"(?:this\.#)?report\.(?:wrong|same)\(|yield\*? |throw new Unreadable\(")
TOLD = """async ([bundles, known]) => {
    const { examine } = await import("/verify/verify.js");
    async function* once(bytes) { yield bytes; }
    for (const place in bundles) {
        const [round, held] = bundles[place];
        const answer = await fetch(`/rounds/${round}/evidence`);
        const report = await examine(once(new Uint8Array(await answer.arrayBuffer())), held);
        const { checked, differs, notChecked, more, confirmed, voided } = report;
        const names = differs.map(({ what }) => what);
        const said = JSON.stringify([checked.length, names, more, notChecked.length, confirmed, voided]);
        if (known === null) bundles[place].push(said);
        else if (said !== known[place]) return Number(place);
    }
    return known === null ? bundles.map(([, , said]) => said) : null;
}"""


@dataclass(frozen=True)
class Mutant:
    script: str
    line: int
    what: str
    source: str


def mutants(script: str) -> Iterator[Mutant]:
    source = (FOLDER / f"{script}.js").read_text()
    for found in re.finditer("|".join(map(re.escape, OTHERWISE)), source):
        before = source[source.rfind("\n", 0, found.start()) + 1 : found.start()]
        if before.lstrip().startswith(("//", "*", "/**")) or before.count('"') % 2 or before.count("`") % 2:
            continue
        other = OTHERWISE[found.group()]
        yield _mutant(script, source, found.start(), found.end(), other)
    for found in FINDING.finditer(source):
        end = _end_of_statement(source, found.start())
        yield _mutant(script, source, found.start(), end, "void 0")


def _mutant(script: str, source: str, start: int, end: int, other: str) -> Mutant:
    number = source.count("\n", 0, start) + 1
    line = source.splitlines()[number - 1].strip()
    return Mutant(script, number, f"{other.strip()} in {line}", source[:start] + other + source[end:])


def _end_of_statement(source: str, at: int) -> int:
    """Where the semicolon stands that ends it."""
    depth = 0
    while source[at] != ";" or depth:
        depth += (source[at] in "([{") - (source[at] in ")]}")
        at += 1
    return at


@dataclass
class Court:
    """What tells a mutant: the bundles, those that told one before first."""

    browser: Browser
    served: Served
    bundles: list[Kept]
    said: dict[str, str]

    async def killed_by(self, mutant: Mutant | None) -> str | None:
        """The bundle that told it, or how it failed; None of a survivor."""
        page = await self.browser.new_page()
        try:
            if mutant is not None:
                await page.route(f"**/verify/{mutant.script}.js", lambda route: _answered(route, mutant.source))
            await page.goto(self.served.page("bundled"))
            named: list[Any] = [[_round_of(bundle), bundle.held] for bundle in self.bundles]
            known = [self.said[bundle.name] for bundle in self.bundles] if self.said else None
            told = await asyncio.wait_for(page.evaluate(TOLD, [named, known]), SECONDS)
            if told is None and await asyncio.wait_for(page.evaluate(DECIDED, _ASKED), SECONDS) != _RIGHT:
                return "a part"
        except (Error, TimeoutError) as error:
            return type(error).__name__
        finally:
            await page.close()
        if not self.said:
            self.said = dict(zip((bundle.name for bundle in self.bundles), told, strict=True))
            return None
        if told is None:
            return None
        one = self.bundles.pop(told)
        self.bundles.insert(0, one)
        return one.name


def _round_of(one: Kept) -> str:
    """What it is served as."""
    return sha256(one.name.encode()).hexdigest()


async def _answered(route: Route, source: str) -> None:
    await route.fulfill(body=source, content_type="text/javascript")


async def tried(scripts: list[str]) -> int:
    equivalent = set(EQUIVALENT.read_text().splitlines()) if EQUIVALENT.exists() else set()
    with State.temporary() as state:
        cache = state.cache
    killed = known = alive = 0
    async with async_playwright() as playwright, serving() as served:
        found = await find(playwright, cache, os.environ)
        environment: dict[str, str | float | bool] = {**os.environ, **found.environment}
        browser = await playwright.chromium.launch(executable_path=found.program, args=FLAGS, env=environment)
        bundles = kept()
        served.rounds |= {_round_of(bundle): bundle.content for bundle in bundles}
        court = Court(browser, served, bundles, {})
        await court.killed_by(None)
        for script in scripts:
            for mutant in mutants(script):
                told = await court.killed_by(mutant)
                killed += told is not None
                known += told is None and mutant.what in equivalent
                if told is None and mutant.what not in equivalent:
                    alive += 1
                    print(f"{mutant.script}.js:{mutant.line}: {mutant.what}", flush=True)
        await browser.close()
    print(f"{killed + known + alive} mutants: {killed} killed, {known} known as equivalent, {alive} survive")
    return 1 if alive else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Change each check of the page: is it told by a bundle?")
    parser.add_argument("--scripts", nargs="+", default=list(SCRIPTS))
    return asyncio.run(tried(parser.parse_args().scripts))


if __name__ == "__main__":
    sys.exit(main())
