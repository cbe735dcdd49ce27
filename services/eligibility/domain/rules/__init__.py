"""The rules that a policy may name, each with its code and its parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from services.eligibility.domain.observation import Observation, Terms
from services.eligibility.domain.rules import company, documents, files, numbers, product, record
from shared.contracts.facts import ApplicationFacts

Observe = Callable[[ApplicationFacts, Terms], Observation]
ParameterType = type[int] | type[str] | type[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. `needs`: parameters that the policy must give; `may`: optional ones."""

    code: str
    observe: Observe
    needs: Mapping[str, ParameterType] = field(default_factory=dict)
    may: Mapping[str, ParameterType] = field(default_factory=dict)


_CREDIT: Final[Mapping[str, ParameterType]] = {"sales_floor_won": int, "credit_at_least": str, "credit_grades": tuple}
_VALIDITY: Final[Mapping[str, ParameterType]] = {"validity_years": int}

RULES: Final[Mapping[str, Rule]] = {
    rule.code: rule
    for rule in (
        Rule(numbers.BUSINESS_NUMBER, numbers.business_number),
        Rule(numbers.CORPORATE_NUMBER, numbers.corporate_number),
        Rule(company.BUSINESS_ACTIVE, company.business_active),
        Rule(company.NOT_SANCTIONED, company.not_sanctioned),
        Rule(documents.SME_CONFIRMATION, documents.sme_confirmation, may=_VALIDITY),
        Rule(documents.CERTIFICATE, documents.certificate),
        Rule(record.STARTUP, record.startup, needs={"years": int}),
        Rule(record.FIRST_TIMER, record.first_timer, needs={"cap_won": int}),
        Rule(record.TRACK_CAP, record.track_cap, needs={"cap_won": int}),
        Rule(company.SALES_OR_CREDIT, company.sales_or_credit, needs=_CREDIT),
        Rule(documents.DIRECT_PRODUCTION, documents.direct_production, may=_VALIDITY),
        Rule(product.PRODUCT_CLASS, product.product_class),
        Rule(files.DOCUMENTS, files.documents, needs={"kinds": tuple}),
    )
}
