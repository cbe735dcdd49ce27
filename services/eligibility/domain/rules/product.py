"""The rule about the product: institutions may buy its class in this round."""

from services.eligibility.domain.observation import Observation, Terms, failed, passed
from shared.contracts.facts import ApplicationFacts

PRODUCT_CLASS = "product-class"


def product_class(facts: ApplicationFacts, terms: Terms) -> Observation:
    """The class begins with one of the policy's purchasable prefixes; without prefixes every class is purchasable."""
    code, prefixes = facts.product.class_code, terms.purchasable_classes
    if not prefixes:
        return passed(code)
    if code.startswith(prefixes):
        return passed(code, "purchasable class")
    return failed(code, f"class beginning with {', '.join(prefixes)}")
