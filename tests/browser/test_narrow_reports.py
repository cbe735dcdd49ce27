"""The demo's and the simulator's pages on a telephone: the page stands still, what is wide scrolls within itself."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from firstbuy.commands.simulate import sampled
from firstbuy.demo.account import account_of
from firstbuy.demo.audit import Audit
from firstbuy.demo.checks import Check
from firstbuy.demo.client import Traffic
from firstbuy.demo.figures import OUTCOMES, Compared, Figures, Group, Purse
from firstbuy.demo.first_half import FirstHalf
from firstbuy.demo.observer import Seen
from firstbuy.demo.report import report
from firstbuy.reports.words import REASONS, RULES
from firstbuy.samples.firms import FirmKind
from firstbuy.simulate.page import html
from tests.data.facts import policy
from tests.support.screens import hard_to_touch, runs_over
from tests.support.serving import INSTITUTIONS, TITLE

WIDTHS = pytest.mark.parametrize("width", [390, 1280])
RESULTS = sampled(policy("2018-h2"))
MOMENT, ROOT = "2018-09-14T09:00:00Z", "d4f0" * 16
OFFICERS = [{"name": "an officer with a long name"}, {"name": "another-officer-at-the-ministry.example"}]
BUSY = 12_345_678


def demo_report(*, holds: bool) -> str:
    turns: dict[str, dict[str, Any]] = {
        "RoundOpened": {"title": TITLE, "opens_at": MOMENT, "closes_at": MOMENT},
        "RoundFrozen": {"applications": {"root": ROOT}, "frozen_at": MOMENT},
        "EligibilityCompleted": {"completed_at": MOMENT},
        "InputsCommitted": {"commitment_root": ROOT, "committed_at": MOMENT},
        "SourceValueRecorded": {"value": "4.11.23.25.31.40./" * 4, "due_at": MOMENT},
        "SelectionProposed": {"seed": ROOT, "proposed_at": MOMENT},
        "SelectionConfirmed": {"selection_root": ROOT, "confirmed_at": MOMENT, "actors": OFFICERS},
    }
    seen = Seen({name: [body] for name, body in turns.items()})
    summary: dict[str, Any] = dict.fromkeys(("admitted", "selected", "reserve", "purchase_requests"), BUSY)
    summary |= {"seed": BUSY, "window_seconds": 240.0, "wall_seconds": 321.5, "notices": {"mail": BUSY}}
    summary |= {"http": dict.fromkeys(("200", "201", "400", "422", "503"), BUSY)}
    server = {"kind": "a-long-kind-of-server", "version": "4.3.1"}
    summary |= {"kafka": server, "postgres": server}
    group = Group("without", BUSY, BUSY // 2, BUSY // 4)
    figures = Figures(
        results=Counter(),
        outcomes=Counter(eligible=BUSY),
        by_rule={rule: Counter(dict.fromkeys(OUTCOMES, BUSY)) for rule in RULES},
        by_kind=tuple(Group(kind, BUSY, BUSY // 2, BUSY // 4) for kind in FirmKind),
        by_record=(group, Group("with", BUSY, BUSY // 2, BUSY // 4)),
        purses=tuple(
            Purse(institution=code, name=name, pledged=10**12, asked=10**12, awarded=10**11, products=BUSY)
            for code, name in INSTITUTIONS.items()
        ),
        compared=tuple(Compared(kind, BUSY, BUSY // 4, BUSY // 2) for kind in FirmKind),
        reasons=Counter(dict.fromkeys(REASONS, BUSY)),
    )
    checks = [Check(f"what was {ROOT} is the root of the set", ROOT, ROOT if holds else ROOT[::-1]) for _ in range(3)]
    first = FirstHalf((), Traffic(), seen, RESULTS)
    audit = Audit(0, *[ROOT] * 11)
    return report(summary, first, account_of(seen), audit, figures, checks)


@WIDTHS
@pytest.mark.parametrize("written", ["held", "differing", "simulated"])
async def test_the_page_does_not_scroll_sideways(page: Page, tmp_path: Path, written: str, width: int) -> None:
    file = tmp_path / "report.html"
    file.write_text(html(RESULTS) if written == "simulated" else demo_report(holds=written == "held"), encoding="utf-8")
    await page.set_viewport_size({"width": width, "height": 844})
    await page.goto(file.as_uri())
    for details in await page.locator("summary").all():
        await details.click()
    assert await runs_over(page) == []
    assert await hard_to_touch(page) == []
    assert await page.locator("table").count() == await page.locator(".scroll > table").count() > 0
    unreached = page.locator(".scroll:not([tabindex='0'][role=region][aria-label])")
    assert await unreached.count() == 0, "what scrolls is reached with the keyboard and has a name"
