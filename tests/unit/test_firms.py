"""What a firm may have in a round: no product twice from one party, no more products than its limits, and of what two
parties enter one at the most."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.firms import Caps, FirmEntry, Place, contested, names_of, place, products
from services.intake.domain.submissions import FirmLimit, Refusal
from shared.contracts.identity import IdentityLevel

NO_CAPS = Caps(None, {})
PRODUCT = names_of("P-1", "24681357")
ALONE = Place()
FIRM, STRANGER = "kim@firm.example", "thief@evil.example"
NONE, REGISTRY = IdentityLevel.NONE, IdentityLevel.REGISTRY


def entry(
    number: int,
    names: frozenset[str] | None = None,
    *,
    track: str = "general",
    withdrawn: bool = False,
    contact: str | None = FIRM,
    identity: IdentityLevel = NONE,
) -> FirmEntry:
    names = names or names_of(f"X-{number}", None)
    return FirmEntry(
        application=f"a{number}",
        names=names,
        track=track,
        withdrawn=withdrawn,
        token_hash=f"token-{number}",
        contact=contact,
        identity=identity,
    )


def asked(
    names: frozenset[str] = PRODUCT,
    track: str = "general",
    *,
    token: str = "",
    contact: str | None = FIRM,
    identity: IdentityLevel = NONE,
) -> FirmEntry:
    return FirmEntry(
        application="new",
        names=names,
        track=track,
        withdrawn=False,
        token_hash=token,
        contact=contact,
        identity=identity,
    )


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
@pytest.mark.parametrize("contact", [FIRM, "KIM@firm.example"])
def test_a_product_is_the_same_by_either_of_its_names(
    reference: str, item_id: str | None, same: bool, contact: str
) -> None:
    told = place(asked(names_of(reference, item_id), contact=contact), [entry(1, PRODUCT)], NO_CAPS)
    assert told == (Refusal.ALREADY_ENTERED if same else ALONE)


def test_a_withdrawn_product_keeps_its_names_for_its_party_and_gives_its_place_back() -> None:
    withdrawn = entry(1, PRODUCT, withdrawn=True)
    caps = Caps(1, {})
    assert place(asked(), [withdrawn], caps) is Refusal.ALREADY_ENTERED
    assert place(asked(names_of("P-2", None)), [withdrawn], caps) == ALONE
    assert place(asked(contact=STRANGER), [withdrawn], caps) == ALONE


@pytest.mark.parametrize("standing", range(5))
@pytest.mark.parametrize("most", [1, 2, 3, None])
@pytest.mark.parametrize("contact", [FIRM, STRANGER, None])
def test_a_firm_has_as_many_entries_as_the_round_lets_it(standing: int, most: int | None, contact: str | None) -> None:
    others = [entry(number) for number in range(standing)] + [entry(9, withdrawn=True)]
    told = place(asked(contact=contact), others, Caps(most, {}))
    assert told == (FirmLimit(most, None, None) if most is not None and standing >= most else ALONE)


def test_a_track_has_its_own_limit_before_the_rounds() -> None:
    caps, others = Caps(3, {"startup": 1}), [entry(1, track="startup"), entry(2), entry(3, track="startup")]
    assert place(asked(track="startup"), others[:1], caps) == FirmLimit(1, "startup", None)
    assert place(asked(), others[:1], caps) == ALONE
    assert place(asked(), others, caps) == FirmLimit(3, None, None)


def test_only_the_entry_whose_token_was_sent_is_named() -> None:
    others = [entry(1), entry(2)]
    assert place(asked(token="token-2"), others, Caps(2, {})) == FirmLimit(2, None, "a2")
    assert place(asked(token="token-3"), others, Caps(2, {})) == FirmLimit(2, None, None)
    assert place(asked(), others, Caps(2, {})) == FirmLimit(2, None, None)


def test_another_party_contests_the_product_and_takes_no_place_of_its_own() -> None:
    stranger = entry(1, PRODUCT, contact=STRANGER)
    assert place(asked(names_of("REAL", "24681357")), [stranger], Caps(1, {})) == Place(contested=True)
    assert contested([stranger, asked(), entry(2), entry(3, PRODUCT, withdrawn=True)]) == {"a1", "new"}


def test_nobody_is_the_party_of_an_erased_contact() -> None:
    assert place(asked(contact=None), [entry(1, PRODUCT, contact=None)], NO_CAPS) == Place(contested=True)


def test_the_surer_entry_is_in_and_the_other_out() -> None:
    stranger = entry(1, PRODUCT, contact=STRANGER)
    assert place(asked(identity=REGISTRY), [stranger], Caps(1, {})) == Place(outranked=("a1",))
    sure = entry(1, PRODUCT, identity=REGISTRY)
    assert place(asked(contact=STRANGER), [sure], NO_CAPS) is Refusal.ENTERED_BY_SURER
    assert place(asked(contact=STRANGER, identity=REGISTRY), [sure], NO_CAPS) == Place(contested=True)


def test_places_that_strangers_took_are_given_to_who_is_surer_the_newest_first() -> None:
    others = [entry(1, contact=STRANGER), entry(2, contact=STRANGER), entry(3)]
    assert place(asked(identity=REGISTRY), others, Caps(3, {})) == Place(outranked=("a2",))
    mine = [entry(number) for number in range(3)]
    assert place(asked(identity=REGISTRY), mine, Caps(3, {})) == FirmLimit(3, None, None)


_NAMES = st.sampled_from("abcde").flatmap(
    lambda reference: st.sampled_from([None, "1", "2", "3"]).map(lambda item: names_of(reference, item))
)


@given(st.lists(st.tuples(_NAMES, st.sampled_from([FIRM, STRANGER, "c@x.example"])), max_size=9), st.integers(1, 3))
def test_however_contests_end_no_more_stand_than_the_limit(sent: list[tuple[frozenset[str], str]], most: int) -> None:
    """Who links products by entries of helpers, and withdraws those, has no more chances either."""
    standing: list[FirmEntry] = []
    for number, (names, contact) in enumerate(sent):
        one = entry(number, names, contact=contact)
        if isinstance(place(one, standing, Caps(most, {})), Place):
            standing.append(one)
    assert products(standing) <= most
    for chosen in combinations(standing, most + 1):
        assert contested(chosen), "so many stand beside each other, and none is contested"
