"""Markets of offers and demands, for properties."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from services.selection.domain.offers import Demand, Offer
from shared.contracts.policy import Limits, TrackLimits

FREE = Limits(selections_per_firm=9, requests_per_product=9)


def offer(application: str = "a", **changes: Any) -> Offer:
    standard = Offer(
        application=application,
        track="general",
        firm=application,
        class_code="41112201",
        price_won=100,
        capacity=10,
        delivery_days=30,
    )
    return replace(standard, **changes)


def demand(request: str = "lh/1", **changes: Any) -> Demand:
    standard = Demand(
        request=request,
        institution=request.split("/", maxsplit=1)[0],
        class_code="41112201",
        quantity=5,
        budget_won=1000,
    )
    return replace(standard, **changes)


CLASSES = st.sampled_from(["41112201", "43000000"])


KINDS = st.lists(st.sampled_from(["nep", "gs"]), max_size=2, unique=True).map(tuple)


TRACKS = ("general", "startup")


INSTITUTIONS = ("ex", "lh", "kepco")


@st.composite
def markets(draw: st.DrawFn) -> "Market":
    offers = [
        Offer(
            application=f"a{n}",
            track=draw(st.sampled_from(TRACKS)),
            firm=draw(st.sampled_from("xyz")),
            class_code=draw(CLASSES),
            price_won=draw(st.integers(1, 40)),
            capacity=draw(st.integers(1, 6)),
            delivery_days=draw(st.integers(0, 3)),
            regions=draw(st.sampled_from([(), ("seoul",), ("busan",)])),
            certificates=draw(KINDS),
        )
        for n in range(draw(st.integers(0, 12)))
    ]
    demands = []
    for n in range(draw(st.integers(0, 8))):
        institution = draw(st.sampled_from(INSTITUTIONS))
        demands.append(
            Demand(
                request=f"{institution}/{n}",
                institution=institution,
                class_code=draw(CLASSES),
                quantity=draw(st.integers(1, 6)),
                budget_won=draw(st.integers(1, 150)),
                price_ceiling_won=draw(st.none() | st.integers(1, 40)),
                certificate_kinds=draw(KINDS),
                region=draw(st.sampled_from([None, None, "seoul"])),
                delivery_days_at_most=draw(st.none() | st.integers(0, 3)),
            )
        )
    pledges = {name: draw(st.integers(0, 300)) for name in INSTITUTIONS if draw(st.booleans())}
    limits = Limits(
        selections_per_firm=draw(st.integers(1, 4)),
        requests_per_product=draw(st.integers(1, 3)),
        places=draw(st.none() | st.integers(1, 6)),
        reserve=draw(st.none() | st.integers(0, 3)),
    )
    tracks = {
        track: TrackLimits(
            places=draw(st.none() | st.integers(1, 4)),
            reserve=draw(st.none() | st.integers(0, 2)),
            selections_per_firm=draw(st.none() | st.integers(1, 2)),
        )
        for track in TRACKS
        if draw(st.booleans())
    }
    return offers, demands, pledges, limits, tracks


def meets(one: Offer, asked: Demand) -> bool:
    """Said again in other words than the code's."""
    return all(
        (
            one.class_code == asked.class_code,
            asked.price_ceiling_won is None or one.price_won <= asked.price_ceiling_won,
            asked.delivery_days_at_most is None or one.delivery_days <= asked.delivery_days_at_most,
            asked.region is None or one.regions == () or asked.region in one.regions,
            asked.certificate_kinds == () or set(asked.certificate_kinds) & set(one.certificates) != set(),
        )
    )


Market = tuple[list[Offer], list[Demand], dict[str, int], Limits, dict[str, TrackLimits]]


UNBOUNDED = TrackLimits()
