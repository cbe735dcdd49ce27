"""An application's life over HTTP: entered, sent twice, changed, withdrawn; and what must come of it."""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from firstbuy.samples.firms import FAIL, PASS, UNKNOWN, WAIVED, Firm, FirmKind, Json
from firstbuy.samples.products import Offered

STATES_A_FACT: Final = ("startup", "first-timer")
"""Rules that decide nothing by themselves."""
_STARTUP_WAIVES: Final = (
    "business-number", "corporate-number", "business-active", "not-sanctioned", "sme-confirmation",
    "direct-production", "sales-or-credit",
)  # fmt: skip
AS_WRITTEN: Final = "entered as people write it"
_FULL_WIDTH: Final = {ord("0") + digit: ord("０") + digit for digit in range(10)}
ASK: Final = "/identity"
ENTER: Final = "/rounds/{round}/applications"
CHANGE: Final = "/applications/{application}"
WITHDRAW: Final = "/applications/{application}/withdrawal"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request and the status it must be answered with. `what` names it in reports."""

    what: str
    expects: int
    body: bytes
    path: str = ENTER
    method: str = "POST"
    key: str | None = None
    if_match: int | None = None
    content_type: str = "application/json"


def repeatable(call: Call) -> bool:
    """Whether it may be sent again when its answer was lost. A change that was made already is refused as stale, which
    tells; a second withdrawal and a second question change nothing, and nor does what is refused."""
    return bool(call.key) or call.method in ("GET", "PUT") or call.path in (WITHDRAW, ASK) or call.expects >= 400


@dataclass(frozen=True, slots=True)
class Script:
    """Calls one after another by one sender; later ones use the application and the token the first was answered."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What must become of one application that is entered in time."""

    business_number: str
    reference: str
    kind: FirmKind
    record_won: int | None
    version: int
    withdrawn: bool
    findings: Mapping[str, str]

    @property
    def eligible(self) -> bool:
        return _decides(self.findings, (PASS, WAIVED))

    @property
    def eligible_without_waiver(self) -> bool:
        """As the first round of 2018 would have judged it."""
        return _decides(self.findings, (PASS,))

    @property
    def against(self) -> tuple[str, ...]:
        return tuple(
            rule for rule, outcome in self.findings.items() if rule not in STATES_A_FACT and outcome in (FAIL, UNKNOWN)
        )


def _decides(findings: Mapping[str, str], enough: Sequence[str]) -> bool:
    return all(outcome in enough for rule, outcome in findings.items() if rule not in STATES_A_FACT)


def waived(findings: Mapping[str, str]) -> dict[str, str]:
    """A startup with a certificate that holds needs no other company condition (the second round's waiver)."""
    if findings["startup"] != PASS or findings["certificate"] != PASS:
        return dict(findings)
    return {
        rule: WAIVED if rule in _STARTUP_WAIVES and outcome != PASS else outcome for rule, outcome in findings.items()
    }


@dataclass(frozen=True, slots=True)
class Life:
    """What is done with one application. Chosen by the generator, so that each occurs in its share."""

    again_same_key: bool = False
    again_other_key: bool = False
    key_for_another: bool = False
    changed: Offered | None = None
    stale: bool = False
    no_if_match: bool = False
    withdrawn: bool = False
    as_written: bool = False


def script_and_fate(firm: Firm, offered: Offered, life: Life, contact: Json, key: str) -> tuple[Script, Fate]:
    """The calls that enter one application, and what they must come to."""
    first = body(firm, offered, contact)
    if life.as_written:
        first = as_bytes(_as_people_write(json.loads(first)))
    calls = [Call(AS_WRITTEN if life.as_written else "entered", 201, first, key=key)]
    if life.again_same_key:
        calls.append(Call("the same again under the same key", 201, first, key=key))
    if life.again_other_key:
        calls.append(Call("the same product again", 409, first, key=f"{key}-again"))
    if life.key_for_another:
        calls.append(Call("a used key with another body", 422, first + b" ", key=key))
    version, stands = 1, offered
    if life.changed is not None:
        version, stands = 2, life.changed
        calls.append(Call("resubmitted", 200, body(firm, stands, contact), CHANGE, "PUT", if_match=1))
        if life.stale:
            calls.append(Call("resubmitted over a newer version", 412, first, CHANGE, "PUT", if_match=1))
    if life.no_if_match:
        calls.append(Call("resubmitted without If-Match", 428, first, CHANGE, "PUT"))
    if life.withdrawn:
        version += 1
        calls.append(
            Call("withdrawn", 200, as_bytes({"reason": "양산 일정 변경 (production was postponed)"}), WITHDRAW)
        )
    findings = waived({**firm.findings, **stands.findings})
    fate = Fate(
        business_number=firm.facts["business_number"],
        reference=offered.facts["reference"],
        kind=firm.kind,
        record_won=firm.record_won,
        version=version,
        withdrawn=life.withdrawn,
        findings=findings,
    )
    return Script(tuple(calls)), fate


def _as_people_write(stated: Json) -> Json:
    """The same in Korean ways: a number in groups, days with dots, a sum with commas, digits of full width."""
    applicant, product = stated["applicant"], stated["product"]
    number, started = applicant["business_number"], date.fromisoformat(applicant["started_on"])
    applicant["business_number"] = f"{number[:3]}-{number[3:5]}-{number[5:]}"
    applicant["started_on"] = f"{started.year}. {started.month}. {started.day}."
    product["price_won"] = f"{product['price_won']:,}"
    for certificate in stated["certificates"]:
        certificate["issued_on"] = certificate["issued_on"].translate(_FULL_WIDTH)
    return stated


def body(firm: Firm, offered: Offered, contact: Json) -> bytes:
    return as_bytes(
        {
            "track": "general",
            "applicant": firm.facts,
            "product": offered.facts,
            "certificates": offered.certificates,
            "contact": contact,
        }
    )


def contact(number: int, rng: random.Random) -> Json:
    """Nobody real: the domain is reserved for examples."""
    language = "ko" if rng.random() < 0.85 else "en"
    name = f"담당자 {number + 1}" if language == "ko" else f"Contact {number + 1}"
    return {"name": name, "email": f"contact{number + 1:06d}@example.com", "language": language}


def as_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def calls_of(scripts: Iterable[Script]) -> Iterable[Call]:
    for script in scripts:
        yield from script.calls
