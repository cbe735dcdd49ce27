"""What notify owes from what it has read: reminders, turns, digests, on a real database and with no Kafka."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from services.notify import jobs
from services.notify.domain.notices import Need, Planned
from services.notify.handlers import (
    delivery_id,
    keep_contacts,
    keep_institutions,
    keep_rounds,
    keep_verdicts,
    take_applications,
)
from services.notify.storage import deliveries, digests, followup, suppressions
from shared.contracts import events
from shared.contracts.events import Channel
from shared.kafka.records import Event, Tombstone
from shared.service.by_round import ByRound
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Pool, connected, open_pool
from shared.service.telemetry import open_metrics
from tests.conftest import Database
from tests.support.notified import ROUND, golden, ids

NOW = datetime(2018, 9, 12, tzinfo=UTC)
AHEAD = timedelta(hours=72)


class Stopped:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(await database("notify"), 2, "test")
    yield pool
    await pool.close()


def read(name: str, appended_at: datetime = NOW, **changes: Any) -> Event[Any]:
    body = getattr(events, name).model_validate(golden(name, **changes))
    return Event(
        id="id",
        type=name,
        body=body,
        raw=b"{}",
        topic="topic",
        partition=0,
        offset=0,
        appended_at=appended_at,
        traceparent=None,
    )


def opened(closes_at: datetime, **changes: Any) -> Event[Any]:
    window = {"opens_at": (NOW - timedelta(days=20)).isoformat(), "closes_at": closes_at.isoformat()}
    invited = [{"institution": "kwater", "pledge_won": 1}]
    return read("RoundOpened", institutions=invited, rehearsal=None, **window | changes)


def apart(job: str) -> ByRound:
    return ByRound(job, open_metrics().round_failures)


async def reminded(pool: Pool) -> list[str]:
    await jobs.remind_of_closes(pool, Stopped(), AHEAD, apart("closes"))
    rows = await pool.fetch("SELECT round FROM turns WHERE happening = 'closing-soon' ORDER BY round")
    return [row["round"] for row in rows]


async def test_a_round_that_was_voided_has_no_reminder_of_its_close(pool: Pool) -> None:
    soon = NOW + timedelta(hours=24)
    async with connected(pool) as connection:
        await keep_rounds(connection, [opened(soon), opened(soon, round="2019-h1"), read("RoundVoided")])
    assert await reminded(pool) == ["2019-h1"]


async def test_a_round_whose_opening_was_read_before_windows_were_kept_holds_up_no_other(pool: Pool) -> None:
    soon = NOW + timedelta(hours=24)
    async with connected(pool) as connection:
        await keep_rounds(connection, [opened(soon), opened(soon, round="2019-h1")])
        await connection.execute("UPDATE rounds SET opens_at = NULL, closes_at = NULL WHERE round = $1", ROUND)
        await keep_rounds(connection, [read("RoundExtended", closes_at=(soon + timedelta(hours=1)).isoformat())])
    assert await reminded(pool) == ["2019-h1"]


async def test_a_close_that_can_not_be_reckoned_with_holds_up_no_other(pool: Pool) -> None:
    soon = NOW + timedelta(hours=24)
    async with connected(pool) as connection:
        await keep_rounds(connection, [opened(soon), opened(soon, round="2019-h1")])
        first = datetime(1, 1, 2, tzinfo=UTC)
        await connection.execute("UPDATE rounds SET closes_at = $2 WHERE round = $1", ROUND, first)
    assert await reminded(pool) == ["2019-h1"]


async def test_who_comes_to_a_desk_is_not_told_of_a_turn_before_however_late_it_is_read(pool: Pool) -> None:
    there, later = sorted(ids(2))
    people = [
        read("ContactChanged", party=party, institution="kwater", changed_at=(NOW + since).isoformat())
        for party, since in ((there, -timedelta(hours=1)), (later, timedelta(hours=1)))
    ]
    async with connected(pool) as connection:
        await keep_contacts(connection, people)
        await keep_rounds(connection, [opened(NOW + timedelta(days=9))])
    await jobs.spread_lifecycle_events(pool, apart("turns"))
    rows = await pool.fetch("SELECT recipient FROM deliveries WHERE channel = 'mail'")
    assert [row["recipient"] for row in rows] == [there]
    assert await pool.fetchval("SELECT count(*) FROM deliveries WHERE channel = 'outbox'") == 1


async def a_digest(pool: Pool, state: str) -> tuple[str, list[str]]:
    """One that says two notices, and what became of it."""
    (party,) = ids(1)
    said = [
        Planned(
            round=ROUND,
            kind="award",
            subject=subject,
            occasion="epoch-1",
            recipient=party,
            channel=Channel.MAIL,
            facts={"product": "x"},
            needs=(),
            traceparent=None,
        )
        for subject in "ab"
    ]
    digest = Planned(
        round=ROUND,
        kind="digest",
        subject=ROUND,
        occasion="of two",
        recipient=party,
        channel=Channel.MAIL,
        facts={"items": []},
        needs=(),
        traceparent=None,
    )
    async with connected(pool) as connection:
        person = read("ContactChanged", party=party, institution="kwater", changed_at=NOW.isoformat())
        await keep_contacts(connection, [person])
        await deliveries.insert(connection, [(delivery_id(one), one) for one in (*said, digest)])
        await digests.gather(connection, [delivery_id(one) for one in said], delivery_id(digest))
        await connection.execute(
            "UPDATE deliveries SET state = $2, settled_at = now() WHERE delivery = $1", delivery_id(digest), state
        )
        await digests.settle_gathered(connection, [delivery_id(digest)])
    return delivery_id(digest), sorted(delivery_id(one) for one in said)


async def states(pool: Pool) -> dict[str, str]:
    return {row["delivery"]: row["state"] for row in await pool.fetch("SELECT delivery::text, state FROM deliveries")}


async def test_a_digest_that_is_tried_again_takes_what_it_says_with_it(pool: Pool) -> None:
    digest, said = await a_digest(pool, "failed")
    assert set((await states(pool)).values()) == {"failed"}
    async with connected(pool) as connection:
        assert not await followup.again(connection, said[0])
        assert await followup.again(connection, digest)
    assert await states(pool) == {digest: "pending", said[0]: "gathered", said[1]: "gathered"}


async def test_a_digest_that_came_back_has_failed_with_all_it_says(pool: Pool) -> None:
    digest, said = await a_digest(pool, "sent")
    async with connected(pool) as connection:
        bounced = await suppressions.bounced(connection, digest, "bounced")
    assert sorted(one.id for one in bounced) == sorted([digest, *said])
    assert set((await states(pool)).values()) == {"failed"}


async def test_a_mail_that_came_back_says_nothing_of_an_address_that_was_stated_since(pool: Pool) -> None:
    digest, _ = await a_digest(pool, "sent")
    party = await pool.fetchval("SELECT party FROM contacts")
    later = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    async with connected(pool) as connection:
        assert await suppressions.address_of(connection, digest) == "contact@hanbit.example"
        other = read("ContactChanged", party=party, email="new@hanbit.example", changed_at=later)
        await keep_contacts(connection, [other])
        assert await suppressions.address_of(connection, digest) is None


BROKEN, WHOLE = ROUND, "2019-h1"
FAULT = f"""
CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.round = '{BROKEN}' THEN RAISE 'a fault of this round'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fault BEFORE INSERT OR UPDATE ON deliveries FOR EACH ROW EXECUTE FUNCTION fault()
"""


async def turns(pool: Pool, broken: ByRound) -> None:
    await jobs.spread_lifecycle_events(pool, broken)


async def verdicts(pool: Pool, broken: ByRound) -> None:
    await jobs.tell_verdicts(pool, broken)


async def gathered(pool: Pool, broken: ByRound) -> None:
    await jobs.gather(pool, timedelta(0), 2, broken)


async def erased(pool: Pool, broken: ByRound) -> None:
    outbox = OutboxPublisher(SimpleNamespace())  # type: ignore[arg-type]
    await jobs.fail_erased(pool, outbox, Stopped(), broken)


async def begin(pool: Pool, round_id: str) -> None:
    """A round with something for each of the jobs."""
    at_desk, applicant, gone = ids(3)
    application = ids(1)[0]
    people = [
        read("ContactChanged", party=at_desk, institution="kwater", changed_at=NOW.isoformat()),
        *(read("ContactChanged", party=party, changed_at=NOW.isoformat()) for party in (applicant, gone)),
    ]
    entry: dict[str, Any] = {"application": application, "party": applicant, "round": round_id, "version": 1}
    owed = [
        *(
            Planned(
                round=round_id,
                kind="award",
                subject=of,
                occasion="e",
                recipient=at_desk,
                channel=Channel.MAIL,
                facts={},
                needs=(Need.DIGEST,),
                traceparent=None,
            )
            for of in "ab"
        ),
        Planned(
            round=round_id,
            kind="withdrawal",
            subject=application,
            occasion="e",
            recipient=gone,
            channel=Channel.MAIL,
            facts={},
            needs=(),
            traceparent=None,
        ),
    ]
    async with connected(pool) as connection:
        await keep_contacts(connection, people)
        await keep_rounds(connection, [opened(NOW + timedelta(days=9), round=round_id)])
        await take_applications(connection, [read("ApplicationSubmitted", **entry)])
        await keep_verdicts(connection, [read("ApplicationJudged", **entry, epoch=1)])
        await keep_rounds(connection, [read("InputsCommitted", round=round_id, epoch=1)])
        await deliveries.insert(connection, [(delivery_id(one), one) for one in owed])
        await keep_contacts(connection, [Tombstone(gone, "topic", 0, 1)])


WORK: dict[str, tuple[Callable[[Pool, ByRound], Awaitable[None]], str]] = {
    "turns": (turns, "channel = 'outbox'"),
    "verdicts": (verdicts, "kind = 'verdict'"),
    "digests": (gathered, "kind = 'digest'"),
    "erased": (erased, "state = 'failed'"),
}
"""Of each job: what it does, and which deliveries show that it has."""


@pytest.mark.parametrize("job", WORK)
async def test_a_round_that_fails_a_job_is_named_and_leaves_the_others_theirs(pool: Pool, job: str) -> None:
    work, done = WORK[job]
    for round_id in (BROKEN, WHOLE):
        await begin(pool, round_id)
    await pool.execute(FAULT)
    metrics = open_metrics()
    await work(pool, ByRound(job, metrics.round_failures))
    found = f"SELECT DISTINCT round FROM deliveries WHERE {done} ORDER BY round"  # noqa: S608
    assert [row["round"] for row in await pool.fetch(found)] == [WHOLE]
    assert metrics.registry.get_sample_value("firstbuy_round_failures_total", {"duty": job, "round": BROKEN}) == 1
    await pool.execute("DROP TRIGGER fault ON deliveries")
    await work(pool, apart(job))
    assert [row["round"] for row in await pool.fetch(found)] == [BROKEN, WHOLE], "nothing of it was lost"


def pledged(code: str, *rounds: str, status: str = "active") -> Event[Any]:
    pledges = [{"round": round_id, "won": 1} for round_id in rounds]
    return read("InstitutionChanged", institution=code, status=status, pledges=pledges, changed_at=NOW.isoformat())


async def told_on_outboxes(pool: Pool) -> list[tuple[str, str, str]]:
    rows = await pool.fetch("SELECT recipient, round, occasion FROM deliveries WHERE channel = 'outbox'")
    return sorted((row["recipient"], row["round"], row["occasion"]) for row in rows)


async def test_who_pledges_to_an_open_round_is_told_of_it_as_the_others_were(pool: Pool) -> None:
    closes_at = NOW + timedelta(days=9)
    later = closes_at + timedelta(days=1)
    async with connected(pool) as connection:
        await keep_rounds(connection, [opened(closes_at), opened(closes_at, round="2019-h1")])
        await keep_rounds(connection, [read("RoundExtended", closes_at=later.isoformat())])
    await jobs.spread_lifecycle_events(pool, apart("turns"))
    before = await told_on_outboxes(pool)
    assert [(code, of) for code, of, _ in before] == [("kwater", ROUND), ("kwater", ROUND), ("kwater", "2019-h1")]
    async with connected(pool) as connection:
        await keep_institutions(
            connection, [pledged("bpa", ROUND), pledged("bpa", ROUND), pledged("lh", status="agreed")]
        )
        await keep_institutions(connection, [pledged("kwater", ROUND, "no-such-round")])
    added = set(await told_on_outboxes(pool)) - set(before)
    assert added == {("bpa", ROUND, occasion) for _, of, occasion in before if of == ROUND}
    async with connected(pool) as connection:
        await keep_rounds(connection, [read("RoundFrozen", pledges=[{"institution": "bpa", "pledge_won": 1}])])
        await keep_institutions(connection, [pledged("nps", ROUND)])
    assert not any(code == "nps" for code, _, _ in await told_on_outboxes(pool)), "it is closed"
