"""What check promises, tried on policies nobody would think of: a sound one judges and weighs any application, and a
step is called unreached exactly when nobody reaches it."""

from dataclasses import replace
from datetime import date
from itertools import product as every
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.judge import judge
from services.selection.domain.score import supply_record_points
from services.selection.domain.tickets import TicketGrounds, ticket_grounds, tickets
from shared.contracts.facts import ApplicationFacts, BusinessStatus, Certificate, Document, Origin, SupplyRecord
from shared.contracts.policy import Condition, Policy, ScoreStep, Scoring, TicketStep, Waiver
from shared.contracts.vocabulary import RULE_TERMS, Kind
from shared.policies.applicant_kinds import tickets_given
from shared.policies.conditions import condition_problems
from shared.policies.soundness import problems_of
from shared.policies.tables import MOST_STEPS, table_problems
from tests.data.facts import GOOD, policy
from tests.support.examples import examples

H2 = policy("2018-h2")
_WONS = st.sampled_from([0, 1, 99, 100, 101, 500_000_000, 500_000_001, 2**53 - 1])
_STEPS = st.builds(
    TicketStep,
    tickets=st.integers(1, 9),
    startup=st.sampled_from([None, True, False]),
    first_timer=st.sampled_from([None, True, False]),
    record_won_at_most=st.none() | _WONS,
    record_count_at_most=st.none() | st.integers(0, 3),
)


def reached(steps: tuple[TicketStep, ...]) -> set[int]:
    """By selection's own function, over every standing that can occur under the H2 rules."""
    found = set()
    marked = replace(H2, tickets=tuple(replace(step, tickets=number + 1) for number, step in enumerate(steps)))
    bounds = {step.record_won_at_most for step in steps if step.record_won_at_most is not None} | {500_000_000}
    wons = {0} | bounds | {bound + 1 for bound in bounds}
    for startup, won, count in every((True, False), wons, range(6)):
        found.add(tickets(TicketGrounds(startup, won <= 500_000_000, SupplyRecord(won=won, count=count)), marked) - 1)
    return found | {tickets(TicketGrounds(startup, False, None), marked) - 1 for startup in (True, False)}


@settings(max_examples=examples(300))
@given(st.lists(_STEPS, max_size=6))
def test_a_step_is_called_unreached_exactly_when_nobody_reaches_it(listed: list[TicketStep]) -> None:
    assume(all(step != TicketStep(tickets=step.tickets) for step in listed))
    steps = (*listed, TicketStep(tickets=1))
    told = {
        int(problem.pointer.rpartition("/")[2])
        for problem in table_problems(replace(H2, tickets=steps))
        if problem.code == "unreached-step"
    }
    assert told == set(range(len(steps))) - reached(steps)


_CREDIT = st.sampled_from([("B", ("A", "B")), ("A", ("A", "B", "Z")), ("Z", ("Z",))])
_BAD_CREDIT = st.sampled_from([("Q", ("A", "B")), ("A", ("A", "A"))])
_FACT_RULES = (
    Condition(rule="startup", legal_source="법", decides=False, parameters={"years": 7}),
    Condition(rule="first-timer", legal_source="법", decides=False, parameters={"cap_won": 100}),
)


