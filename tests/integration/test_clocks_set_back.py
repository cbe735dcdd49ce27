"""A server's clock may be set back: the evidence of a true round is right all the same."""

import io
import json
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.selection.verify import examine
from tests.conftest import StartStack
from tests.support.consuming import until
from tests.support.epochs import ENVIRONMENT, enter, opened_round, standing
from tests.support.rounds import Office, application

YEARS = timedelta(days=3650)
FOLLOWING = {
    "EligibilityCompleted": ("completed_at", "RoundFrozen"),
    "InputsCommitted": ("committed_at", "EligibilityCompleted"),
    "SelectionConfirmed": ("confirmed_at", "SelectionProposed"),
    "ReleaseOpened": ("opened_at", "SelectionProposed"),
    "ReleaseProposed": ("proposed_at", "ReleaseOpened"),
    "ReleaseConfirmed": ("confirmed_at", "ReleaseProposed"),
    "EpochOpened": ("opened_at", "RoundFrozen"),
}


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(services=("intake", "eligibility", "selection"), environment=ENVIRONMENT)


async def set_back(stack: Stack, service: str, round_id: str, by: timedelta = YEARS) -> None:
    """The clock of a rehearsed round, as one service reads it."""
    database = await asyncpg.connect(stack.database_url(service))
    try:

        async def known() -> bool:
            named = await database.fetchval("SELECT rehearsal FROM rounds WHERE round = $1", round_id)
            return named is not None

        await until(known, f"{service} knows the round")
        rehearsal = json.loads(await database.fetchval("SELECT rehearsal FROM rounds WHERE round = $1", round_id))
        earlier = datetime.fromisoformat(rehearsal["programme_anchor"]) - by
        stated = json.dumps(rehearsal | {"programme_anchor": earlier.isoformat()})
        await database.execute("UPDATE rounds SET rehearsal = $2 WHERE round = $1", round_id, stated)
    finally:
        await database.close()


async def test_nothing_is_said_to_be_earlier_than_what_it_follows(stack: Stack, office: Office) -> None:
    round_id = await opened_round(office)
    for service in ("eligibility", "selection"):
        await set_back(stack, service, round_id)
    await enter(office, round_id, range(1, 5))
    await office.milestone(round_id, "SelectionProposed")
    await set_back(stack, "intake", round_id)
    proposal = await office.confirm(round_id)
    first = (await office.results(round_id, 4))[0]["application"]
    free: dict[str, Any] = {"given_up": [], "cancelled": [], "declined": [first]}
    batch = {"epoch": 1, "batch": 1}
    await office.act(round_id, "release", batch | {"selection_root": proposal["selection_root"]} | free)
    given_out = await office.milestone(round_id, "ReleaseProposed")
    await office.act(round_id, "confirm-release", batch | {"batch_root": given_out["batch_root"]})
    await office.act(
        round_id, "admit-late", await standing(office, round_id) | {"source": "rehearsal"}, entry=application(99)
    )
    await set_back(stack, "intake", round_id, -YEARS)  # or no value would ever be due
    await office.confirm(round_id, epoch=2)
    await office.results(round_id, 5)
    answer = await office.client.get(f"{stack.url('selection')}/rounds/{round_id}/evidence", params={"epoch": 2})
    report = examine(io.BytesIO(answer.raise_for_status().content))
    assert (report.differs, report.confirmed) == ([], True)
    told: dict[str, dict[str, Any]] = {}
    for line in map(json.loads, answer.content.splitlines()):
        if "event" in line:
            told.setdefault(line["event"], line["body"])
    moments = {"RoundFrozen": "frozen_at", "SelectionProposed": "proposed_at"} | {
        name: member for name, (member, _) in FOLLOWING.items()
    }
    for name, (member, followed) in FOLLOWING.items():
        assert told[name][member] == told[followed][moments[followed]], f"{name} follows at once"
