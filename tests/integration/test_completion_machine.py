"""Whatever is repeated, lost, reordered, crashed, emptied or put back: what is completed is what is true.

*Complete ⇒ equal sets and equal outcomes; one event id, one content; no value before its commitment; eventually
complete under repair.* They are asserted on every record in `world.py`; here a state machine looks for a history that
breaks them.
"""

import asyncio

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from shared.contracts import topics
from tests.conftest import Database
from tests.support.examples import examples
from tests.support.machines import WorldMachine, look_for_a_breaking_history
from tests.support.world import LOSSY, World, pools_of
from tests.support.world_log import PARTITIONS

EXAMPLES = examples(10)
"""How many histories are tried; a longer run is a matter of this setting."""
SERVICES = st.sampled_from(["eligibility", "selection"])
CONSUMED = {
    "eligibility": (topics.ROUNDS, topics.APPLICATIONS, topics.MILESTONES, topics.REPAIRS),
    "selection": (
        topics.ROUNDS,
        topics.APPLICATIONS,
        topics.PURCHASE_REQUESTS,
        topics.VERDICTS,
        topics.MILESTONES,
        topics.REPAIRS,
    ),
}
PLACES = st.sampled_from(
    [
        (service, topic.name, number)
        for service, consumed in CONSUMED.items()
        for topic in consumed
        for number in range(PARTITIONS.get(topic.name, 1))
    ]
)
JOBS = st.sampled_from(
    [("eligibility", job) for job in ("waiting", "complete", "repair")]
    + [("selection", job) for job in ("commit", "repair", "propose", "publish")]
)
POISON = st.sampled_from([b"\x00", b'{"round":"\\ud800"}', b'{"version":1152921504606846976}', b"[" * 2000, b""])

ALTERED = [
    ("eligibility", "UPDATE verdicts SET outcome = 'ineligible'"),
    ("eligibility", "UPDATE verdicts SET findings_hash = repeat('b', 64)"),
    ("selection", "UPDATE verdicts SET findings = '[]'"),
    ("selection", "UPDATE applications SET facts = jsonb_set(facts, '{product,price_won}', '1')"),
    ("selection", "UPDATE requests SET facts = jsonb_set(facts, '{quantity}', '99')"),
    ("selection", "UPDATE entries SET tickets = tickets + 5"),
    ("selection", "UPDATE commitments SET pledges = jsonb_build_object('kepco', 1)"),
    ("selection", "UPDATE commitments SET demands = '[]'"),
    ("selection", "UPDATE results SET position = 1"),
    ("selection", "UPDATE results SET key = repeat('0', 64)"),
]
"""What somebody might change by hand before it is published."""


@pytest.fixture
async def urls(database: Database) -> dict[str, str]:
    return {service: await database(service) for service in CONSUMED}


@pytest.mark.soak
def test_no_history_completes_what_is_not_true(urls: dict[str, str]) -> None:
    with asyncio.Runner() as runner:
        pools = runner.run(pools_of(urls))
        try:
            look_for_a_breaking_history(
                CompletionMachine, runner, lambda: World.begun(pools), examples=EXAMPLES, steps=40
            )
        finally:
            for pool in pools.values():
                runner.run(pool.close())


