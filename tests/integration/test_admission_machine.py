"""Whoever is held where, and for how long: accepted is exactly what is frozen, and every answer was true when given.

Firms, officers and the clock start transactions on connections of their own. Each can be held before the round's lock,
behind it, or before its commit, and go on in any order; the freeze and extensions are started among them. What has to
hold is asserted in `admission_world.py`; here a state machine looks for a history that breaks it.
"""

import asyncio

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from structlog.testing import capture_logs

from tests.conftest import Database
from tests.support.accidents import Accident, Place
from tests.support.admission_servers import Servers
from tests.support.admission_world import HOUR, World
from tests.support.examples import examples
from tests.support.machines import WorldMachine, look_for_a_breaking_history
from tests.support.rounds import CLOSES

EXAMPLES = examples(60)
"""How many histories are tried; a longer run is a matter of this setting."""
HELD_AT_MOST = 8
FIRMS = st.integers(1, 3)
PRICES = st.sampled_from([1000, 1001])
KEYS = st.sampled_from(["k1", "k2", None])
PLACES = st.sampled_from(Place)
ACCIDENTS = st.sampled_from([Accident.NONE] * 4 + [Accident.ABORTED, Accident.UNANSWERED])


@pytest.fixture
async def url(database: Database) -> str:
    return await database("intake")


@pytest.mark.soak
def test_no_history_accepts_what_is_not_frozen(url: str) -> None:
    with asyncio.Runner() as runner, capture_logs():
        servers = runner.run(Servers.opened(url))
        try:
            look_for_a_breaking_history(
                AdmissionMachine, runner, lambda: World.begun(servers), examples=EXAMPLES, steps=30
            )
        finally:
            runner.run(servers.close())


class AdmissionMachine(WorldMachine[World]):
    """A round around its close; at the end of each history it freezes, whoever is held."""

    def can_start(self) -> bool:
        return len(self.world.operations) < HELD_AT_MOST

    @initialize(
        firms=st.integers(0, 2),
        hours=st.integers(1, 3),
        held=st.lists(st.tuples(PLACES, st.sampled_from(["k1", "k1", "k2"])), max_size=3),
        again=st.lists(PLACES, max_size=2),
        frozen=st.sampled_from([False] * 6 + [True]),
    )
    def begun(self, firms: int, hours: int, held: list[tuple[Place, str]], again: list[Place], frozen: bool) -> None:
        """Just before the close, some under way already, and now and then beyond the freeze: Hypothesis switches rules
        off at random, and most histories would be short of one of these."""
        self.world = self.begin()
        for firm in range(1, firms + 1):
            self.run(self.world.submit([(firm, 1000, None)], Place.NOWHERE, Accident.NONE))
        self.world.clock.moment = CLOSES - hours * HOUR
        for firm, (place, key) in enumerate(held, 11):
            self.run(self.world.submit([(firm, 1000, key)], place, Accident.NONE))
        for price, place in enumerate(again if firms else [], 1001):
            self.run(self.world.resubmit(0, price, stale=False, place=place))
        if frozen:
            self.world.clock.moment = CLOSES
            self.run(self.world.freeze(Place.NOWHERE))

    @precondition(can_start)
    @rule(firms=st.lists(st.tuples(FIRMS, PRICES, KEYS), min_size=1, max_size=3), place=PLACES, accident=ACCIDENTS)
    def submit(self, firms: list[tuple[int, int, str | None]], place: Place, accident: Accident) -> None:
        self.run(self.world.submit(firms, place, accident))

    @precondition(lambda self: self.can_start() and self.world.firsts)
    @rule(choice=st.integers(0, 3), another=st.booleans(), place=PLACES)
    def retry(self, choice: int, another: bool, place: Place) -> None:
        """Under a key that was used: its body again, or another one."""
        keys = sorted(self.world.firsts)
        firm, key = keys[choice % len(keys)]
        price = self.world.keys[firm, key]
        self.run(self.world.submit([(firm, price + another, key)], place, Accident.NONE))

    @precondition(lambda self: self.can_start() and self.world.entered)
    @rule(choice=st.integers(0, 3), price=PRICES, stale=st.sampled_from([False, False, False, True]), place=PLACES)
    def resubmit(self, choice: int, price: int, stale: bool, place: Place) -> None:
        self.run(self.world.resubmit(choice, price, stale=stale, place=place))

    @precondition(lambda self: self.can_start() and self.world.entered)
    @rule(choice=st.integers(0, 3), place=PLACES)
    def withdraw(self, choice: int, place: Place) -> None:
        self.run(self.world.withdraw(choice, place))

    @precondition(can_start)
    @rule(hours=st.integers(1, 3), place=PLACES)
    def extend(self, hours: int, place: Place) -> None:
        self.run(self.world.extend(hours, place))

    @precondition(can_start)
    @rule(place=PLACES)
    def freeze(self, place: Place) -> None:
        """Before the close it must do nothing."""
        self.run(self.world.freeze(place))

    @precondition(can_start)
    @rule(firm=st.integers(3, 6), place=PLACES)
    def admit_late(self, firm: int, place: Place) -> None:
        self.run(self.world.admit_late(firm, place))

    @rule(hours=st.integers(1, 2))
    def time_passes(self, hours: int) -> None:
        self.world.clock.moment += hours * HOUR

    @rule(choice=st.integers(0, 7))
    def go_on(self, choice: int) -> None:
        self.run(self.world.open_gate(choice))

    @rule(choice=st.integers(0, 7))
    def go_on_too(self, choice: int) -> None:
        """Twice as likely, or most would be held to the end."""
        self.run(self.world.open_gate(choice))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.run(self.world.settle())
