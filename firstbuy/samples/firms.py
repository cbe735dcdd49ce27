"""Firms as they apply: what each states, and what every rule must therefore find. Known from how a firm was made,
never by asking the rules."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from firstbuy.samples.numbers import business_number, corporate_number

Json = dict[str, Any]
PASS, FAIL, WAIVED, UNKNOWN = "pass", "fail", "waived", "unknown"
STARTUP_YEARS: Final = 7
FIRST_TIMER_WON: Final = 500_000_000
SALES_FLOOR_WON: Final = 500_000_000
_GOOD_GRADES: Final = ("AA", "A", "BBB+", "BBB", "BBB-", "BB+", "BB", "BB-", "B+")
_BAD_GRADES: Final = ("B", "B-", "CCC", "CC")
_FIRST: Final = ("한빛", "세종", "미래", "나래", "가온", "다온", "누리", "한결", "새론", "해솔", "도담", "이룸", "아라")
_SECOND: Final = ("테크", "전자", "산업", "시스템", "솔루션", "이엔지", "센서", "소프트", "에너지", "정밀")


class FirmKind(StrEnum):
    STARTUP = "startup"
    FIRST_TIMER = "first-timer"
    ESTABLISHED = "established"


@dataclass(frozen=True, slots=True)
class Firm:
    """`findings`: the outcome of each rule that looks at the company, before any waiver."""

    number: int
    kind: FirmKind
    facts: Json
    findings: Mapping[str, str]

    @property
    def record_won(self) -> int | None:
        """None where it was not stated."""
        record = self.facts.get("supply_record")
        return record["won"] if record else None


@dataclass(frozen=True, slots=True)
class _Odds:
    """How often a paper or a figure is missing or wrong, in per cent; startups lack more than others."""

    no_confirmation: int
    old_confirmation: int
    weak_sales: int


_ODDS: Final = {
    FirmKind.STARTUP: _Odds(15, 8, 60),
    FirmKind.FIRST_TIMER: _Odds(5, 6, 14),
    FirmKind.ESTABLISHED: _Odds(3, 4, 5),
}


def make_firm(number: int, rng: random.Random, as_of: date, taken: set[str]) -> Firm:
    """An invented firm of a kind, with papers that fit it."""
    kind = rng.choices(tuple(FirmKind), (45, 30, 25))[0]
    corporation = rng.random() < 0.7
    findings: dict[str, str] = {}
    facts: Json = {
        "name": f"{rng.choice(_FIRST)}{rng.choice(_SECOND)} {number + 1:05d}",
        "legal_form": "corporation" if corporation else "sole-proprietor",
    }
    facts |= _numbers(rng, findings, taken, corporation=corporation)
    facts |= _beginning(rng, findings, kind, as_of)
    facts |= _standing(rng, findings)
    facts |= _confirmation(rng, findings, kind, as_of)
    facts |= _record(rng, findings, kind)
    facts |= _means(rng, findings, kind)
    if findings["startup"] == PASS:
        kind = FirmKind.STARTUP
    else:
        kind = FirmKind.FIRST_TIMER if findings["first-timer"] == PASS else FirmKind.ESTABLISHED
    return Firm(number, kind, facts, findings)


def _numbers(rng: random.Random, findings: dict[str, str], taken: set[str], *, corporation: bool) -> Json:
    findings["business-number"] = PASS
    number = business_number(rng, corporation=corporation)
    while number in taken:
        number = business_number(rng, corporation=corporation)
    taken.add(number)
    facts: Json = {"business_number": number}
    findings["corporate-number"] = PASS
    if corporation:
        if rng.random() < 0.01:
            findings["corporate-number"] = UNKNOWN
        else:
            facts["corporate_number"] = corporate_number(rng)
    return facts


def _beginning(rng: random.Random, findings: dict[str, str], kind: FirmKind, as_of: date) -> Json:
    """A startup's seven years have not elapsed; the very last day still counts, succession and the like never do."""
    last_young = as_of.replace(year=as_of.year - STARTUP_YEARS)
    origin = "new"
    if kind is FirmKind.STARTUP:
        chance = rng.random()
        started = as_of - timedelta(days=rng.randint(60, STARTUP_YEARS * 365))
        if chance < 0.01:
            started = last_young
        elif chance < 0.02:
            started = last_young - timedelta(days=1)
        elif chance < 0.05:
            origin = rng.choice(("succession", "conversion", "reopening"))
        young = origin == "new" and started >= last_young
    else:
        started = last_young - timedelta(days=rng.randint(2, 30 * 365))
        young = False
    findings["startup"] = PASS if young else FAIL
    return {"started_on": started.isoformat(), "origin": origin}


