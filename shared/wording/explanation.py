"""Findings in words, in the applicant's language: rule, value seen, value needed, margin, and what would have
helped."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.contracts.events import Language
from shared.contracts.events.verdicts import Evidence
from shared.contracts.findings import Change, Finding, FindingOutcome, Unit
from shared.programme.documents import kind_in_words
from shared.wording.evidence_words import evidence_of, explain_evidence

_KO, _EN = Language.KO, Language.EN


@dataclass(frozen=True, slots=True)
class RuleWords:
    """A rule's name, and whether its bound is an upper one: *over the limit* outside it, else *short*."""

    ko: str
    en: str
    upper_bound: bool = False

    def name(self, language: Language) -> str:
        return self.ko if language is _KO else self.en


RULE_WORDS: Final[Mapping[str, RuleWords]] = {
    "business-number": RuleWords("사업자등록번호", "Business registration number"),
    "corporate-number": RuleWords("법인등록번호", "Corporate registration number"),
    "business-active": RuleWords("영업 상태", "Business in operation"),
    "not-sanctioned": RuleWords("부정당업자 제재", "Not barred from public contracts"),
    "sme-confirmation": RuleWords("중소기업확인서", "SME confirmation"),
    "direct-production": RuleWords("직접생산확인", "Direct production confirmation"),
    "certificate": RuleWords("기술개발제품 인증", "Technology-product certificate"),
    "sales-or-credit": RuleWords("매출액 또는 신용등급", "Sales or credit grade"),
    "product-class": RuleWords("구매 대상 품목", "Purchasable product class"),
    "startup": RuleWords("창업기업", "Startup", upper_bound=True),
    "first-timer": RuleWords("첫걸음기업", "First-timer", upper_bound=True),
    "track-cap": RuleWords("공공 납품 실적 한도", "Cap on the public supply record", upper_bound=True),
    "documents": RuleWords("제출 서류", "Documents"),
    "track": RuleWords("신청 분야", "Track"),
}

# Texts that rules write about values (services/eligibility), in Korean. Others stay as they are.
_VALUES: Final = (
    (r"valid on (\S+)", r"\1 현재 유효"),
    (r"accepted certificate valid on (\S+)", r"\1 현재 유효한 인정 대상 인증"),
    (r"end of validity, after (\S+)", r"\1 이후까지의 유효기간"),
    (r"until (\S+)", r"\1까지 유효"),
    (r"issued (\S+)", r"\1 발급"),
    (r"started by (\S+)", r"\1까지 창업"),
    (r"started (\S+)", r"\1 창업"),
    (r"(\d+) years not elapsed on (\S+)", r"\2 현재 창업 후 \1년 미경과"),
    (r"not sanctioned", r"제재 없음"),
    (r"sanctioned", r"제재 중"),
    (r"active", r"계속사업자"),
    (r"suspended", r"휴업"),
    (r"closed", r"폐업"),
    (r"new", r"신규 창업"),
    (r"succession", r"동종 사업 승계"),
    (r"conversion", r"법인 전환"),
    (r"reopening", r"폐업 후 동종 재개업"),
    (r"sole-proprietor", r"개인사업자"),
    (r"sales of (\d+) won or credit grade (\S+)", r"매출액 \1원 이상 또는 신용등급 \2 이상"),
    (r"credit grade (\S+)", r"신용등급 \1"),
    (r"(\S+) of grade (.+)", r"\1 \2등급"),
    (r"grade (.+)", r"\1등급"),
    (r"check digit (\d)", r"검증번호 \1"),
    (r"number as (.+)", r"번호 형식 \1"),
    (r"one of (.+)", r"다음 중 하나: \1"),
    (r"class beginning with (.+)", r"다음으로 시작하는 품목: \1"),
    (r"corporate number of a corporation", r"법인의 법인등록번호"),
    (r"purchasable class", r"구매 대상 품목"),
)
_KOREAN: Final = tuple((re.compile(pattern), korean) for pattern, korean in _VALUES)
_KINDS_OF_DOCUMENTS: Final = re.compile(r"documents: (.+)")
_LONG_NUMBER: Final = re.compile(r"(?<![\d-])\d{5,}(?=원| won)")

_UNITS: Final[Mapping[Language, Mapping[Unit, Callable[[int], str]]]] = {
    _KO: {Unit.WON: "{:,}원".format, Unit.DAYS: "{:,}일".format, Unit.COUNT: "{:,}단계".format},
    _EN: {
        Unit.WON: "KRW {:,}".format,
        Unit.DAYS: lambda days: "1 day" if days == 1 else f"{days:,} days",
        Unit.COUNT: lambda steps: "1 step" if steps == 1 else f"{steps:,} steps",
    },
}

