"""A token sent anew: how often, what it opens, and which one is in force."""

from datetime import UTC, datetime, timedelta

import pytest

from services.intake.domain.renewals import HOLDS_FOR, Renewal, in_force, next_generation, opens

NOW = datetime(2026, 11, 29, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def sent(*ages: timedelta) -> list[Renewal]:
    return [Renewal(number, f"hash-{number}", NOW - age) for number, age in enumerate(ages, 1)]


@pytest.mark.parametrize(
    ("before", "generation"),
    [
        (sent(), 1),
        (sent(11 * MINUTE), 2),
        (sent(9 * MINUTE), None),
        (sent(3 * HOUR, 2 * HOUR), 3),
        (sent(3 * HOUR, 2 * HOUR, HOUR), None),
        (sent(25 * HOUR, 2 * HOUR, HOUR), 4),
    ],
)
def test_one_in_ten_minutes_and_three_a_day(before: list[Renewal], generation: int | None) -> None:
    assert next_generation(before, NOW) == generation


def test_the_newest_unused_one_opens_while_it_holds() -> None:
    before = sent(2 * HOUR, HOUR)
    assert opens(before, "hash-2", NOW) == before[1]
    assert opens(before, "hash-1", NOW) is None
    assert opens(before, "hash-3", NOW) is None
    assert opens([], "hash-1", NOW) is None
    assert opens(sent(HOLDS_FOR), "hash-1", NOW) is None
    used = [Renewal(1, "hash-1", NOW, NOW)]
    assert opens(used, "hash-1", NOW) is None, "it is the entry's own by then"
    assert (in_force(before), in_force(used), in_force([*used, *sent(HOUR, HOUR)[1:]])) == (0, 1, 1)
