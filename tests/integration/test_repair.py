"""Databases disturbed by hand while a round is open heal by themselves after its freeze, over `repairs.v1`."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from shared.proof.merkle import digest_of
from tests.support.consuming import records_of, until
from tests.support.rounds import Office, application, clock_map, purchase_request, write_inbox
from tests.support.stacks import LastingStack

FIRMS = 12
WINDOW_SECONDS = 4.0
ENVIRONMENT = {
    "FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3",
    "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.3",
    "FIRSTBUY_ELIGIBILITY_REPAIR_SECONDS": "0.7",
    "FIRSTBUY_SELECTION_REPAIR_SECONDS": "0.7",
}
LEAVES = """
SELECT v.application::text, v.version, v.payload_hash, v.epoch, v.outcome, v.findings_hash FROM verdicts v
WHERE v.round = $1 AND NOT EXISTS (SELECT FROM withdrawals w WHERE w.application = v.application)
ORDER BY v.application
"""

NO_FINDINGS = "SELECT count(*) FROM verdicts WHERE round = $1 AND findings = '[]'"


pytestmark = pytest.mark.xdist_group("repair")  # one stack for the whole file


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    """One for the whole file: each test has a round of its own. Two replicas where repair must not be done twice."""
    services, replicas = ("intake", "eligibility", "selection"), {"intake": 2, "eligibility": 2}
    async with lasting_stack(services, replicas=replicas, environment=ENVIRONMENT) as started:
        yield started


@pytest.fixture
async def office(stack: Stack) -> AsyncIterator[Office]:
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        made = await Office.of(stack, client)
        await made.institution("kepco")
        yield made


@dataclass
class Judged:
    """A round that is still open, every entry judged and known to selection; one is withdrawn."""

    round: str
    office: Office
    leaves: list[tuple[Any, ...]]
    withdrawn: str

    def application(self, index: int) -> str:
        return str(self.leaves[index][0])

    async def run(self, service: str, statement: str, *arguments: Any) -> str:
        """By hand, in a service's database; what it did, such as `DELETE 1`."""
        async with _database(self.office.stack, service) as database:
            return str(await database.execute(statement, *arguments))

    async def heals(self) -> None:
        """The round ends in the roots it would have had undisturbed: admitted = judged = selected from."""
        round_id, office = self.round, self.office
        committed = await office.milestone(round_id, "InputsCommitted", 30)
        judged = await office.milestone(round_id, "EligibilityCompleted")
        manifest = (await office.client.get(f"/rounds/{round_id}/manifest")).json()
        assert judged["verdicts"]["root"] == digest_of(self.leaves).root
        assert committed["verdicts_root"] == judged["verdicts"]["root"]
        assert committed["applications_root"] == judged["applications_root"] == manifest["applications"]["root"]
        assert committed["requests_root"] == manifest["requests"]["root"]
        assert committed["entries"] == manifest["applications"]["count"] == len(self.leaves)
        for service in ("eligibility", "selection"):
            async with _database(office.stack, service) as database:
                assert [tuple(row) for row in await database.fetch(LEAVES, round_id)] == self.leaves
                if service == "selection":
                    assert not await database.fetchval(NO_FINDINGS, round_id)
            answer = await office.client.get(f"{office.stack.url(service)}/rounds/{round_id}/completeness")
            assert answer.json()["complete"] is True

    async def said(self, kind: str) -> list[dict[str, Any]]:
        stack = self.office.stack
        records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}repairs.v1")
        bodies = [json.loads(record.value) for record in records if dict(record.headers)["ce_type"] == kind.encode()]
        return [body for body in bodies if body["round"] == self.round]


