"""What is matched: offers of applications, demands of purchase requests, and the awards that join them."""

from dataclasses import dataclass

from shared.contracts.facts import ApplicationFacts, RequestFacts
from shared.programme.certificates import AcceptedKinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What an application offers. `certificates` are the kinds of which a valid one is held."""

    application: str
    track: str
    firm: str  # its business number: limits are per firm
    class_code: str
    price_won: int
    capacity: int
    delivery_days: int
    regions: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A purchase request: up to `quantity` units within `budget_won`."""

    request: str
    institution: str
    class_code: str
    quantity: int
    budget_won: int
    price_ceiling_won: int | None = None
    certificate_kinds: tuple[str, ...] = ()
    region: str | None = None
    delivery_days_at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Award:
    """What one request buys of one product."""

    request: str
    institution: str
    quantity: int
    amount_won: int


def offer_of(application: str, firm: str, facts: ApplicationFacts, accepted: AcceptedKinds) -> Offer:
    """The offer of an application's facts. `firm`: its business number."""
    product = facts.product
    return Offer(
        application=application,
        track=facts.track,
        firm=firm,
        class_code=product.class_code,
        price_won=product.price_won,
        capacity=product.capacity,
        delivery_days=product.delivery_days,
        regions=product.regions,
        certificates=accepted.held(facts.certificates),
    )


def demand_of(request: str, institution: str, facts: RequestFacts) -> Demand:
    """The demand of a purchase request's facts."""
    return Demand(
        request=request,
        institution=institution,
        class_code=facts.class_code,
        quantity=facts.quantity,
        budget_won=facts.budget_won,
        price_ceiling_won=facts.price_ceiling_won,
        certificate_kinds=facts.certificate_kinds,
        region=facts.region,
        delivery_days_at_most=facts.delivery_days_at_most,
    )
