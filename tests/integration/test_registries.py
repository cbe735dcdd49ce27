"""Applications wait for registries, and are judged by what those said: over real HTTP and PostgreSQL, on the log of the
state machines, which can be disturbed at every step. Nothing waits: time is moved, looks are taken one by one."""

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.registries.records import Mood
from services.eligibility.domain.gate import Circuit
from services.eligibility.storage import registry_answers
from services.intake.usecases.replay import put_back_rounds
from shared.clock import SetClock
from shared.contracts import topics
from shared.contracts.events import RegistryWaived
from shared.contracts.facts import BusinessStatus
from shared.contracts.registries import Registry
from shared.kafka.records import Event
from shared.service.postgres import connected, open_pool, session_of
from tests.conftest import Database
from tests.support.registries import USES, Local, local_registries
from tests.support.registry_world import CERTIFICATES, EAGER, STATUS, Eligibility, World
from tests.support.world import REPAIR_SECONDS
from tests.support.world_intake import ROUND, Intake
from tests.support.world_log import STARTED, Log

GOLDEN = Path(__file__).parents[1] / "contract" / "golden"


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    with local_registries() as running:
        yield running


@pytest.fixture
async def world(database: Database, local: Local) -> AsyncIterator[World]:
    local.is_(Mood.WELL)
    for asked in local.shelf.asked.values():
        asked.clear()
    local.shelf.businesses.clear()
    local.shelf.certificates.clear()
    pool = await open_pool(await database("eligibility"), 6, "test")
    log, clock = Log(), SetClock(STARTED)
    intake = Intake(log, clock)
    intake.policy |= {"registries": [{**use, "kinds": []} for use in USES]}
    log.heard = lambda kind, body: None  # the model knows what was stated, not what registries say
    intake.open()
    try:
        yield World(Eligibility(pool, log, clock, local), intake, local)
    finally:
        await pool.close()


async def test_what_registries_confirm_is_judged_and_says_by_what(world: World) -> None:
    identifier = world.state(1)
    world.intake.freeze()
    await world.service.settle()
    (verdict,) = world.verdicts().values()
    assert (verdict["application"], verdict["outcome"]) == (identifier, "eligible")
    assert [(each["authority"], each["answer"]["outcome"], each["differs"]) for each in verdict["evidence"]] == [
        ("국세청 (NTS)", "known", False),
        ("국가기술표준원 (KATS)", "known", False),
    ]
    assert len(world.milestones()) == 1
    said = {answer["subject"]: answer for answer in (each["answer"] for each in world.said())}
    for each in verdict["evidence"]:
        assert each["answer"].items() <= said.pop(each["answer"]["subject"]).items()
    assert said == {}


async def test_what_a_registry_says_otherwise_is_judged_as_it_says(world: World) -> None:
    closed, revoked, unknown, fine = (world.state(number) for number in range(1, 5))
    world.local.knows(world.number(closed), BusinessStatus.CLOSED, date(2018, 8, 31))
    world.local.shelf.businesses.pop(world.number(unknown))
    await world.service.settle()
    found = {each["application"]: each for each in world.verdicts().values()}
    assert found[fine]["outcome"] == found[revoked]["outcome"] == "eligible"
    seen = {
        one: next(finding for finding in found[one]["findings"] if finding["rule"] == "business-active")
        for one in (closed, unknown)
    }
    # Startups with a certificate are exempt from it under 2018-h2; what was seen stands in the finding all the same.
    assert [(seen[one]["outcome"], seen[one]["seen"]) for one in (closed, unknown)] == [
        ("waived", "closed"),
        ("waived", None),
    ]
    assert [each["differs"] for each in found[closed]["evidence"]] == [True, False]


async def test_a_revoked_certificate_is_not_held_and_an_unknown_one_is_unknown(world: World) -> None:
    revoked = world.state(1)
    facts = world.intake.applications[revoked].facts
    (stated,) = facts.certificates
    said = {name: getattr(stated, name) for name in ("number", "issued_on", "expires_on")}
    world.local.certifies(said, facts.product.class_code, revoked_on="2018-09-14")
    await world.service.settle()
    (verdict,) = world.verdicts().values()
    found = next(finding for finding in verdict["findings"] if finding["rule"] == "certificate")
    assert (verdict["outcome"], found["outcome"], found["margin"]) == ("ineligible", "fail", -1)
    assert verdict["counterfactual"][0]["pointer"] == "/certificates/0/expires_on"
    world.local.shelf.certificates.clear()
    world.intake.freeze()
    world.intake.open_epoch(judge_all=True)
    await world.service.settle()
    await answer_repairs(world)
    await world.service.settle()
    again = world.verdicts()[revoked, 1, 2]
    found = next(finding for finding in again["findings"] if finding["rule"] == "certificate")
    assert (again["outcome"], found["outcome"]) == ("ineligible", "unknown")