@st.composite
def conditions(draw: st.DrawFn, odd: bool) -> tuple[Condition, ...]:
    """Of some rules beside the two that state facts; where it is odd, wrong in any way."""
    rules = draw(st.lists(st.sampled_from(sorted(RULE_TERMS)), min_size=1, max_size=6, unique=not odd))
    found = [each for each in _FACT_RULES if each.rule not in rules]
    for rule in rules:
        values: dict[str, Any] = {}
        optional: bool = draw(st.booleans())
        for name, terms in RULE_TERMS[rule].parameters.items():
            if terms.kind is Kind.NUMBER and (terms.needed or optional):
                values[name] = draw(st.sampled_from([terms.least, terms.most, min(terms.most, terms.least + 6)]))
        if rule == "sales-or-credit":
            least, grades = draw(_CREDIT | _BAD_CREDIT if odd else _CREDIT)
            values |= {"credit_at_least": least, "credit_grades": grades}
        if odd and values and optional:
            wrong: Any = draw(st.sampled_from([-1, 2**53, "7", True, ("7",)]))
            values[draw(st.sampled_from(sorted(values)))] = wrong
        decides = True if rule == rules[0] else draw(st.booleans())
        found.append(Condition(rule=rule, legal_source="법", parameters=values, decides=decides))
    return tuple(found)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Most of them sound."""
    odd = draw(st.sampled_from([False, False, True]))
    listed = draw(conditions(odd))
    names = sorted({condition.rule for condition in listed})
    order = draw(st.permutations(names))
    cut = draw(st.integers(1, len(order) - 1))
    waivers = (Waiver(code="w", legal_source="법", when=tuple(order[:cut]), waives=tuple(order[cut:])),)
    patterns = st.sampled_from(
        ["NEP-MOTIE-[0-9]{4}-[0-9]{3}", "[0-9A-Z-]+", "([0-9]|[A-Z-])+"] if odd else ["[0-9A-Z-]+"]
    )
    kinds = tuple(replace(kind, number_pattern=draw(patterns)) for kind in H2.certificates[2:4])
    accepted = draw(st.sampled_from([("nep",), ("nep", "net"), *([(), ("medal",)] if odd else [])]))
    waived = waivers if draw(st.booleans()) else ()
    track = replace(H2.tracks[0], conditions=listed, waivers=waived, certificates=accepted)
    bounds = sorted(draw(st.sets(_WONS, max_size=3)))
    scoring = Scoring(supply_record=tuple(ScoreStep(points=1, record_won_at_most=b) for b in [*bounds, None]))
    steps = (*draw(st.lists(_STEPS, max_size=2 if odd else 1)), TicketStep(tickets=1))
    as_of = draw(st.sampled_from([date(2018, 9, 14), date(2199, 12, 31), *([date(218, 1, 1)] if odd else [])]))
    return replace(H2, certificates=kinds, tracks=(track,), tickets=steps, scoring=scoring, as_of=as_of)


_DAYS = st.sampled_from(
    [date.min, date(2011, 9, 14), date(2016, 2, 29), date(2018, 9, 14), date(2018, 9, 15), date.max]
)
_PAPERS = st.none() | st.builds(Document, number=st.just("1"), issued_on=_DAYS, expires_on=st.none() | _DAYS)
_HELD = st.builds(
    Certificate,
    kind=st.sampled_from(["nep", "net", "medal"]),
    number=st.sampled_from(["NEP-MOTIE-2017-012", "NET-2017-001", "a" * 200, "1" * 200]),
    issued_on=_DAYS,
    expires_on=st.none() | _DAYS,
    grade=st.sampled_from([None, "1"]),
)
_FACTS = st.builds(
    lambda applicant, product, held, track: replace(
        GOOD,
        track=track,
        applicant=replace(GOOD.applicant, **applicant),
        product=replace(GOOD.product, **product),
        certificates=tuple(held),
    ),
    st.fixed_dictionaries(
        {
            "started_on": _DAYS,
            "origin": st.sampled_from(list(Origin)),
            "status": st.none() | st.sampled_from(list(BusinessStatus)),
            "sanctioned": st.none() | st.booleans(),
            "corporate_number": st.sampled_from([None, "1101110062432", "0000000000001"]),
            "sme_confirmation": _PAPERS,
            "supply_record": st.none() | st.builds(SupplyRecord, won=_WONS, count=st.integers(0, 9)),
            "annual_sales_won": st.none() | _WONS,
            "credit_grade": st.sampled_from([None, "A", "B", "Z", "?"]),
        }
    ),
    st.fixed_dictionaries({"direct_production": _PAPERS}),
    st.lists(_HELD, max_size=3),
    st.sampled_from(["general", "nowhere"]),
)


@settings(max_examples=examples(600))
@given(policies(), _FACTS)
def test_a_sound_policy_judges_and_weighs_whatever_is_applied_with(of: Policy, facts: ApplicationFacts) -> None:
    if problems_of(of):
        return
    verdict = judge(facts, PolicyRules.compile(of, "0" * 64))
    record = facts.applicant.supply_record
    given_in_the_draw = tickets(ticket_grounds(verdict.findings, record), of)
    assert given_in_the_draw >= 1
    assert tickets_given(of.tickets, verdict.findings, record) == given_in_the_draw, "a check says no other"
    assert of.scoring is not None
    assert supply_record_points(record, of.scoring) == 1


@settings(max_examples=examples(300))
@given(policies())
def test_checking_never_fails_and_names_places_that_are_there(of: Policy) -> None:
    for problem in condition_problems(of):
        assert problem.pointer.startswith(("/certificates/", "/tracks/0/", "/as_of"))
        assert problem.fix


def test_a_table_nobody_could_follow_is_refused_at_once() -> None:
    steps = tuple(TicketStep(tickets=1, record_won_at_most=won) for won in range(5000))
    (problem,) = table_problems(replace(H2, tickets=steps))
    assert (problem.pointer, problem.code) == ("/tickets", "too-many-steps")
    assert str(MOST_STEPS) in problem.fix
