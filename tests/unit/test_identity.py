"""A confirmed identity: it opens for its firm alone, while it holds, and nobody makes one up."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.identity import Confirmation, fault, sealed, unsealed
from shared.contracts.facts import Applicant, LegalForm
from shared.contracts.identity import IdentityLevel

SECRET = b"s" * 32
NOW = datetime(2026, 11, 29, tzinfo=UTC)
NUMBER, OTHER, DAY = "2208162517", "1248100998", date(2015, 3, 2)
CONFIRMED = Confirmation(NUMBER, DAY, IdentityLevel.REGISTRY, NOW + timedelta(days=30))


def applicant(number: str = NUMBER, started_on: date = DAY) -> Applicant:
    return Applicant(name="기업", business_number=number, legal_form=LegalForm.CORPORATION, started_on=started_on)


def test_it_opens_as_it_was_sealed_and_for_its_firm() -> None:
    text = sealed(CONFIRMED, SECRET)
    assert unsealed(text, SECRET) == CONFIRMED
    assert fault(CONFIRMED, applicant(), NOW) is None
    assert len(text) < 200
    assert "대표" not in text


@pytest.mark.parametrize(
    ("confirmation", "stated", "now", "code"),
    [
        (None, applicant(), NOW, "no-confirmation"),
        (CONFIRMED, applicant(), CONFIRMED.until, "confirmation-over"),
        (CONFIRMED, applicant(OTHER), NOW, "of-another-firm"),
        (CONFIRMED, applicant(started_on=date(2015, 3, 3)), NOW, "another-beginning"),
    ],
)
def test_what_it_does_not_confirm_is_said(
    confirmation: Confirmation | None, stated: Applicant, now: datetime, code: str
) -> None:
    found = fault(confirmation, stated, now)
    assert found is not None
    assert (found.pointer, found.code) == ("/identity", code)


@pytest.mark.parametrize("other", [b"t" * 32, b""])
def test_another_deployment_opens_nothing(other: bytes) -> None:
    assert unsealed(sealed(CONFIRMED, SECRET), other) is None


@given(st.integers(0, 400), st.characters())
def test_one_sign_changed_opens_nothing_else(place: int, sign: str) -> None:
    text = sealed(CONFIRMED, SECRET)
    place %= len(text)
    changed = text[:place] + sign + text[place + 1 :]
    assert unsealed(changed, SECRET) in (None, CONFIRMED)


@given(st.text(max_size=500))
def test_nothing_made_up_opens(text: str) -> None:
    assert unsealed(text, SECRET) is None
    assert unsealed("fbi_" + text, SECRET) is None


def test_levels_are_in_order() -> None:
    levels = list(IdentityLevel)
    assert [level.value for level in levels] == ["none", "registry", "identity-provider"]
    for place, one in enumerate(levels):
        assert [one.surer_than(other) for other in levels] == [other_place < place for other_place in range(3)]
        assert [one.at_least(other) for other in levels] == [other_place <= place for other_place in range(3)]