_OUTCOMES: Final = {
    FindingOutcome.PASS: ("충족", "met"),
    FindingOutcome.WAIVED: ("면제", "waived"),
    FindingOutcome.FAIL: ("충족하지 못함", "not met"),
    FindingOutcome.UNKNOWN: ("확인할 수 없음", "could not be confirmed"),
}
_STATED: Final = {
    FindingOutcome.PASS: ("해당", "applies"),
    FindingOutcome.FAIL: ("해당 없음", "does not apply"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One finding in words. `gap`: how far outside or inside the bound; empty if it can't be measured."""

    rule: str
    outcome: str
    seen: str
    needed: str
    gap: str
    legal_source: str


def speaks_against(finding: Finding) -> bool:
    """True for a condition that failed, or could not be confirmed."""
    return finding.decides and finding.outcome in {FindingOutcome.FAIL, FindingOutcome.UNKNOWN}


def explain(finding: Finding, language: Language, evidence: Sequence[Evidence] = ()) -> Explained:
    """The finding in words, with the registries' answers if any were asked."""
    words = RULE_WORDS.get(finding.rule) or RuleWords(finding.rule, finding.rule)
    registries_said = "; ".join(explain_evidence(each, language) for each in evidence_of(finding, evidence))
    seen = _value(finding.seen, finding.unit, language) if finding.seen is not None else ""
    if registries_said:
        seen = f"{seen} ({registries_said})" if seen else registries_said
    return Explained(
        rule=words.name(language),
        outcome=_outcome(finding, language),
        seen=seen or _nothing(language),
        needed=_value(finding.needed, finding.unit, language),
        gap=_gap(finding, words, language),
        legal_source=finding.legal_source,
    )


_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "/track": ("신청 분야", "track applied under"),
    "/applicant/business_number": ("사업자등록번호", "business registration number"),
    "/applicant/corporate_number": ("법인등록번호", "corporate registration number"),
    "/applicant/status": ("영업 상태", "business status"),
    "/applicant/sanctioned": ("부정당업자 제재", "sanctions"),
    "/applicant/sme_confirmation": ("중소기업확인서", "SME confirmation"),
    "/applicant/annual_sales_won": ("연간 매출액", "annual sales"),
    "/applicant/credit_grade": ("신용등급", "credit grade"),
    "/applicant/started_on": ("창업일", "business start"),
    "/applicant/supply_record/won": ("공공 납품 실적", "public supply record"),
    "/product/class_code": ("품목", "product class"),
    "/documents/-": ("제출 서류", "documents"),
    "/product/direct_production": ("직접생산확인", "direct production confirmation"),
}
_AT_LEAST: Final = frozenset({"/applicant/annual_sales_won"})


def explain_change(change: Change, language: Language) -> str:
    """One line: the fact, and the value it would have needed."""
    korean, english = _FIELDS.get(change.pointer, ("기술개발제품 인증", "technology-product certificate"))
    needed = _value(change.needed, Unit.WON if isinstance(change.needed, int) else None, language)
    if isinstance(change.needed, int):
        least = change.pointer in _AT_LEAST
        if language is _KO:
            needed += " 이상" if least else " 이하"
        else:
            needed = f"{'at least' if least else 'at most'} {needed}"
    return f"{korean if language is _KO else english}: {needed}"


def _outcome(finding: Finding, language: Language) -> str:
    """The outcome in words. A finding that does not decide states a fact: it applies or not."""
    words = _OUTCOMES if finding.decides else _OUTCOMES | _STATED
    korean, english = words[finding.outcome]
    return korean if language is _KO else english


def _nothing(language: Language) -> str:
    return "제출된 자료 없음" if language is _KO else "nothing was stated"


def _value(value: Any, unit: Unit | None, language: Language) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return _UNITS[language][unit](value) if unit is not None else f"{value:,}"
    text = str(value)
    if kinds := _KINDS_OF_DOCUMENTS.fullmatch(text):
        return ", ".join(kind_in_words(kind, language.value) for kind in kinds[1].split(", "))
    if language is _KO:
        for pattern, korean in _KOREAN:
            if pattern.fullmatch(text):
                text = pattern.sub(korean, text)
                break
    return _LONG_NUMBER.sub(lambda number: f"{int(number.group()):,}", text)


def _gap(finding: Finding, words: RuleWords, language: Language) -> str:
    """The margin in words; a negative margin is outside the bound."""
    if finding.margin is None or finding.unit is None:
        return ""
    size = _UNITS[language][finding.unit](abs(finding.margin))
    if finding.margin >= 0:
        return f"{size} 여유" if language is _KO else f"{size} to spare"
    if language is _KO:
        return f"기준을 {size} 초과" if words.upper_bound else f"기준에 {size} 부족"
    return f"{size} over the limit" if words.upper_bound else f"{size} short"
