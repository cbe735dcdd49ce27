"""The form *am I eligible?*: which fields it has, and the facts that are judged. Nothing of it is stored."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.portal.domain.fields import CERTIFICATE, FIRM, PRODUCT, TRACK, Field, Json, stated

FIELDS: Final = (TRACK, *FIRM, *PRODUCT, *CERTIFICATE)
GROUPS: Final = {"firm": FIRM, "product": PRODUCT, "certificate": CERTIFICATE}
RULES_OF: Final = {
    "corporate_number": "corporate-number",
    "status": "business-active",
    "sanctioned": "not-sanctioned",
    "sme_number": "sme-confirmation",
    "sme_issued_on": "sme-confirmation",
    "sme_expires_on": "sme-confirmation",
    "annual_sales": "sales-or-credit",
    "credit_grade": "sales-or-credit",
    "direct_number": "direct-production",
    "direct_issued_on": "direct-production",
    "direct_expires_on": "direct-production",
    "certificate_kind": "certificate",
    "certificate_number": "certificate",
    "certificate_issued_on": "certificate",
    "certificate_expires_on": "certificate",
    "certificate_grade": "certificate",
}
"""The rule that looks at a field: where a policy lacks it, the form does not ask."""
NOT_JUDGED: Final = {"reference": "check", "capacity": 1, "delivery_days": 0}
"""What an application states of its product and no rule of eligibility looks at."""


def asked(fields: Sequence[Field], rules: frozenset[str]) -> list[Field]:
    """The fields that these rules need."""
    return [field for field in fields if RULES_OF.get(field.label) in (None, *rules)]


def facts_of(typed: Mapping[str, str], fields: Sequence[Field] = FIELDS) -> Json:
    """The body of a check."""
    facts = stated(typed, fields)
    return {**facts, "product": {**NOT_JUDGED, **facts.get("product", {})}}
