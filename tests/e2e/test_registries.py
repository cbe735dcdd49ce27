"""A round whose policy asks registries, through all four services and the command line: an outage in the middle, an
officers' waiver, an emptied eligibility, mails."""

import asyncio
import json
from email import message_from_bytes, policy
from typing import Any

import asyncpg
import httpx2
import pytest
from typer.testing import CliRunner

from deploy.local.registries.records import Mood
from deploy.local.stack import Stack
from firstbuy.cli import assembled
from shared.contracts.facts import BusinessStatus
from shared.contracts.registries import Registry
from tests.conftest import Database, StartStack
from tests.support.asking import asking_policy
from tests.support.consuming import until
from tests.support.guessing import assert_nobody_is_named
from tests.support.registries import Local
from tests.support.rounds import Office, application, clock_map

APPLIED = 4


@pytest.fixture
async def stack(start_stack: StartStack, local: Local) -> Stack:
    return await start_stack(environment=local.environment(), replicas={"eligibility": 2})


async def test_an_outage_leaves_a_round_waiting_until_the_registry_or_two_officers_end_it(
    stack: Stack, local: Local, database: Database
) -> None:
    async with (
        httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client,
        httpx2.AsyncClient(base_url=stack.url("eligibility"), timeout=30) as judging,
    ):
        office = await Office.of(stack, client)
        local.is_(Mood.DOWN)
        round_id = await office.announce(policy=asking_policy(), rehearsal=clock_map(3))
        await office.status(round_id, "open")
        receipts = [await apply(client, local, round_id, number) for number in range(1, APPLIED + 1)]
        closed = application(1)["applicant"]["business_number"]
        local.knows(closed, BusinessStatus.CLOSED)
        checked = await judging.post(f"/rounds/{round_id}/check", json=application(1))
        assert [each["registry"] for each in checked.json()["registries"]] == ["business-status", "certificates"]
        await office.status(round_id, "frozen")

        async def waits() -> bool:
            stands = (await judging.get(f"/rounds/{round_id}/completeness")).json()
            told = {each["registry"]: each["pending"] for each in stands.get("registries", ())}
            return stands.get("pending") == APPLIED and told == {"business-status": APPLIED, "certificates": APPLIED}

        await until(waits, "all applications are pending")
        stands = (await judging.get(f"/rounds/{round_id}/completeness")).json()
        assert not stands["complete"]
        assert all(each["since"] and each["address_set"] and not each["waived"] for each in stands["registries"])
        assert (await office.shown(round_id))["milestones"] == []
        local.is_(Mood.WELL, Registry.BUSINESS_STATUS)

        async def one_is_back() -> bool:
            stands = (await judging.get(f"/rounds/{round_id}/completeness")).json()
            return {each["registry"]: each["pending"] for each in stands["registries"]} == {
                "business-status": 0,
                "certificates": APPLIED,
            }

        await until(one_is_back, "one registry answers, the other is waited for")
        assert (await office.shown(round_id))["milestones"] == []
        told = reconciled(stack, round_id)
        assert f"{APPLIED}, since" in told
        assert "business-status" in told
        refused = await office.propose(round_id, "waive-registry", {"registry": "horoscopes"})
        assert refused.status_code == 422, refused.text
        waive(stack, office, round_id)
        completed = await office.milestone(round_id, "EligibilityCompleted")
        assert (completed["eligible"], completed["ineligible"]) == (APPLIED - 1, 1)
        verdict = await outcome(client, receipts[0])
        assert [(each["authority"], each["answer"]["outcome"], each["differs"]) for each in verdict["evidence"]] == [
            ("국세청 (NTS)", "known", True),
            ("국가기술표준원 (KATS)", "waived", False),
        ]
        await office.confirm(round_id)
        await until(
            lambda: mailed(stack, 1, "국세청 (NTS)", "조회 결과: 폐업"), "the mail says what was said, and by whom"
        )
        await _judged_again_from_what_was_published(local, judging, office, round_id, receipts[0], verdict, completed)


