"""Which format a bundle is of follows from what was stated of its round."""

import pytest

from services.selection.domain.evidence import Format, PublishedEvent, format_of

STATED = (
    PublishedEvent("RoundAnnounced", {"announcement_root": "a" * 64}),
    PublishedEvent("RoundAmended", {"announcement_root": "b" * 64}),
    PublishedEvent("RoundOpened", {"announcement_root": "b" * 64}),
    PublishedEvent("RoundFrozen", {"pledges": []}),
    PublishedEvent("SelectionProposed", {"epoch": 1, "shown_root": "c" * 64}),
    PublishedEvent("SelectionProposed", {"epoch": 2, "shown_root": "d" * 64}),
    PublishedEvent("SelectionConfirmed", {"epoch": 2}),
)


def test_a_round_that_states_everything_is_of_the_newest_format() -> None:
    assert format_of(STATED) is Format.V2


@pytest.mark.parametrize("place", [0, 1, 3, 4, 5])
@pytest.mark.parametrize("left", [{}, {"announcement_root": None, "pledges": None, "shown_root": None}])
def test_one_that_said_something_before_it_had_its_root_is_of_the_first(place: int, left: dict[str, None]) -> None:
    events = list(STATED)
    events[place] = PublishedEvent(events[place].type, left)
    assert format_of(events) is Format.V1
