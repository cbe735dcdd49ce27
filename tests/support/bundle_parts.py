"""Invented firms, facts and requests of a bundle."""

import json
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.judge import judge
from services.selection.domain.commitment import Entry
from services.selection.domain.offers import Offer, offer_of
from services.selection.domain.score import score
from services.selection.domain.tickets import ticket_grounds, tickets
from shared.contracts.facts import ApplicationFacts, RequestFacts
from shared.contracts.findings import VerdictOutcome
from shared.contracts.policy import Policy
from shared.programme.certificates import AcceptedKinds
from shared.programme.panel import PanelMark
from shared.proof.canonical import payload_hash
from tests.support.rounds import application

MORE_CERTIFICATES: tuple[list[dict[str, str]], ...] = (
    [],
    [{"kind": "gs", "number": "17-0001", "issued_on": "2017-02-28", "grade": "1"}],
    [{"kind": "gs", "number": "17-0002", "issued_on": "2017-02-28", "grade": "2"}],
    [
        {"kind": "net", "number": "NET-2016-001", "issued_on": "2016-02-29"},
        {"kind": "other", "number": "1", "issued_on": "2017-01-01"},
    ],
    [{"kind": "net", "number": "NET-2012-001", "issued_on": "2012-02-29"}],
    [{"kind": "net", "number": "NET-17-1", "issued_on": "2017-01-01"}],
    [{"kind": "net", "number": "NET-2018-002", "issued_on": "2018-09-15"}],
)


"""Beside a valid one: with and without a grade or a right number; ended, of a day to come, of another kind."""


FACTS, REQUEST = TypeAdapter(ApplicationFacts), TypeAdapter(RequestFacts)


@dataclass
class Judged:
    """A version, as selection holds it."""

    application: str
    nonce: str
    facts: dict[str, Any]
    payload_hash: str
    outcome: str
    findings: list[Any]
    findings_hash: str
    entry: Entry
    offer: Offer
    marks: list[list[Any]] | None = None


def judged_of(number: int, random: Random, made: Policy, rules: PolicyRules, varied: bool) -> Judged:
    body = application(number if number % 7 else number - 1)  # some firms enter two products
    body.pop("contact")
    body["product"] |= {"reference": f"P-{number}", "price_won": random.randrange(500_000, 4_000_000, 1000)}
    body["product"] |= {"capacity": random.randint(1, 6), "class_code": random.choice(["41112201", "43211503"])}
    body["product"] |= {"regions": random.choice([[], ["seoul"], ["busan", "seoul"]])}
    body["applicant"]["supply_record"] = {"won": random.choice([0, 10**8, 6 * 10**8, 3 * 10**9]), "count": number % 5}
    if varied:
        body["product"]["delivery_days"] = (30, 20, 45)[number % 3]
        body["certificates"] += MORE_CERTIFICATES[number % 7]
        if number > 9 and number % 4 == 1:
            body["product"]["price_won"] = 3_000_000  # a ceiling of requests
    if number % 5 == 0:
        body["certificates"] = []
    facts = FACTS.dump_python(FACTS.validate_python(body), mode="json", exclude={"documents"})
    read = FACTS.validate_python(facts)
    identifier, nonce = str(UUID(int=random.getrandbits(128), version=4)), f"{random.getrandbits(128):032x}"
    verdict = judge(read, rules, nonce)
    count = tickets(ticket_grounds(verdict.findings, read.applicant.supply_record), made)
    marks: list[list[Any]] | None = None
    points = None
    if made.scoring is not None:
        marks = [["lee", 1, random.randint(0, 100), False], ["park", 2, random.randint(0, 80), number % 3 == 0]]
        if verdict.outcome is VerdictOutcome.ELIGIBLE:
            theirs = [PanelMark(identifier, *mark) for mark in marks]
            points = score(theirs, read.applicant.supply_record, made.scoring)
    accepted = AcceptedKinds.compile(made.as_of, made.certificates)
    return Judged(
        identifier,
        nonce,
        facts,
        payload_hash(nonce, facts),
        verdict.outcome.value,
        json.loads(verdict.findings_json),
        verdict.findings_hash,
        Entry(identifier, verdict.outcome, count, points),
        offer_of(identifier, read.applicant.business_number, read, accepted),
        marks,
    )


def request_of(number: int, random: Random) -> dict[str, Any]:
    facts = {
        "class_code": random.choice(["41112201", "43211503"]),
        "quantity": random.randint(1, 8),
        "budget_won": random.randrange(2_000_000, 20_000_000, 1000),
        "price_ceiling_won": random.choice([None, 3_000_000]),
        "certificate_kinds": random.choice([[], ["nep"], ["net"]]),
        "region": random.choice([None, None, "busan"]),
        "delivery_days_at_most": random.choice([None, 30]),
        "note": "시험",
    }
    nonce = f"{random.getrandbits(128):032x}"
    institution = random.choice(["kepco", "lh", "nobody"])
    hashed = payload_hash(nonce, facts)
    return {
        "request": f"{institution}/PR-{number}",
        "institution": institution,
        "facts": facts,
        "nonce": nonce,
        "payload_hash": hashed,
    }


def utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