def _standing(rng: random.Random, findings: dict[str, str]) -> Json:
    facts: Json = {}
    chance = rng.random()
    findings["business-active"] = UNKNOWN if chance < 0.01 else FAIL if chance < 0.03 else PASS
    if chance >= 0.01:
        facts["status"] = rng.choice(("suspended", "closed")) if chance < 0.03 else "active"
    chance = rng.random()
    findings["not-sanctioned"] = UNKNOWN if chance < 0.01 else FAIL if chance < 0.025 else PASS
    if chance >= 0.01:
        facts["sanctioned"] = chance < 0.025
    return facts


def document(rng: random.Random, number: str, as_of: date, *, valid: bool, days: int = 364) -> Json:
    """A confirmation and its period. Now and then its last day is the day that decides, or the day before."""
    left = rng.choice((0, days, rng.randint(1, days))) if valid else -rng.choice((1, rng.randint(2, 300)))
    ends = as_of + timedelta(days=left)
    return {"number": number, "issued_on": (ends - timedelta(days=days)).isoformat(), "expires_on": ends.isoformat()}


def _confirmation(rng: random.Random, findings: dict[str, str], kind: FirmKind, as_of: date) -> Json:
    odds, chance = _ODDS[kind], rng.random() * 100
    if chance < odds.no_confirmation:
        findings["sme-confirmation"] = UNKNOWN
        return {}
    valid = chance >= odds.no_confirmation + odds.old_confirmation
    findings["sme-confirmation"] = PASS if valid else FAIL
    return {"sme_confirmation": document(rng, f"0010-2018-{rng.randint(1, 99_999):05d}", as_of, valid=valid)}


def _record(rng: random.Random, findings: dict[str, str], kind: FirmKind) -> Json:
    if rng.random() < 0.01:
        findings["first-timer"] = UNKNOWN
        return {}
    without, small = {
        FirmKind.STARTUP: (0.60, 0.33),
        FirmKind.FIRST_TIMER: (0.30, 0.70),
        FirmKind.ESTABLISHED: (0.0, 0.0),
    }[kind]
    chance = rng.random()
    if chance < without:
        won = 0
    elif chance < without + small:
        won = rng.choice((rng.randint(1, 50) * 10_000_000, FIRST_TIMER_WON))
    else:
        won = FIRST_TIMER_WON + rng.randint(1, 750) * 10_000_000
    findings["first-timer"] = PASS if won <= FIRST_TIMER_WON else FAIL
    return {"supply_record": {"won": won, "count": min(60, 1 + won // 70_000_000) if won else 0}}


def _means(rng: random.Random, findings: dict[str, str], kind: FirmKind) -> Json:
    """Sales or credit. Where sales fall short and no grade is stated, the rule can't know."""
    weak = rng.random() * 100 < _ODDS[kind].weak_sales
    low, high = rng.randint(0, 49) * 10_000_000, SALES_FLOOR_WON + rng.randint(0, 900) * 10_000_000
    good, bad = rng.choice(_GOOD_GRADES), rng.choice(_BAD_GRADES)
    ways: tuple[tuple[str, Callable[[], Json]], ...]
    if weak:
        ways = (
            (FAIL, lambda: {"annual_sales_won": low, "credit_grade": bad}),
            (UNKNOWN, lambda: {"annual_sales_won": low}),
            (UNKNOWN, lambda: {"credit_grade": bad}),
            (UNKNOWN, dict),
        )
    else:
        ways = (
            (PASS, lambda: {"annual_sales_won": high, "credit_grade": good}),
            (PASS, lambda: {"annual_sales_won": high}),
            (PASS, lambda: {"annual_sales_won": low, "credit_grade": good}),
            (PASS, lambda: {"credit_grade": good}),
            (PASS, lambda: {"annual_sales_won": high, "credit_grade": bad}),
        )
    outcome, state = rng.choice(ways)
    findings["sales-or-credit"] = outcome
    return state()