class CompletionMachine(WorldMachine[World]):
    """Two services on their databases, disturbed; `settle` at the end of each history."""

    @initialize(firms=st.integers(1, 4), faulty=st.integers(0, 6), frozen=st.sampled_from([True, True, False]))
    def begun(self, firms: int, faulty: int, frozen: bool) -> None:
        self.world = self.begin()
        for number in range(1, firms + 1):
            self.world.intake.state(number, faulty=number == faulty, certified=number % 3 > 0)
        if frozen:
            self.world.intake.freeze()

    @rule()
    def advance(self) -> None:
        self.run(self.world.advance())

    @rule()
    def advance_more(self) -> None:
        """Often enough that disturbances meet what is under way, not only its beginning."""
        for _ in range(3):
            self.run(self.world.advance())

    @precondition(lambda self: not self.world.intake.frozen)
    @rule(number=st.integers(1, 6), faulty=st.sampled_from([False, False, False, True]), certified=st.booleans())
    def submit(self, number: int, faulty: bool, certified: bool) -> None:
        self.world.intake.state(number, faulty=faulty, certified=certified)

    @precondition(lambda self: not self.world.intake.frozen and self.world.intake.standing)
    @rule(choice=st.integers(0, 5))
    def withdraw(self, choice: int) -> None:
        standing = self.world.intake.standing
        self.world.intake.withdraw(standing[choice % len(standing)])

    @precondition(lambda self: not self.world.intake.frozen)
    @rule()
    def freeze(self) -> None:
        self.world.intake.freeze()

    @precondition(lambda self: self.world.intake.frozen and len(self.world.intake.epochs) < 4)
    @rule(number=st.integers(11, 13))
    def admit_late(self, number: int) -> None:
        intake = self.world.intake
        known = {stated.number for stated in intake.applications.values()}
        if number not in known:
            intake.open_epoch(admitted=[intake.state(number, faulty=False, certified=True)])

    @precondition(lambda self: self.world.intake.frozen and len(self.world.intake.epochs) < 4)
    @rule(choice=st.integers(-1, 5))
    def judge_again(self, choice: int) -> None:
        """A re-run of all, or of one, as after an appeal or an unparking."""
        standing = self.world.intake.standing
        if choice < 0 or not standing:
            self.world.intake.open_epoch(judge_all=True)
        else:
            self.world.intake.open_epoch([standing[choice % len(standing)]])

    @precondition(lambda self: self.world.intake.frozen and self.world.intake.parked())
    @rule()
    def exclude(self) -> None:
        intake = self.world.intake
        intake.withdraw(intake.parked()[0], act="11111111-1111-4111-8111-111111111111")
        intake.open_epoch()

    @rule(place=PLACES, count=st.integers(1, 30), crash=st.booleans(), again=st.sampled_from([0, 0, 1, 5, 100]))
    def deliver(self, place: tuple[str, str, int], count: int, crash: bool, again: int) -> None:
        service, topic, number = place
        self.run(self.world.services[service].deliver(topic, number, count, crash=crash, again=again))

    @rule(service=SERVICES)
    def deliver_all(self, service: str) -> None:
        for topic in CONSUMED[service]:
            for number in range(PARTITIONS.get(topic.name, 1)):
                self.run(self.world.services[service].deliver(topic.name, number, 1000))

    @rule(place=PLACES)
    def lose(self, place: tuple[str, str, int]) -> None:
        service, topic, number = place
        if topic in LOSSY:
            self.run(self.world.services[service].lose(topic, number))

    @rule(place=PLACES, value=POISON)
    def poison(self, place: tuple[str, str, int], value: bytes) -> None:
        headers = [("ce_id", b"poison"), ("ce_type", b"kr.firstbuy.ApplicationSubmitted.v1")]
        self.world.log.append_raw(place[1], f"poison {place[2]}", value, headers)

    @rule(job=JOBS, crash=st.booleans())
    def work(self, job: tuple[str, str], crash: bool) -> None:
        service, name = job
        self.run(self.world.services[service].run(name, crash=crash))

    @rule()
    def answer_repairs(self) -> None:
        self.world.intake.answer_repairs()

    @rule()
    def record_source(self) -> None:
        self.world.intake.record_source()

    @rule()
    def confirm(self) -> None:
        self.world.intake.confirm()

    @rule(service=SERVICES)
    def empty(self, service: str) -> None:
        self.run(self.world.services[service].empty())

    @rule(service=SERVICES)
    def back_up(self, service: str) -> None:
        self.run(self.world.services[service].save())

    @rule(service=SERVICES)
    def put_back(self, service: str) -> None:
        self.run(self.world.services[service].put_back())

    @rule(service=SERVICES, table=st.sampled_from(["verdicts", "withdrawals"]), choice=st.integers(0, 5))
    def delete(self, service: str, table: str, choice: int) -> None:
        self.run(self.world.services[service].delete_one(table, choice))

    @rule(how=st.sampled_from(ALTERED))
    def alter(self, how: tuple[str, str]) -> None:
        service, statement = how
        self.run(self.world.services[service].by_hand(statement))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.run(self.world.settle())
