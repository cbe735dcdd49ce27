"""Products and their papers: the certificate that carries an application, and the proof of own production."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from firstbuy.samples.catalogue import CLASSES, UNWANTED, ProductClass
from firstbuy.samples.firms import FAIL, PASS, UNKNOWN, FirmKind, Json, document
from firstbuy.samples.numbers import certificate_number, wrong_certificate_number
from shared.contracts.policy import CertificateKind

_WANTED: Final = tuple(item for item in CLASSES if item not in UNWANTED)
_REGIONS: Final = ("seoul", "gyeonggi", "busan", "daejeon", "jeonnam", "gangwon")
AWARD_WON: Final = (60_000_000, 420_000_000)
"""What a firm can supply within the year is worth about this much."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A product with its certificates. `findings`: of the rules that look at them."""

    facts: Json
    certificates: tuple[Json, ...]
    findings: Mapping[str, str]


def make_product(
    number: int, rng: random.Random, kind: FirmKind, as_of: date, kinds: Sequence[CertificateKind]
) -> Offered:
    """An invented product of a firm, with what its kind is good or bad at."""
    item = rng.choice(UNWANTED if rng.random() < 0.05 else _WANTED)
    price = rng.randint(item.cheapest_won // 10_000, item.dearest_won // 10_000) * 10_000
    findings: dict[str, str] = {"product-class": PASS}
    facts: Json = {
        "name": f"{item.ko} ({item.en}) {rng.choice('ABCDEFGH')}{number % 1000:03d}",
        "reference": f"{item.code[:4]}-{number + 1:06d}",
        "class_code": item.code,
        "price_won": price,
        "capacity": max(1, rng.randint(*AWARD_WON) // price),
        "delivery_days": rng.choice((14, 30, 45, 60, 90, 120)),
        "description": _description(item),
    }
    if rng.random() < 0.1:
        facts["regions"] = sorted(rng.sample(_REGIONS, rng.randint(1, 4)))
    if rng.random() < 0.2:
        facts["item_id"] = f"{20_000_000 + number:08d}"
        facts["detailed_class"] = f"{item.code}{rng.randint(1, 99):02d}"
    facts |= _own_production(rng, findings, kind, as_of)
    return Offered(facts, _certificates(rng, findings, as_of, kinds), findings)


def _description(item: ProductClass) -> str:
    return f"{item.ko}. 기술개발제품으로 현장 실증을 마쳤습니다.\n{item.en}, proven in the field."


def _own_production(rng: random.Random, findings: dict[str, str], kind: FirmKind, as_of: date) -> Json:
    missing, old = (18, 6) if kind is FirmKind.STARTUP else (4, 4)
    chance = rng.random() * 100
    if chance < missing:
        findings["direct-production"] = UNKNOWN
        return {}
    valid = chance >= missing + old
    findings["direct-production"] = PASS if valid else FAIL
    paper = document(rng, f"{rng.randint(2016, 2018)}-{rng.randint(1, 9999):04d}", as_of, valid=valid, days=729)
    return {"direct_production": paper}


def _certificates(
    rng: random.Random, findings: dict[str, str], as_of: date, kinds: Sequence[CertificateKind]
) -> tuple[Json, ...]:
    """Mostly a valid one, sometimes beside one that does not hold; else each way of not holding."""
    chance = rng.random() * 100
    kind = rng.choice(kinds)
    graded = next((each for each in kinds if each.grades), None)
    if chance < 5:
        findings["certificate"] = UNKNOWN
        return ()
    if chance < 12:
        findings["certificate"] = FAIL
        return (_expired(rng, kind, as_of),)
    if chance < 14:
        findings["certificate"] = FAIL
        return (_valid(rng, kind, as_of) | {"number": wrong_certificate_number(kind.number_pattern, rng)},)
    if chance < 15:
        findings["certificate"] = FAIL
        return (_valid(rng, kind, as_of) | _future(as_of),)
    if chance < 18 and graded is not None:
        return _of_grade(rng, findings, graded, as_of)
    findings["certificate"] = PASS
    held = [_valid(rng, kind, as_of)]
    if rng.random() < 0.15:
        held.append(_expired(rng, rng.choice(kinds), as_of))
        rng.shuffle(held)
    return tuple(held)


def _of_grade(rng: random.Random, findings: dict[str, str], kind: CertificateKind, as_of: date) -> tuple[Json, ...]:
    """A kind of which only a grade is accepted, with another grade or with none stated."""
    stated = _valid(rng, kind, as_of)
    if rng.random() < 0.5:
        findings["certificate"] = FAIL
        return (stated | {"grade": "2"},)
    findings["certificate"] = UNKNOWN
    return ({key: value for key, value in stated.items() if key != "grade"},)


def _valid(rng: random.Random, kind: CertificateKind, as_of: date) -> Json:
    years = kind.validity_years or 3
    issued = as_of - timedelta(days=rng.randint(10, years * 365 - 5))
    stated: Json = {
        "kind": kind.kind,
        "number": certificate_number(kind.number_pattern, rng),
        "issued_on": issued.isoformat(),
    }
    if kind.validity_years and rng.random() < 0.7:
        last_day = max(as_of, issued + timedelta(days=365 * years - rng.choice((0, 0, 30))))
        stated["expires_on"] = (as_of if rng.random() < 0.03 else last_day).isoformat()
    if kind.grades:
        stated["grade"] = kind.grades[0]
    return stated


def _expired(rng: random.Random, kind: CertificateKind, as_of: date) -> Json:
    ended = as_of - timedelta(days=rng.choice((1, rng.randint(2, 700))))
    issued = ended - timedelta(days=365 * (kind.validity_years or 3))
    return _valid(rng, kind, as_of) | {"issued_on": issued.isoformat(), "expires_on": ended.isoformat()}


def _future(as_of: date) -> Json:
    """Issued after the day that decides."""
    issued = as_of + timedelta(days=7)
    return {"issued_on": issued.isoformat(), "expires_on": issued.replace(year=issued.year + 2).isoformat()}
