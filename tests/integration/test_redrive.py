"""Parked records are taken again once their cause is mended, one or all of a topic."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from firstbuy.cli import assembled
from tests.support.consuming import records_of, until
from tests.support.restoring import apply, connected_to
from tests.support.rounds import Office, clock_map
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("redrive")  # one stack for the whole file
BREAK = "ALTER TABLE verdicts ADD CONSTRAINT broken CHECK (false) NOT VALID"
PLACES = 'SELECT topic, partition, "offset" FROM parked_records WHERE settled_at IS NULL ORDER BY 1, 2, 3'


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    async with lasting_stack(("intake", "eligibility")) as running:
        yield running


async def dlq(stack: Stack, *words: str) -> Result:
    options = ["--url", stack.url("eligibility"), "--token", stack.operator_token, "--reason", "the table is mended"]
    return await asyncio.to_thread(CliRunner().invoke, assembled(), ["dlq", *words, *options], terminal_width=200)


async def eligibility(stack: Stack, statement: str, *arguments: Any) -> list[Any]:
    async with connected_to(stack.database_url("eligibility")) as connection:
        rows: list[Any] = await connection.fetch(statement, *arguments)
        return rows


async def judged(stack: Stack) -> set[str]:
    records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}verdicts.v1")
    return {json.loads(record.value)["application"] for record in records}


async def test_what_was_parked_is_taken_again_once_its_cause_is_mended(stack: Stack) -> None:
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        await eligibility(stack, BREAK)
        receipts = [await apply(client, round_id, number) for number in range(3)]

        async def all_parked() -> bool:
            return len(await eligibility(stack, PLACES)) == len(receipts)

        await until(all_parked, "three parked records", 60)
        (topic, partition, offset), *_ = await eligibility(stack, PLACES)
        failed = await dlq(stack, "redrive", "eligibility", topic)
        assert (failed.exit_code, "0 done, 3 refused" in failed.output) == (1, True), failed.output
        assert "CheckViolationError" in failed.output
        assert await all_parked()

        await eligibility(stack, "ALTER TABLE verdicts DROP CONSTRAINT broken")
        place = (topic, str(partition), str(offset))
        one = await dlq(stack, "redrive", "eligibility", *place)
        assert one.exit_code == 0, one.output
        again = await dlq(stack, "redrive", "eligibility", *place)
        assert (again.exit_code, "settled already" in again.output) == (1, True)
        others = await dlq(stack, "redrive", "eligibility", topic)
        assert (others.exit_code, "2 done, 0 refused" in others.output) == (0, True), others.output
        assert await eligibility(stack, PLACES) == []

        async def all_judged() -> bool:
            return await judged(stack) == {receipt["application"] for receipt in receipts}

        await until(all_judged, "the verdicts are published")
        log = await eligibility(stack, "SELECT count(*) FROM audit_log WHERE action = 'redrive'")
        assert log[0][0] == len(receipts)


async def test_what_can_not_be_taken_again_is_said(stack: Stack) -> None:
    prefix = stack.topic_prefix
    gone, never = f"{prefix}applications.v1", f"{prefix}contacts.v1"
    for topic in (gone, never):
        statement = "INSERT INTO parked_records VALUES ($1, 0, 10000, NULL, 'unreadable-record', '', 1)"
        await eligibility(stack, statement, topic)
    for topic, code in ((gone, "has the record no more"), (never, "are not taken again")):
        refused = await dlq(stack, "redrive", "eligibility", topic, "0", "10000")
        assert (refused.exit_code, code in refused.output) == (1, True), refused.output
    unknown = await dlq(stack, "redrive", "eligibility", gone, "0", "9")
    assert (unknown.exit_code, "No record is parked at this place" in unknown.output) == (1, True)
    settled = await dlq(stack, "settle", "eligibility", gone)
    assert (settled.exit_code, "1 done, 0 refused" in settled.output) == (0, True), settled.output
    half = await dlq(stack, "settle", "eligibility", gone, "0")
    assert half.exit_code == 2
