"""The rules that a policy may name: what each asks, its parameters, and its legal source.

What they do is `services/eligibility/domain/rules`; a test holds the two together. Here, since whoever announces,
checks or explains a policy needs the words and may not import that service.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The type of a parameter."""

    NUMBER = "a whole number"
    TEXT = "a text"
    LIST = "a list of texts"


class Moved(StrEnum):
    """The effect of a greater value of a parameter."""

    LAXER = "laxer"
    STRICTER = "stricter"
    EITHER = "either"
    """It depends on other parameters, and is described separately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterTerms:
    """A parameter. `least` and `most` bound a number: outside, nobody or everybody would pass."""

    kind: Kind
    means: str
    needed: bool = True
    least: int = 0
    most: int = 2**53 - 1
    greater: Moved = Moved.EITHER
    whom: str = ""
    """Whom a change affects."""


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """A rule. `asks`: what passes; `whom`: whom it keeps out; `source`: its place in the law."""

    title: str
    asks: str
    whom: str
    source: str
    parameters: Mapping[str, ParameterTerms] = field(default_factory=dict)


def _years(whom: str) -> dict[str, ParameterTerms]:
    means = "years a paper holds from its issue where it states no end; without this, such a paper is unknown"
    return {
        "validity_years": ParameterTerms(
            kind=Kind.NUMBER, means=means, needed=False, least=1, most=100, greater=Moved.LAXER, whom=whom
        )
    }


def _cap(whom: str) -> dict[str, ParameterTerms]:
    means = "most won sold to public institutions so far"
    return {"cap_won": ParameterTerms(kind=Kind.NUMBER, means=means, greater=Moved.LAXER, whom=whom)}


RULE_TERMS: Final[Mapping[str, RuleTerms]] = {
    "business-number": RuleTerms(
        "business registration number",
        "its tenth digit is the check digit of the nine before it",
        "firms whose business number has a typing error",
        "부가가치세법 §8",
    ),
    "corporate-number": RuleTerms(
        "corporate registration number",
        "a corporation states one whose thirteenth digit is its check digit; a sole proprietor is not asked",
        "corporations whose number is missing or has a typing error",
        "상업등기법 §29 (assumed)",
    ),
    "business-active": RuleTerms(
        "business in operation",
        "the firm is neither suspended nor closed",
        "firms suspended or closed, or that do not state which",
        "부가가치세법 §8",
    ),
    "not-sanctioned": RuleTerms(
        "not barred from public contracts",
        "the firm is not barred as an improper contractor (부정당업자)",
        "firms barred from public contracts, or that do not state whether",
        "국가계약법 §27",
    ),
    "sme-confirmation": RuleTerms(
        "SME confirmation (중소기업확인서)",
        "the firm has one that holds on the date of judgement",
        "firms without an SME confirmation that holds",
        "중소기업기본법 §2, 시행령 §3",
        _years("firms whose SME confirmation states no end"),
    ),
    "certificate": RuleTerms(
        "technology-product certificate",
        "the firm holds one of a kind the track accepts: number as that kind writes it, accepted grade, valid on the "
        "date of judgement",
        "firms without an accepted certificate that holds",
        "판로지원법 시행령 §13의2",
    ),
    "startup": RuleTerms(
        "startup (창업기업)",
        "`years` have not elapsed since the start on the date of judgement; a succession, a conversion and a reopening "
        "are no start",
        "firms that are no startups",
        "중소기업창업 지원법 §2",
        {
            "years": ParameterTerms(
                kind=Kind.NUMBER,
                means="years a firm is young",
                needed=True,
                least=1,
                most=100,
                greater=Moved.LAXER,
                whom="firms of an age between the two",
            )
        },
    ),
    "first-timer": RuleTerms(
        "first-timer (첫걸음기업)",
        "the firm's public supply record is `cap_won` at the most",
        "firms with a greater public supply record, or that do not state it",
        "the round's notice",
        _cap("firms with a public supply record between the two"),
    ),
    "track-cap": RuleTerms(
        "cap of the track",
        "the firm's public supply record is `cap_won` at the most",
        "firms with a greater public supply record, or that do not state it",
        "the round's notice",
        _cap("firms with a public supply record between the two"),
    ),
    "sales-or-credit": RuleTerms(
        "sales or credit",
        "annual sales of `sales_floor_won` or more, or a credit grade of `credit_at_least` or better",
        "firms with small sales and a weak credit grade, or that do not state enough",
        "the round's notice",
        {
            "sales_floor_won": ParameterTerms(
                kind=Kind.NUMBER,
                means="least annual sales in won",
                greater=Moved.STRICTER,
                whom="firms with sales between the two and no sufficient credit grade",
            ),
            "credit_at_least": ParameterTerms(
                kind=Kind.TEXT,
                means="worst grade that suffices, one of `credit_grades`",
                whom="firms with a credit grade between the two and sales below the floor",
            ),
            "credit_grades": ParameterTerms(
                kind=Kind.LIST, means="every grade, from the best to the worst", whom="firms with sales below the floor"
            ),
        },
    ),
    "direct-production": RuleTerms(
        "confirmation of own production (직접생산확인)",
        "the product has one that holds on the date of judgement",
        "products without a confirmation of own production that holds",
        "판로지원법 §9",
        _years("products whose confirmation of own production states no end"),
    ),
    "product-class": RuleTerms(
        "class institutions may buy",
        "the product's class begins with one of the policy's `purchasable_classes`; with none listed, any does",
        "products of other classes",
        "판로지원법 §14",
    ),
    "documents": RuleTerms(
        "documents sent with the application",
        "the application names a document of each of `kinds`, which intake holds",
        "applications without a document of each kind",
        "the round's notice",
        {
            "kinds": ParameterTerms(
                kind=Kind.LIST,
                means="kinds of documents, such as specification",
                whom="applications without documents of the kinds that differ",
            )
        },
    ),
}
