"""What registries are asked about an application, and its facts as they confirm them. Pure.

A registry's answer replaces what the firm stated before anything is judged; judging knows no registry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from services.eligibility.domain.compiled import PolicyRules
from shared.contracts.events.verdicts import Evidence
from shared.contracts.facts import ApplicationFacts, BusinessStatus, Certificate
from shared.contracts.findings import Change
from shared.contracts.policy import RegistryUse
from shared.contracts.registries import Registry, RegistryAnswer, RegistryOutcome
from shared.programme.certificates import Flaw

_UNREADABLE: Final = (Flaw.KIND, Flaw.NUMBER)
"""Flaws that no registry could mend: the policy lacks the kind, or the number is not in the kind's form."""


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """A subject that a registry is asked about."""

    registry: Registry
    subject: str


Answers = Mapping[Question, RegistryAnswer]


def questions(facts: ApplicationFacts, rules: PolicyRules) -> tuple[Question, ...]:
    """Each question once, in the order of the policy's registries and of the stated certificates."""
    asked = (question for use in rules.registries for question, _ in _asked(facts, rules, use))
    return tuple(dict.fromkeys(asked))


def confirmed(facts: ApplicationFacts, answers: Answers, rules: PolicyRules) -> ApplicationFacts:
    """The facts as the registries confirm them; as stated where none was asked, or the answer was waived."""
    for use in rules.registries:
        if use.registry is Registry.BUSINESS_STATUS:
            answer = answers[Question(use.registry, facts.applicant.business_number)]
            status = _status(facts.applicant.status, answer, rules.as_of)
            facts = replace(facts, applicant=replace(facts.applicant, status=status))
        else:
            held = _held(facts, answers, rules)
            facts = replace(facts, certificates=tuple(each for each in held if each is not None))
    return facts


def evidence(facts: ApplicationFacts, answers: Answers, rules: PolicyRules) -> tuple[Evidence, ...]:
    """The answers an application was judged by. `facts`: as stated."""
    by_question: dict[Question, Evidence] = {}
    for use in rules.registries:
        for question, certificate in _asked(facts, rules, use):
            answer = answers[question]
            confirmed = (
                _status(facts.applicant.status, answer, rules.as_of)
                if certificate is None
                else _certificate(certificate, answer, facts)
            )
            differs = confirmed != (facts.applicant.status if certificate is None else certificate)
            before = by_question.get(question)
            differs = differs or (before is not None and before.differs)
            by_question[question] = Evidence(authority=use.authority, answer=answer, differs=differs)
    return tuple(by_question.values())


def as_stated(
    changes: Sequence[Change], facts: ApplicationFacts, answers: Answers, rules: PolicyRules
) -> tuple[Change, ...]:
    """Rewrites pointers into confirmed certificates as pointers into the stated ones, which include those not
    confirmed."""
    held_at = [place for place, held in enumerate(_held(facts, answers, rules)) if held is not None]
    return tuple(replace(change, pointer=_restated(change.pointer, held_at)) for change in changes)


def _restated(pointer: str, held_at: Sequence[int]) -> str:
    match pointer.split("/"):
        case ["", "certificates", place, *rest] if place.isdecimal():
            return "/".join(["", "certificates", str(held_at[int(place)]), *rest])
    return pointer


def _asked(facts: ApplicationFacts, rules: PolicyRules, use: RegistryUse) -> list[tuple[Question, Certificate | None]]:
    """Each question with the certificate it is about; None where it is about the firm."""
    if use.registry is Registry.BUSINESS_STATUS:
        return [(Question(use.registry, facts.applicant.business_number), None)]
    return [
        (question, certificate)
        for certificate in facts.certificates
        if (question := _question(certificate, facts, rules, use))
    ]


def _question(
    certificate: Certificate, facts: ApplicationFacts, rules: PolicyRules, use: RegistryUse
) -> Question | None:
    if (use.kinds and certificate.kind not in use.kinds) or rules.kinds.examine(certificate).flaw in _UNREADABLE:
        return None
    return Question(use.registry, f"{certificate.kind}/{facts.product.class_code}/{certificate.number}")


def _held(facts: ApplicationFacts, answers: Answers, rules: PolicyRules) -> list[Certificate | None]:
    """Each stated certificate as its registry confirms it; None for one that it does not."""
    held: list[Certificate | None] = list(facts.certificates)
    for use in rules.registries:
        if use.registry is not Registry.CERTIFICATES:
            continue
        for place, certificate in enumerate(facts.certificates):
            question = _question(certificate, facts, rules, use)
            if question is not None:
                held[place] = _certificate(certificate, answers[question], facts)
    return held


def _status(stated: BusinessStatus | None, answer: RegistryAnswer, as_of: date) -> BusinessStatus | None:
    """The status on the date of judgement: a firm that closed later was active then."""
    match answer.outcome:
        case RegistryOutcome.WAIVED:
            return stated
        case RegistryOutcome.UNKNOWN:
            return None
        case RegistryOutcome.KNOWN:
            closed_later = answer.closed_on is not None and answer.closed_on > as_of
            return BusinessStatus.ACTIVE if closed_later else answer.status


def _certificate(certificate: Certificate, answer: RegistryAnswer, facts: ApplicationFacts) -> Certificate | None:
    """The certificate as its registry confirms it; None where that does not know it, or knows another holder."""
    if answer.outcome is RegistryOutcome.WAIVED:
        return certificate
    another = answer.holder is not None and answer.holder != facts.applicant.business_number
    if answer.outcome is RegistryOutcome.UNKNOWN or answer.issued_on is None or another:
        return None
    ends = [answer.expires_on] if answer.expires_on else []
    if answer.revoked_on is not None:
        ends.append(answer.revoked_on - timedelta(days=1))
    return replace(certificate, issued_on=answer.issued_on, expires_on=min(ends, default=None), grade=answer.grade)
