"""Open data out of the database: what is not there yet is not left out of a release, and what is gone is."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest
from pydantic import TypeAdapter

from services.selection.domain.ocds.package import releases
from services.selection.domain.ocds.process import DatedEvent, Process
from services.selection.domain.ocds.release import NotReadYetError
from services.selection.storage import evidence, inputs, ocds
from services.selection.storage.inputs import Application
from shared.contracts.events import InputsCommitted, InstitutionChanged, InstitutionStatus, PurchaseReported
from shared.contracts.facts import ApplicationFacts
from shared.service.postgres import Connection, open_pool
from tests.conftest import Database, StartStack
from tests.data.facts import firm
from tests.support.ocds import PUBLICATION, ROUND, TURNS

FIRMS = {
    str(uuid.UUID(int=number)): firm(name=f"기업 {number}", business_number=f"{number:010}") for number in (1, 2, 3)
}
FIRST, SECOND, THIRD = FIRMS
CHOSEN = {1: (FIRST, SECOND), 2: (SECOND,)}
NAMED = datetime(2018, 4, 12, tzinfo=UTC)
_FACTS = TypeAdapter(ApplicationFacts)


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    """Of a database that knows a round with two results."""
    pool = await open_pool(await database("selection"), 2, "test")
    async with pool.acquire() as held:
        turns = [told(turn) for turn in TURNS]
        rows = [
            {
                "round": ROUND,
                "id": str(number),
                "type": type(turn.event).__name__,
                "body": turn.event.model_dump(mode="json"),
                "appended_at": turn.came_at or NAMED,
            }
            for number, turn in enumerate(turns)
        ]
        await evidence.save_published_events(held, rows)
        await inputs.save_applications(held, [stated(application) for application in FIRMS])
        for epoch, chosen in CHOSEN.items():
            await keep_result(held, epoch, chosen)
        await ocds.save_names(held, [called("kepco", "한국전력공사"), called("lh", "한국토지주택공사")])
        yield held
    await pool.close()


def told(turn: DatedEvent) -> DatedEvent:
    if not isinstance(turn.event, InputsCommitted):
        return turn
    root = str(turn.event.epoch) * 64
    return DatedEvent(turn.event.model_copy(update={"entries": len(FIRMS), "commitment_root": root}))


def stated(application: str) -> Application:
    facts = _FACTS.dump_python(FIRMS[application], mode="json")
    return Application(
        application=application,
        version=1,
        round=ROUND,
        party=application,
        payload_hash="0" * 64,
        facts=facts,
        nonce="0" * 32,
        identity=None,
    )


def called(institution: str, name: str, since: datetime = NAMED) -> InstitutionChanged:
    return InstitutionChanged(institution=institution, name=name, status=InstitutionStatus.ACTIVE, changed_at=since)


async def keep_result(connection: Connection, epoch: int, chosen: tuple[str, ...]) -> None:
    awards = [{"request": "kepco/r1", "institution": "kepco", "quantity": 2, "amount_won": 2_400_000}]
    entries = """
    INSERT INTO entries (round, epoch, application, version, outcome, tickets) VALUES ($1, $2, $3, 1, 'eligible', 1)
    """
    results = """
    INSERT INTO results (round, epoch, line, application, party, product, result, tickets, awards)
    VALUES ($1, $2, $3, $4, $4, '누수 감지 센서', $5, 1, $6)
    """
    for number, application in enumerate(FIRMS, start=1):
        selected = application in chosen
        await connection.execute(entries, ROUND, epoch, application)
        result = ("selected", awards) if selected else ("not-selected", [])
        await connection.execute(results, ROUND, epoch, number, application, *result)
    root: Any = {"selection_root": "2" * 64}
    committed = "INSERT INTO commitments (round, epoch, body, pledges, demands) VALUES ($1, $2, '{}', '{}', '[]')"
    await connection.execute(committed, ROUND, epoch)
    await connection.execute("INSERT INTO proposals (round, epoch, body) VALUES ($1, $2, $3)", ROUND, epoch, root)
    confirmed = "INSERT INTO confirmations (round, epoch, selection_root) VALUES ($1, $2, $3)"
    await connection.execute(confirmed, ROUND, epoch, root["selection_root"])


async def process(connection: Connection) -> Process:
    found = await ocds.process(connection, ROUND, {})
    assert found is not None
    return found


def made(known: Process) -> dict[str, dict[str, Any]]:
    return {release.occasion: release.body() for release in releases(PUBLICATION, known)}


def report(institution: str, day: int, quantity: int) -> PurchaseReported:
    return PurchaseReported(
        round=ROUND,
        request="kepco/r1",
        institution=institution,
        application=SECOND,
        quantity=quantity,
        amount_won=quantity * 1_200_000,
        contracted_on=date(2018, 11, 1),
        reported_at=datetime(2018, 11, day, tzinfo=UTC),
    )


async def test_a_round_with_two_results_is_read_back_whole(connection: Connection) -> None:
    known = await process(connection)
    assert known.tenderers == {1: 3, 2: 3}
    assert [(row.occasion, row.selected.application, row.status.value) for row in known.awardings] == [
        ("confirmed-1", FIRST, "active"),
        ("confirmed-1", SECOND, "active"),
        ("confirmed-2", FIRST, "cancelled"),
    ]
    assert made(known)["extended-1"]["date"] == "2018-09-14T00:00:00Z", "the broker's stamp"


async def test_a_round_that_was_not_announced_is_unknown(connection: Connection) -> None:
    assert await ocds.process(connection, "other", {}) is None


@pytest.mark.parametrize("lost", ["DELETE FROM proposals", "DELETE FROM entries", "DELETE FROM commitments"])
async def test_nothing_is_said_of_a_round_whose_newest_result_is_not_made_again(
    connection: Connection, lost: str
) -> None:
    await connection.execute(lost)
    with pytest.raises(NotReadYetError):
        await process(connection)


async def test_a_result_that_is_gone_is_left_out_and_the_newest_is_the_first(connection: Connection) -> None:
    for lost in ("proposals", "entries", "results", "commitments"):
        await connection.execute("DELETE FROM " + lost + " WHERE epoch = 1")  # noqa: S608
    said = made(await process(connection))
    assert "confirmed-1" not in said
    assert said["confirmed-2"]["tag"] == ["tenderUpdate", "award"]
    assert "numberOfTenderers" not in said["committed-1"]["tender"]


async def test_an_institution_without_a_name_is_waited_for(connection: Connection) -> None:
    await connection.execute("DELETE FROM institution_names WHERE institution = 'lh'")
    with pytest.raises(NotReadYetError):
        made(await process(connection))


async def test_a_new_name_stands_from_its_day_on(connection: Connection) -> None:
    before = made(await process(connection))
    await ocds.save_names(connection, [called("kepco", "새 이름", datetime(2018, 11, 2, tzinfo=UTC))])
    await ocds.save_reports(connection, [report("kepco", 1, 1), report("kepco", 3, 2)])
    after = made(await process(connection))
    assert {name: after[name] for name in before} == before
    assert [after[f"report-{n}"]["buyer"]["name"] for n in (1, 2)] == ["한국전력공사", "새 이름"]


async def test_every_report_is_kept_once_and_only_of_the_institution_whose_award_it_is(connection: Connection) -> None:
    reports = [report("kepco", 3, 2), report("kepco", 1, 1), report("lh", 2, 5)]
    for _ in range(2):
        await ocds.save_reports(connection, reports)
    known = await process(connection)
    assert [one.report.quantity for one in known.reports] == [1, 2]


async def test_a_report_that_was_early_comes_when_its_award_is_public(connection: Connection) -> None:
    early = report("kepco", 1, 1).model_copy(update={"reported_at": datetime(2018, 9, 1, tzinfo=UTC)})
    await ocds.save_reports(connection, [early])
    said = made(await process(connection))
    assert said["report-1"]["date"] == said["confirmed-1"]["date"]


async def test_without_a_public_address_there_is_no_open_data(start_stack: StartStack) -> None:
    """Nobody but the operator says where its links lead."""
    stack = await start_stack(services=("selection",), environment={"FIRSTBUY_SELECTION_PUBLIC_URL": ""})
    async with httpx2.AsyncClient(base_url=stack.url("selection")) as client:
        answer = await client.get("/rounds/any/ocds")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:firstbuy:problem:no-public-address")