@asynccontextmanager
async def _database(stack: Stack, service: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(stack.database_url(service))
    try:
        yield connection
    finally:
        await connection.close()


async def judged_round(office: Office, window_seconds: float = WINDOW_SECONDS) -> Judged:
    stack, client = office.stack, office.client
    round_id = await office.announce(rehearsal=clock_map(window_seconds, seed="one seed"))
    await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
    await office.status(round_id, "open")
    messages = [
        ("SubmitPurchaseRequest", f"{round_id}-{number}", purchase_request(round_id, f"{round_id}-{number}"))
        for number in range(3)
    ]
    await write_inbox(stack, "kepco", *messages)
    answers = await asyncio.gather(
        *(client.post(f"/rounds/{round_id}/applications", json=application(number)) for number in range(FIRMS))
    )
    receipt = answers[0].raise_for_status().json()
    token = {"Authorization": f"Bearer {receipt['token']}"}
    url = f"/applications/{receipt['application']}/withdrawal"
    (await client.post(url, json={"reason": "changed our mind"}, headers=token)).raise_for_status()
    known = {}

    async def all_known() -> bool:
        for service in ("eligibility", "selection"):
            async with _database(stack, service) as database:
                known[service] = [tuple(row) for row in await database.fetch(LEAVES, round_id)]
                everyone = await database.fetchval("SELECT count(*) FROM verdicts WHERE round = $1", round_id)
                if (len(known[service]), everyone) != (FIRMS - 1, FIRMS):
                    return False
        async with _database(stack, "selection") as database:
            return bool(await database.fetchval("SELECT count(*) = 3 FROM requests WHERE round = $1", round_id))

    await until(all_known, "every entry judged, and known to selection")
    assert (await office.shown(round_id))["status"] == "open", "the disturbance comes before the freeze"
    return Judged(round_id, office, known["eligibility"], receipt["application"])


async def test_a_deleted_verdict_is_judged_again(office: Office) -> None:
    judged = await judged_round(office)
    deleted = "DELETE FROM verdicts WHERE application = $1"
    assert await judged.run("eligibility", deleted, judged.application(0)) == "DELETE 1"
    assert await judged.run("selection", deleted, judged.application(1)) == "DELETE 1"
    await judged.heals()
    requests = await judged.said("kr.firstbuy.BucketRequested.v1")
    asked = Counter((body["requested_by"], body["subject"], body["bucket"]) for body in requests)
    assert {key[:2] for key in asked} == {("eligibility", "applications"), ("selection", "verdicts")}
    assert max(asked.values()) <= 3, "asked again with pauses, by one replica"
    listed = await judged.said("kr.firstbuy.BucketListed.v1")
    assert len(listed) == len(requests), "each request is answered once"


TOO_MANY = """
INSERT INTO verdicts SELECT (jsonb_populate_record(v, jsonb_build_object('application', $2::text))).*
FROM verdicts v WHERE round = $1 ORDER BY application LIMIT 1
"""


async def test_a_verdict_too_many_is_dropped(office: Office) -> None:
    judged = await judged_round(office)
    for service in ("eligibility", "selection"):
        assert await judged.run(service, TOO_MANY, judged.round, f"{judged.round[-6:]:0>8}-0000-4000-8000-0000000000aa")
    await judged.heals()


async def test_a_lost_withdrawal_comes_back(office: Office) -> None:
    judged = await judged_round(office)
    for service in ("eligibility", "selection"):
        lost = await judged.run(service, "DELETE FROM withdrawals WHERE application = $1", judged.withdrawn)
        assert lost == "DELETE 1"
    await judged.heals()


async def test_changed_rows_are_replaced(office: Office) -> None:
    judged = await judged_round(office)
    changed = [
        ("eligibility", "UPDATE verdicts SET payload_hash = repeat('a', 64) WHERE application = $1"),
        ("eligibility", "UPDATE verdicts SET findings_hash = repeat('b', 64) WHERE application = $1"),
        ("eligibility", "UPDATE verdicts SET outcome = 'ineligible' WHERE application = $1"),
        ("eligibility", "UPDATE verdicts SET round = 'another' WHERE application = $1"),
        ("selection", "UPDATE verdicts SET payload_hash = repeat('c', 64) WHERE application = $1"),
        ("selection", "UPDATE verdicts SET findings_hash = repeat('d', 64) WHERE application = $1"),
        ("selection", "UPDATE verdicts SET version = 7 WHERE application = $1"),
        ("selection", "UPDATE applications SET payload_hash = repeat('e', 64) WHERE application = $1"),
        ("selection", "INSERT INTO withdrawals VALUES ($1, 'never', 9)"),
        ("selection", "UPDATE verdicts SET findings = '[]' WHERE application = $1"),
    ]
    for index, (service, statement) in enumerate(changed):
        assert (await judged.run(service, statement, judged.application(index))).endswith(" 1")
    for number, statement in enumerate(
        (
            "UPDATE requests SET payload_hash = repeat('f', 64) WHERE request = $1",
            "UPDATE requests SET withdrawn = true WHERE request = $1",
            "DELETE FROM requests WHERE request = $1",
        )
    ):
        assert (await judged.run("selection", statement, f"kepco/{judged.round}-{number}")).endswith(" 1")
    await judged.heals()


async def test_verdicts_lost_in_both_places_after_the_completion_are_judged_again(office: Office) -> None:
    judged = await judged_round(office)
    stack = office.stack
    await stack.stop("selection")
    await office.milestone(judged.round, "EligibilityCompleted")
    for service in ("eligibility", "selection"):
        deleted = await judged.run(service, "DELETE FROM verdicts WHERE application = $1", judged.application(0))
        assert deleted == "DELETE 1"
    altered = "UPDATE verdicts SET outcome = 'ineligible' WHERE application = $1"
    for service in ("eligibility", "selection"):
        assert await judged.run(service, altered, judged.application(1)) == "UPDATE 1"
    await stack.restart("selection")
    await judged.heals()


@pytest.mark.parametrize("service", ["selection", "eligibility"])
async def test_an_emptied_database_fills_itself(office: Office, service: str) -> None:
    judged = await judged_round(office)
    stack = office.stack
    replicas = range(len(stack.services[service]))
    await asyncio.gather(*(stack.stop(service, replica) for replica in replicas))
    async with _database(stack, service) as database:
        names = await database.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '%migrations%'"
        )
        emptied = [row["tablename"] for row in names]
        assert {"consumer_offsets", "verdicts", "rounds"} <= set(emptied)
        await database.execute("TRUNCATE " + ", ".join(emptied))
    await asyncio.gather(*(stack.restart(service, replica) for replica in replicas))
    await judged.heals()
