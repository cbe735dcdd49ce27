"""What a firm may have in a round: no product by two names, and no more entries than its limits."""

import pytest

from services.intake.domain.admission import FirmLimit, Refusal
from services.intake.domain.firms import Caps, Standing, names_of, refusal

NO_CAPS = Caps(None, {})
PRODUCT = names_of("P-1", "24681357")


def entry(number: int, *, track: str = "general", withdrawn: bool = False) -> Standing:
    return Standing(f"a{number}", names_of(f"X-{number}", None), track, withdrawn, f"token-{number}")


@pytest.mark.parametrize(
    ("reference", "item_id", "same"),
    [
        ("P-1", None, True),
        ("p-1", None, True),
        ("P-2", "24681357", True),
        ("P-1", "11111111", True),
        ("P-2", None, False),
        ("P-2", "11111111", False),
        ("24681357", None, False),
    ],
)
def test_a_product_is_the_same_by_either_of_its_names(reference: str, item_id: str | None, same: bool) -> None:
    before = Standing("a", PRODUCT, "general", False, "token")
    told = refusal(names_of(reference, item_id), "general", [before], NO_CAPS)
    assert told is (Refusal.ALREADY_ENTERED if same else None)


def test_a_withdrawn_product_keeps_its_names_and_gives_its_place_back() -> None:
    withdrawn = Standing("a", PRODUCT, "general", True, "token")
    caps = Caps(1, {})
    assert refusal(PRODUCT, "general", [withdrawn], caps) is Refusal.ALREADY_ENTERED
    assert refusal(names_of("P-2", None), "general", [withdrawn], caps) is None


@pytest.mark.parametrize("standing", range(5))
@pytest.mark.parametrize("most", [1, 2, 3, None])
def test_a_firm_has_as_many_entries_as_the_round_lets_it(standing: int, most: int | None) -> None:
    others = [entry(number) for number in range(standing)] + [entry(9, withdrawn=True)]
    told = refusal(PRODUCT, "general", others, Caps(most, {}))
    assert told == (FirmLimit(most, None, None) if most is not None and standing >= most else None)


def test_a_track_has_its_own_limit_before_the_rounds() -> None:
    caps, others = Caps(3, {"startup": 1}), [entry(1, track="startup"), entry(2), entry(3, track="startup")]
    assert refusal(PRODUCT, "startup", others[:1], caps) == FirmLimit(1, "startup", None)
    assert refusal(PRODUCT, "general", others[:1], caps) is None
    assert refusal(PRODUCT, "general", others, caps) == FirmLimit(3, None, None)


def test_only_the_entry_whose_token_was_sent_is_named() -> None:
    others = [entry(1), entry(2)]
    assert refusal(PRODUCT, "general", others, Caps(2, {}), "token-2") == FirmLimit(2, None, "a2")
    assert refusal(PRODUCT, "general", others, Caps(2, {}), "token-3") == FirmLimit(2, None, None)
    assert refusal(PRODUCT, "general", others, Caps(2, {}), None) == FirmLimit(2, None, None)
