"""Registries' answers in words, in the applicant's language."""

from collections.abc import Iterable
from typing import Final

from shared.contracts.events import Language
from shared.contracts.events.verdicts import Evidence
from shared.contracts.facts import BusinessStatus
from shared.contracts.findings import Finding
from shared.contracts.registries import Registry, RegistryAnswer, RegistryOutcome
from shared.programme.working_days import korean_date

_RULES: Final = {"business-active": Registry.BUSINESS_STATUS, "certificate": Registry.CERTIFICATES}
"""The registry whose answers each rule judges."""
_KO: Final = {BusinessStatus.ACTIVE: "계속사업자", BusinessStatus.SUSPENDED: "휴업", BusinessStatus.CLOSED: "폐업"}
_EN: Final = {
    BusinessStatus.ACTIVE: "in business",
    BusinessStatus.SUSPENDED: "suspended",
    BusinessStatus.CLOSED: "closed",
}


def evidence_of(finding: Finding, evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """The registries' answers that the finding's rule judged."""
    asked = _RULES.get(finding.rule)
    return tuple(each for each in evidence if each.answer.registry is asked)


def explain_evidence(evidence: Evidence, language: Language) -> str:
    """One line: who answered what, and when (Korean date, programme time)."""
    authority, answer = evidence.authority, evidence.answer
    day = korean_date(answer.said_at).isoformat()
    number = answer.subject.rpartition("/")[2]
    match answer.outcome, language:
        case RegistryOutcome.WAIVED, Language.KO:
            return f"{authority} 조회 불가로 신청 내용에 따름"
        case RegistryOutcome.WAIVED, _:
            return f"the registry of {authority} gave no answer, so what was stated counts"
        case RegistryOutcome.UNKNOWN, Language.KO:
            return f"{authority} {day} 조회 결과: {number} 등록되지 않은 번호"
        case RegistryOutcome.UNKNOWN, _:
            return f"as the registry of {authority} said on {day}: no such number {number}"
        case _, Language.KO:
            return f"{authority} {day} 조회 결과: {_korean(answer, number)}"
    return f"as the registry of {authority} said on {day}: {_english(answer, number)}"


def _korean(answer: RegistryAnswer, number: str) -> str:
    if answer.status is not None:
        return f"{answer.closed_on} {_KO[answer.status]}" if answer.closed_on else _KO[answer.status]
    until = f" ~ {answer.expires_on}" if answer.expires_on else " ~"
    revoked = f", {answer.revoked_on} 취소" if answer.revoked_on else ""
    holder = f", 사업자등록번호 {answer.holder}" if answer.holder else ""
    return f"{number} {answer.issued_on}{until}{revoked}{holder}"


def _english(answer: RegistryAnswer, number: str) -> str:
    if answer.status is not None:
        return f"{_EN[answer.status]} on {answer.closed_on}" if answer.closed_on else _EN[answer.status]
    until = f" until {answer.expires_on}" if answer.expires_on else ""
    revoked = f", revoked on {answer.revoked_on}" if answer.revoked_on else ""
    holder = f", of business number {answer.holder}" if answer.holder else ""
    return f"{number} from {answer.issued_on}{until}{revoked}{holder}"
