"""Signing in: how often links are sent, where they may lead, and what a copy of the database does not open."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.adapters.sealing import Sealing, UnopenableError
from services.portal.domain.signing_in import Asked, LinkRates, inner_path

NOW = datetime(2018, 9, 1, tzinfo=UTC)
KEY, OTHER = "k" * 32, "o" * 32
ENTRY = "f1bc79b0-0000-4000-8000-000000000001"


def ago(*minutes: int) -> list[datetime]:
    return [NOW - timedelta(minutes=each) for each in sorted(minutes, reverse=True)]


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        (Asked([], []), 0),
        (Asked(ago(1, 2), []), 0),
        (Asked(ago(1, 2, 9), []), 1),
        (Asked(ago(1, 2, 10), []), 0),
        (Asked(ago(*range(20, 1400, 140)), []), 160),
        (Asked([], ago(*range(60))), 1),
        (Asked(ago(1, 2, 9), ago(*([1] * 60))), 59),
    ],
    ids=str,
)
def test_links_are_few(asked: Asked, waits: int) -> None:
    assert LinkRates().next_at(asked, NOW) == NOW + timedelta(minutes=waits)


@given(st.lists(st.integers(0, 2000), max_size=30))
def test_once_it_is_time_another_is_sent(minutes: list[int]) -> None:
    rates, asked = LinkRates(), Asked(ago(*minutes), [])
    until = rates.next_at(asked, NOW)
    assert rates.next_at(asked, until) == until


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "account",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/a\\b",
        "/a\nb",
        "javascript:alert(1)",
    ],
)
def test_a_link_leads_nowhere_else(wanted: str) -> None:
    assert inner_path(wanted, "/account") == "/account"
    assert inner_path("/drafts/1?x=%2F", "/account") == "/drafts/1?x=%2F"


def test_a_token_opens_by_its_key_for_its_application_alone() -> None:
    keys = [KEY]
    sealing = Sealing(lambda: keys)
    sealed = sealing.seal("fba_token", ENTRY)
    assert b"fba_token" not in sealed
    assert sealing.seal("fba_token", ENTRY) != sealed
    keys[:] = [OTHER, KEY]
    assert sealing.open(sealed, ENTRY) == "fba_token"
    assert Sealing(lambda: [OTHER]).open(sealing.seal("fba_token", ENTRY), ENTRY) == "fba_token", "the first seals"
    with pytest.raises(UnopenableError):
        sealing.open(sealed, ENTRY.replace("1", "2"))
    keys[:] = [OTHER]
    with pytest.raises(UnopenableError):
        sealing.open(sealed, ENTRY)
