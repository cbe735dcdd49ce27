"""What of a purchase request is unlikely to be meant, and what is not."""

import pytest

from services.intake.domain.likelihood import warnings
from shared.contracts.facts import RequestFacts
from shared.wording.in_korean import in_korean

CASES: list[tuple[dict[str, int], list[tuple[str, str]]]] = [
    ({"quantity": 50, "budget_won": 120_000_000}, []),
    ({"quantity": 50, "budget_won": 120_000_000, "price_ceiling_won": 2_400_000}, []),
    ({"quantity": 50, "budget_won": 120_000_000, "price_ceiling_won": 1_200_000}, []),
    ({"quantity": 50, "budget_won": 120_000_000, "price_ceiling_won": 1_199_999}, [("price_ceiling_won", "far-below")]),
    ({"quantity": 50, "budget_won": 120_000_000, "price_ceiling_won": 24_000_000}, []),
    (
        {"quantity": 50, "budget_won": 120_000_000, "price_ceiling_won": 24_000_001},
        [("price_ceiling_won", "far-above")],
    ),
    ({"quantity": 120_000_000, "budget_won": 50}, [("quantity", "budget-below-any-price")]),
    ({"quantity": 5, "budget_won": 50}, []),
    ({"quantity": 5, "budget_won": 49, "price_ceiling_won": 49}, [("quantity", "budget-below-any-price")]),
    ({"quantity": 5, "budget_won": 5000, "delivery_days_at_most": 3}, []),
    (
        {"quantity": 5, "budget_won": 5000, "delivery_days_at_most": 2},
        [("delivery_days_at_most", "hardly-deliverable")],
    ),
    (
        {"quantity": 5, "budget_won": 5000, "price_ceiling_won": 10, "delivery_days_at_most": 0},
        [("price_ceiling_won", "far-below"), ("delivery_days_at_most", "hardly-deliverable")],
    ),
]


@pytest.mark.parametrize(("stated", "wanted"), CASES)
def test_what_is_unlikely_is_remarked_on_by_its_field(stated: dict[str, int], wanted: list[tuple[str, str]]) -> None:
    found = warnings(RequestFacts(class_code="41112201", **stated))  # type: ignore[arg-type]
    assert [(one.pointer, one.code.removeprefix("ceiling-")) for one in found] == [
        (f"/facts/{field}", code) for field, code in wanted
    ]
    assert all(in_korean(text) != text for one in found for text in (one.detail, one.fix))
