"""Commitments stamped by a real time-stamp authority: away and back, wrong answers, wrong signers, two replicas."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from firstbuy.verifying.timestamps import examined_timestamp
from shared.proof.timestamping import roots_of
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.firstbuy_command import firstbuy, kept
from tests.support.timestamp_authority import TimestampAuthority, over_another_digest

GOLDEN = Path(__file__).parents[1] / "contract" / "golden"
ROUND = "2018-h2"


@pytest.fixture
def authority(tmp_path: Path) -> TimestampAuthority:
    """With a port of its own, and away."""
    made = TimestampAuthority(tmp_path / "tsa", "Test TSA")
    with made.serving():
        pass
    return made


def environment(authority: TimestampAuthority) -> dict[str, str]:
    return {
        "FIRSTBUY_SELECTION_TIMESTAMP_URL": authority.url,
        "FIRSTBUY_SELECTION_TIMESTAMP_CA_FILE": str(authority.root),
        "FIRSTBUY_SELECTION_TIMESTAMP_RETRY_SECONDS": "0.2",
    }


async def commit(stack: Stack, epoch: int = 1) -> dict[str, Any]:
    """A commitment as it stands in selection's database."""
    body: dict[str, Any] = json.loads((GOLDEN / "InputsCommitted.v1.1.json").read_text()) | {"epoch": epoch}
    body["commitment_root"] = f"{epoch}" * 64 if epoch > 1 else body["commitment_root"]
    database = await asyncpg.connect(stack.database_url("selection"))
    await database.execute(
        "INSERT INTO commitments (round, epoch, body) VALUES ($1, $2, $3::text::jsonb)", ROUND, epoch, json.dumps(body)
    )
    await database.close()
    return body


async def commitments(stack: Stack) -> list[dict[str, Any]]:
    async with httpx2.AsyncClient() as client:
        answer = await client.get(f"{stack.url('selection')}/rounds/{ROUND}/commitments")
    listed: list[dict[str, Any]] = answer.raise_for_status().json()
    return listed


async def until_stamped(stack: Stack) -> list[dict[str, Any]]:
    async def there() -> bool:
        return all(commitment["timestamp"] for commitment in await commitments(stack))

    await until(there, "a time-stamp of every commitment")
    return await commitments(stack)


async def events(stack: Stack) -> dict[str, dict[str, Any]]:
    """CommitmentTimeStamped by event id."""
    records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}milestones.v1")
    return {dict(record.headers)["ce_id"].decode(): json.loads(record.value) for record in records}


async def until_said(stack: Stack, words: str) -> None:
    async def said() -> bool:
        return words in stack.log("selection").read_text()

    await until(said, words)


async def test_a_commitment_is_stamped_once_the_authority_is_back(
    start_stack: StartStack, authority: TimestampAuthority, tmp_path: Path
) -> None:
    stack = await start_stack(services=("selection",), environment=environment(authority))
    committed = await commit(stack)
    await until_said(stack, "AuthorityAwayError")
    assert [commitment["timestamp"] for commitment in await commitments(stack)] == [None]
    with authority.serving():
        (stamped,) = await until_stamped(stack)
        await commit(stack, epoch=2)
        first, second = await until_stamped(stack)
    assert first == stamped == committed | {"timestamp": stamped["timestamp"]}
    assert examined_timestamp(second, roots_of(authority.root.read_bytes())).checked

    async def both() -> bool:
        return len(await events(stack)) == 2

    await until(both, "both on milestones.v1")
    published = {event["epoch"]: event for event in (await events(stack)).values()}
    mine = {"round": ROUND, "epoch": 1, "commitment_root": committed["commitment_root"]}
    assert published[1] == mine | stamped["timestamp"]

    file = kept(tmp_path, "event.json", published[1])
    code, printed = await firstbuy("verify", "timestamp", file, "--ca", str(authority.root))
    assert (code, "CN=Test TSA stamped SHA-256" in printed) == (0, True), printed
    stranger = TimestampAuthority(tmp_path / "stranger", "Test TSA")
    code, printed = await firstbuy("verify", "timestamp", file, "--ca", str(stranger.root))
    assert (code, "✗ token" in printed) == (1, True), printed


@pytest.mark.parametrize("wrong", ["another digest", "another signer", "no answer"])
async def test_a_wrong_answer_is_refused_and_the_authority_asked_again(
    start_stack: StartStack, authority: TimestampAuthority, tmp_path: Path, wrong: str
) -> None:
    committed = json.loads((GOLDEN / "InputsCommitted.v1.1.json").read_text())
    right, answer = authority.altered, authority.answer
    if wrong == "another digest":
        authority.altered = lambda query: over_another_digest(query, committed["commitment_root"])
    else:
        stranger = TimestampAuthority(tmp_path / "stranger", "Test TSA")
        replaced: Callable[[bytes], bytes] = stranger.answer if wrong == "another signer" else lambda _: b"<html>"
        authority.answer = replaced
    with authority.serving():
        stack = await start_stack(services=("selection",), environment=environment(authority))
        await commit(stack)
        await until_said(stack, "WrongStampError")
        assert [commitment["timestamp"] for commitment in await commitments(stack)] == [None]
        authority.altered, authority.answer = right, answer
        await until_stamped(stack)


async def test_two_replicas_publish_one_stamp(start_stack: StartStack, authority: TimestampAuthority) -> None:
    given = environment(authority)
    with authority.serving():
        stack = await start_stack(services=("selection",), replicas={"selection": 2}, environment=given)
        for epoch in range(1, 6):
            await commit(stack, epoch)
        await until_stamped(stack)
    await asyncio.sleep(1)  # whatever else is published meanwhile
    assert sorted(event["epoch"] for event in (await events(stack)).values()) == [1, 2, 3, 4, 5]
    stamps = {commitment["epoch"]: commitment["timestamp"]["token"] for commitment in await commitments(stack)}
    assert {event["epoch"]: event["token"] for event in (await events(stack)).values()} == stamps