async def answer_repairs(world: World) -> None:
    """Eligibility asks intake for what is judged again; intake answers."""
    await world.service.run("repair")
    world.intake.answer_repairs()
    await world.service.read()


async def test_two_hundred_and_fifty_numbers_take_three_calls(world: World) -> None:
    for number in range(1, 251):
        world.state(number)
    await world.service.read()
    for _ in range(4):
        await world.service.run(STATUS.value)
    assert world.local.calls(STATUS) == [100, 100, 50]


async def test_while_a_registry_is_away_a_round_waits_and_goes_on_by_itself(world: World) -> None:
    for number in range(1, 6):
        world.state(number)
    world.intake.freeze()
    for mood in (Mood.DOWN, Mood.LIMITED, Mood.BROKEN, Mood.ANOTHER, Mood.LACKING, Mood.UNDATED, Mood.KEY):
        world.local.is_(mood, STATUS)
        await world.service.settle()
        world.service.clock.moment += timedelta(seconds=10 * REPAIR_SECONDS)
        await world.service.run("repair")
        assert await world.service.pending() == 5
        assert world.verdicts() == {}
        assert world.milestones() == []
        assert world.asked_for_repair() == 0, "nobody is asked for what is here"
        world.service.askings[STATUS].gate = replace(world.service.askings[STATUS].gate, not_before=0)
    assert world.service.askings[STATUS].gate.circuit is Circuit.OPEN
    world.local.is_(Mood.WELL)
    await world.service.settle(6)
    assert world.outcomes() == ["eligible"] * 5
    assert len(world.milestones()) == 1
    assert world.service.askings[STATUS].gate.circuit is Circuit.CLOSED


async def test_a_call_that_is_misread_is_halved_until_what_spoils_it_stands_alone(world: World) -> None:
    spoilt = [world.state(number) for number in range(1, 9)][3]
    poison = world.number(spoilt)
    asked = world.local.business_status(2)

    class Spoilt:
        registry, at_once = STATUS, 8

        async def ask(self, subjects: Sequence[str], now: datetime) -> list[Any]:
            if poison in subjects:
                world.local.is_(Mood.BROKEN, STATUS)
            try:
                return await asked.ask(subjects, now)
            finally:
                world.local.is_(Mood.WELL)

    world.service.askings[STATUS].adapter = Spoilt()
    await world.service.read()
    for _ in range(24):
        world.service.askings[STATUS].gate = EAGER
        await world.service.run(STATUS.value)
    await world.service.settle()
    assert len(world.verdicts()) == 7
    assert spoilt not in {key[0] for key in world.verdicts()}
    assert await world.service.pending() == 1


async def test_two_officers_end_the_wait_and_what_was_stated_is_judged(world: World) -> None:
    world.local.is_(Mood.DOWN, STATUS)
    first = world.state(1)
    await world.service.settle()
    assert world.verdicts() == {}
    world.waive(STATUS)
    await world.service.settle()
    later = world.state(2)
    world.intake.freeze()
    await world.service.settle()
    found = {each["application"]: each for each in world.verdicts().values()}
    assert {one: found[one]["outcome"] for one in (first, later)} == {first: "eligible", later: "eligible"}
    assert [each["answer"]["outcome"] for each in found[later]["evidence"]] == ["waived", "known"]
    assert len(world.milestones()) == 1
    published = world.verdicts(), world.milestones()
    world.local.is_(Mood.WELL)
    await world.service.empty()
    await world.service.settle(4)
    assert (world.verdicts(), world.milestones()[-1]) == (published[0], published[1][0])