async def _judged_again_from_what_was_published(
    local: Local,
    judging: httpx2.AsyncClient,
    office: Office,
    round_id: str,
    applicant: dict[str, Any],
    verdict: dict[str, Any],
    completed: dict[str, Any],
) -> None:
    """By a service that lost its database, and that no registry answers."""
    local.shelf.businesses.clear()
    await emptied(office.stack)
    await until(lambda: judged(judging, round_id), "judged again from what was published")
    assert await outcome(office.client, applicant) == verdict
    assert (await office.milestone(round_id, "EligibilityCompleted"))["verdicts"] == completed["verdicts"]
    firms = [application(number) for number in range(1, APPLIED + 1)]
    subjects = [firm["applicant"]["business_number"] for firm in firms] + [firm["contact"]["email"] for firm in firms]
    await assert_nobody_is_named(office.stack, round_id, subjects, map(str, Registry))


async def apply(client: httpx2.AsyncClient, local: Local, round_id: str, number: int) -> dict[str, Any]:
    body = application(number)
    local.confirms(body)
    answer = await client.post(
        f"/rounds/{round_id}/applications", json=body, headers={"Idempotency-Key": f"{round_id}-{number}"}
    )
    receipt: dict[str, Any] = answer.raise_for_status().json()
    return receipt


def waive(stack: Stack, office: Office, round_id: str) -> None:
    """By the command line: one proposes, the other approves."""
    tokens = [officer["Authorization"].removeprefix("Bearer ") for officer in office.officers]
    where = ["--url", stack.url("intake")]
    words = ["round", "waive-registry", round_id, "--registry", "certificates", "--reason", "closed for a week"]
    proposed = CliRunner().invoke(assembled(), [*words, "--json", *where, "--token", tokens[0]])
    assert proposed.exit_code == 0, proposed.output
    act = json.loads(proposed.stdout)["act"]
    done = CliRunner().invoke(assembled(), ["round", "approve", round_id, act, *where, "--token", tokens[1]])
    assert done.exit_code == 0, done.output


def reconciled(stack: Stack, round_id: str) -> str:
    where = ["--eligibility", stack.url("eligibility"), "--selection", stack.url("selection")]
    ended = CliRunner().invoke(assembled(), ["round", "reconcile", round_id, *where])
    assert ended.exit_code == 1, ended.output
    return ended.output


async def mailed(stack: Stack, number: int, *words: str) -> bool:
    """Whether a mail to that firm's contact holds these words."""
    for file in stack.mail_folder.glob("*.eml"):
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        body = mail.get_body(("plain",)) if f"contact{number}@" in str(mail["To"]) else None
        text = " ".join(body.get_content().split()) if body else ""
        if all(word in text for word in words):
            return True
    return False


async def outcome(client: httpx2.AsyncClient, receipt: dict[str, Any]) -> dict[str, Any]:
    """The verdict as the applicant reads it."""
    identifier = receipt["application"]
    headers = {"Authorization": f"Bearer {receipt['token']}"}
    async with asyncio.timeout(30):
        while True:
            shown = (await client.get(f"/applications/{identifier}/status", headers=headers)).raise_for_status().json()
            if shown.get("verdict"):
                verdict: dict[str, Any] = shown["verdict"]
                return verdict
            await asyncio.sleep(0.1)


async def emptied(stack: Stack) -> None:
    for replica in range(2):
        await stack.stop("eligibility", replica)
    connection = await asyncpg.connect(stack.database_url("eligibility"))
    try:
        rows = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '%migrations%'"
        )
        await connection.execute("; ".join(f"DELETE FROM {row['tablename']}" for row in rows))  # noqa: S608
    finally:
        await connection.close()
    for replica in range(2):
        await stack.restart("eligibility", replica)


async def judged(judging: httpx2.AsyncClient, round_id: str) -> bool:
    answer = await judging.get(f"/rounds/{round_id}/completeness")
    return answer.status_code == 200 and bool(answer.json()["complete"])