async def test_an_emptied_database_comes_to_the_same_verdicts_whatever_registries_say_by_then(world: World) -> None:
    applied = [world.state(number) for number in range(1, 8)]
    world.local.knows(world.number(applied[0]), BusinessStatus.SUSPENDED)
    world.intake.freeze()
    await world.service.settle()
    published, calls = world.verdicts(), [list(world.local.calls(each)) for each in Registry]
    world.local.shelf.businesses.clear()
    world.local.shelf.certificates.clear()
    for _ in range(2):
        await world.service.empty()
        for topic in (topics.ROUNDS, topics.APPLICATIONS):
            await world.service.read(topic.name)
        for job in (STATUS.value, CERTIFICATES.value):
            await world.service.run(job)  # not read back yet: nobody is asked
        await world.service.settle()
        assert world.verdicts() == published
        assert [list(world.local.calls(each)) for each in Registry] == calls
    assert len({each["verdicts"]["root"] for each in world.milestones()}) == 1


@pytest.mark.parametrize("crashed", [STATUS.value, CERTIFICATES.value, "answered", "complete"])
async def test_a_crash_after_any_commit_changes_nothing(world: World, crashed: str) -> None:
    for number in range(1, 4):
        world.state(number)
    world.intake.freeze()
    await world.service.read()
    for job in (STATUS.value, CERTIFICATES.value, "answered", "complete"):
        await world.service.run(job, crash=job == crashed)
        await world.service.sweep()
        await world.service.read()
    await world.service.settle()
    assert world.outcomes() == ["eligible"] * 3
    assert len({each["verdicts"]["root"] for each in world.milestones()}) == 1
    assert len({(each["epoch"], each["answer"]["subject"]) for each in world.said()}) == 6 - 2  # one certificate


async def test_records_read_twice_publish_what_was_published(world: World) -> None:
    world.state(1)
    await world.service.settle()
    published = world.verdicts()
    world.local.knows(world.number(next(iter(world.intake.applications))), BusinessStatus.CLOSED)
    for topic in (topics.APPLICATIONS.name, topics.REGISTRY_ANSWERS.name):
        for number in world.log.ends(topic):
            await world.service.deliver(topic, number, 0, again=10)
    await world.service.settle()
    assert world.verdicts() == published


async def test_an_answer_is_good_for_others_for_a_while_and_an_epoch_of_officers_asks_anew(world: World) -> None:
    identifier = world.state(1)
    world.intake.freeze()
    await world.service.settle()
    assert world.local.calls(STATUS) == [1]
    world.local.knows(world.number(identifier), BusinessStatus.SUSPENDED)
    world.intake.open_epoch(judge_all=True)
    await world.service.settle()
    await answer_repairs(world)
    await world.service.settle()
    assert world.local.calls(STATUS) == [1, 1]
    assert world.verdicts()[identifier, 1, 2]["evidence"][0]["answer"]["status"] == "suspended"
    assert world.verdicts()[identifier, 1, 1]["evidence"][0]["answer"]["status"] == "active"
    assert [each["epoch"] for each in world.milestones()] == [1, 2]


async def test_who_withdraws_or_states_anew_is_not_waited_for(world: World) -> None:
    world.local.is_(Mood.DOWN)
    gone, changed = world.state(1), world.state(2)
    await world.service.settle()
    world.intake.withdraw(gone)
    world.state(2)
    world.intake.freeze()
    await world.service.settle()
    assert await world.service.pending() == 1
    world.local.is_(Mood.WELL)
    await world.service.settle(5)
    assert {key[:2] for key in world.verdicts()} == {(changed, 2)}
    assert world.local.shelf.asked[STATUS][-1] == 1
    assert len(world.milestones()) == 1


async def test_what_is_listed_otherwise_is_not_waited_for(world: World) -> None:
    world.local.is_(Mood.DOWN)
    identifier = world.state(1)
    world.intake.freeze()
    await world.service.settle()
    await world.service.by_hand("UPDATE pending SET payload_hash = repeat('0', 64)")
    world.service.clock.moment += timedelta(seconds=10 * REPAIR_SECONDS)
    world.local.is_(Mood.WELL)
    await world.service.by_hand("UPDATE registry_answers SET said = false")
    await answer_repairs(world)
    await world.service.settle()
    assert {key[0] for key in world.verdicts()} == {identifier}


MOODS = [mood for mood in Mood if mood not in (Mood.SLOW, Mood.HUGE)]


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_registries_do_nobody_is_refused_for_it_and_the_round_ends_when_they_are_well(
    world: World, seed: int
) -> None:
    """A history drawn from `seed`: applications, moods, looks, crashes, an emptied database, in any order."""
    drawn = random.Random(seed)  # noqa: S311 -- a history, not a secret
    service, number = world.service, 0
    for _ in range(40):
        match drawn.choice(("state", "mood", "mood", "read", "look", "look", "look", "answered", "empty", "crash")):
            case "state" if number < 12:
                number += 1
                world.state(number)
            case "mood":
                world.local.is_(drawn.choice(MOODS), drawn.choice(list(Registry)))
            case "read":
                await service.read(drawn.choice([topics.ROUNDS, topics.APPLICATIONS, topics.REGISTRY_ANSWERS]).name)
            case "look":
                for asking in service.askings.values():
                    asking.gate = EAGER
                await service.run(drawn.choice(list(Registry)).value, crash=drawn.random() < 0.2)
            case "answered":
                await service.run("answered", crash=drawn.random() < 0.2)
            case "empty" if drawn.random() < 0.3:
                await service.empty()
            case "crash":
                await service.restart()
        await service.sweep()
        assert set(world.outcomes()) <= {"eligible"}, "a registry that gave no answer refused somebody"
    world.intake.freeze()
    world.local.is_(Mood.WELL)
    for asking in service.askings.values():
        asking.gate = EAGER
    await service.settle(6)
    assert await service.pending() == 0
    assert (world.outcomes() and set(world.outcomes()) == {"eligible"}) or number == 0
    assert len({each["verdicts"]["root"] for each in world.milestones()}) == 1
    assert {each["eligible"] for each in world.milestones()} == {number}


async def test_a_restored_intake_passes_over_a_waived_registry(database: Database) -> None:
    written = (GOLDEN / "RegistryWaived.v1.1.json").read_bytes()
    waived = Event(
        id="id",
        type="RegistryWaived",
        body=RegistryWaived.model_validate_json(written),
        raw=written,
        topic="t",
        partition=0,
        offset=0,
        appended_at=STARTED,
        traceparent=None,
    )
    pool = await open_pool(await database("intake"), 2, "test")
    async with connected(pool) as connection, connection.transaction():
        assert await put_back_rounds(connection, [waived], "") == 0
    await pool.close()


@pytest.mark.parametrize(("hours", "calls"), [(23, []), (25, [1])])
async def test_an_answer_heard_for_another_round_serves_for_a_while(world: World, hours: int, calls: list[int]) -> None:
    identifier = world.state(1)
    number = world.number(identifier)
    said = {"registry": "business-status", "subject": number, "outcome": "known", "status": "suspended"}
    heard_at = world.service.clock.now() - timedelta(hours=hours)
    async with connected(world.service.pool) as connection:
        await connection.execute(
            "INSERT INTO registry_answers VALUES ('another', 1, 'business-status', $1, $2, $3, true)",
            number,
            said | {"said_at": heard_at.isoformat()},
            heard_at,
        )
    await world.service.settle()
    assert world.local.calls(STATUS) == calls
    (answer,) = [each for each in world.said() if each["answer"]["subject"] == number]
    assert (answer["round"], answer["answer"]["status"]) == (ROUND, "active" if calls else "suspended")
    moment = datetime.fromisoformat(answer["answer"]["said_at"])
    assert (moment == heard_at) is not bool(calls), "it was said when it was heard"


async def test_one_replica_asks_at_a_time_and_another_takes_over_when_it_ends(world: World) -> None:
    async with session_of(world.service.pool) as other:
        async with session_of(world.service.pool) as one:
            assert await registry_answers.take_lock(one, STATUS)
            assert not await registry_answers.take_lock(other, STATUS)
            assert await registry_answers.take_lock(other, CERTIFICATES)
            await registry_answers.release_lock(one, STATUS)
        assert await registry_answers.take_lock(other, STATUS)
        for registry in Registry:
            await registry_answers.release_lock(other, registry)


async def test_a_registry_without_an_address_is_waited_for_and_told_once(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.state(1)
    world.service.askings[STATUS].adapter = None
    await world.service.settle()
    assert await world.service.pending() == 1
    assert capsys.readouterr().out.count("registry of a policy has no address set") == 1
    world.waive(STATUS)
    await world.service.settle()
    assert world.outcomes() == ["eligible"]
