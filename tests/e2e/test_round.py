"""A small round through all four services as processes: undisturbed, and with one killed in the middle of a batch."""

import asyncio
import email
import email.policy
import json
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.process import Launch, executed
from deploy.local.stack import Stack
from shared.proof.merkle import digest_of
from shared.service.audit import AuditRow, faults
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.rounds import Office, application, clock_map, purchase_request, write_inbox

ROUND = "small-round"
FIRMS = 60
WINDOW_SECONDS = 15.0


@pytest.fixture
def launch() -> Launch:
    """As in production: `python -m services.<name>`."""
    return executed


@dataclass(frozen=True)
class Ended:
    """What a round came to, and what an outsider can read of it."""

    roots: dict[str, str]
    results: list[dict[str, Any]]
    verdicts: set[tuple[str, int, str]]


def firm(number: int) -> dict[str, Any]:
    """Every fifth without a certificate; different prices, so that the draw has something to decide."""
    stated = application(number, price_won=1_000_000 + 50_000 * (number % 9))
    if number % 5 == 0:
        stated["certificates"] = []
    return stated


class SmallRound:
    def __init__(self, stack: Stack, client: httpx2.AsyncClient, office: Office) -> None:
        self.stack = stack
        self.client = client
        self.office = office
        self.receipts: list[dict[str, Any]] = []

    async def open(self) -> None:
        for code in ("kepco", "lh"):
            await self.office.institution(code, small_round=30_000_000)
        await self.office.announce(ROUND, rehearsal=clock_map(WINDOW_SECONDS, seed="one seed"))
        await self.office.status(ROUND, "open")
        for code, references in (("kepco", ("r1", "r2")), ("lh", ("r1",))):
            messages = [
                ("SubmitPurchaseRequest", f"{code}-{name}", purchase_request(ROUND, name)) for name in references
            ]
            await write_inbox(self.stack, code, *messages)

    async def enter(self, numbers: range) -> None:
        answers = await asyncio.gather(
            *(self.client.post(f"/rounds/{ROUND}/applications", json=firm(number)) for number in numbers)
        )
        assert {answer.status_code for answer in answers} == {201}
        self.receipts += [answer.json() for answer in answers]

    async def withdraw(self, index: int) -> None:
        receipt = self.receipts[index]
        token = {"Authorization": f"Bearer {receipt['token']}"}
        url = f"/applications/{receipt['application']}/withdrawal"
        (await self.client.post(url, json={}, headers=token)).raise_for_status()

    async def end(self) -> Ended:
        await self.office.status(ROUND, "frozen")
        proposal = await self.office.confirm(ROUND)
        results = await self.office.results(ROUND, FIRMS - 1)
        committed = await self.office.milestone(ROUND, "InputsCommitted")
        records = await records_of(self.stack.kafka.settings, f"{self.stack.topic_prefix}verdicts.v1")
        bodies = [json.loads(record.value) for record in records]
        roots = {name: committed[name] for name in committed if name.endswith("_root")}
        manifest = (await self.client.get(f"/rounds/{ROUND}/manifest")).json()
        assert committed["applications_root"] == manifest["applications"]["root"]
        return Ended(
            roots | {"selection_root": proposal["selection_root"], "seed": proposal["seed"]},
            results,
            {(body["application"], body["version"], body["findings_hash"]) for body in bodies},
        )


async def played(stack: Stack, *, killed: bool) -> Ended:
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        small = SmallRound(stack, client, await Office.of(stack, client))
        await small.open()
        await small.enter(range(FIRMS // 2))
        if killed:
            await kill_with_a_batch_in_hand(stack, small)
        else:
            await small.enter(range(FIRMS // 2, FIRMS))
        await small.withdraw(7)
        ended = await small.end()
        await check_logs(stack)
        await reconcile_mails(stack)
    return ended


async def kill_with_a_batch_in_hand(stack: Stack, small: SmallRound) -> None:
    """Lets eligibility judge some, holds it in its transaction with others, kills it there, and starts it again."""
    database = await asyncpg.connect(stack.database_url("eligibility"))

    async def some_judged() -> bool:
        return bool(await database.fetchval("SELECT count(*) FROM verdicts") == FIRMS // 2)

    await until(some_judged, "verdicts before the kill")

    async def holds_a_batch() -> bool:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'verdicts'::regclass"
        return bool(await database.fetchval(waiting))

    async with database.transaction():
        await database.execute("LOCK TABLE verdicts IN EXCLUSIVE MODE")
        await small.enter(range(FIRMS // 2, FIRMS))
        await until(holds_a_batch, "an uncommitted batch in eligibility's hands")
        await stack.kill("eligibility", stay_down=True)
    assert await database.fetchval("SELECT count(*) FROM verdicts") == FIRMS // 2, "the batch was not committed"
    await database.close()
    await stack.restart("eligibility")


async def check_logs(stack: Stack) -> None:
    """What the services decided by themselves stands in chains without a fault."""
    decided = {"eligibility": ["EligibilityCompleted"], "selection": ["InputsCommitted", "SelectionProposed"]}
    async with httpx2.AsyncClient() as client:
        for service, actions in decided.items():
            told = (await client.get(f"{stack.url(service)}/audit")).raise_for_status().json()["rows"]
            assert [row["action"] for row in told] == actions
            assert faults([AuditRow.of_json(row) for row in told]) == []


async def reconcile_mails(stack: Stack) -> None:
    """Every delivery by mail is one file, and every file one delivery."""

    async def all_told() -> bool:
        return len(list(stack.mail_folder.glob("*.eml"))) >= FIRMS + 1 + 2 * (FIRMS - 1)

    await until(all_told, "a receipt for each, one withdrawal, a verdict and a result for each that stayed in", 60)

    async def delivered() -> set[str]:
        records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}deliveries.v1")
        bodies = [json.loads(record.value) for record in records]
        return {body["message_id"] for body in bodies if body.get("channel") == "mail" and "delivered_at" in body}

    files = {str(read_mail(path.read_bytes())["Message-ID"]) for path in stack.mail_folder.glob("*.eml")}

    async def agree() -> bool:
        return await delivered() == files

    await until(agree, "deliveries and mail files agree")
    assert len(files) == len(list(stack.mail_folder.glob("*.eml"))), "nothing was sent twice"


def read_mail(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)


@pytest.mark.apache_kafka
async def test_a_killed_service_changes_no_root(start_stack: StartStack) -> None:
    quiet = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.5"}
    undisturbed = await played(await start_stack(environment=quiet), killed=False)
    disturbed = await played(await start_stack(environment=quiet, topic_prefix="disturbed."), killed=True)
    assert disturbed.roots == undisturbed.roots
    assert disturbed.results == undisturbed.results
    assert disturbed.verdicts == undisturbed.verdicts
    selected = [result for result in disturbed.results if result["result"] == "ProductSelected"]
    assert selected
    assert len(selected) < FIRMS // 2, "there is less money than products"
    standing = digest_of((result["application"], 1) for result in disturbed.results)
    assert standing.count == FIRMS - 1


async def test_a_trace_goes_from_the_post_to_the_mail(start_stack: StartStack) -> None:
    stack = await start_stack(services=("intake", "notify"))
    trace = "0af7651916cd43dd8448eb211c80319c"
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        answer = await client.post(f"/rounds/{round_id}/applications", json=application(1), headers=headers)
        assert answer.status_code == 201

    async def told() -> bool:
        return bool(list(stack.mail_folder.glob("*.eml")))

    await until(told, "the receipt by mail")
    mail = read_mail(next(iter(stack.mail_folder.glob("*.eml"))).read_bytes())
    version, trace_id, span, flags = str(mail["traceparent"]).split("-")
    assert (version, trace_id, flags) == ("00", trace, "01")
    assert span != "b7ad6b7169203331", "the mail stands under a span of its own"
    body = mail.get_body(("plain",))
    assert body is not None
    assert answer.json()["application"] in body.get_content()


async def test_what_changes_after_the_commitment_changes_no_award(start_stack: StartStack) -> None:
    """A source that officers type, so that there is time between the commitment and the seed to cut a pledge."""
    stack = await start_stack(
        services=("intake", "eligibility", "selection"), environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.5"}
    )
    lottery = {"source": "lotto", "kind": "rfc3797", "period_seconds": 60, "description": "six numbers"}
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        await office.institution("kepco", cut_pledge=30_000_000)
        round_id = await office.announce("cut-pledge", rehearsal=clock_map(4), sources=[lottery])
        await office.status(round_id, "open")
        await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m1", purchase_request(round_id, "r1")))
        for number in range(5):
            answer = await client.post(f"/rounds/{round_id}/applications", json=firm(number + 1))
            assert answer.status_code == 201
        committed = await office.milestone(round_id, "InputsCommitted")
        await office.institution("kepco", cut_pledge=1)

        async def cut() -> bool:
            database = await asyncpg.connect(stack.database_url("selection"))
            try:
                return bool(await database.fetchval("SELECT won FROM pledges WHERE round = $1", round_id) == 1)
            finally:
                await database.close()

        await until(cut, "selection knows of the smaller pledge")
        shown = (await client.get(f"{stack.url('selection')}/rounds/{round_id}/pledges")).json()
        assert shown[0]["pledge_won"] == 30_000_000, "what counts is what the freeze fixed"
        named = {"epoch": committed["epoch"], "commitment_root": committed["commitment_root"]}
        terms = named | {"source": "lotto", "value": "1.2.3.4.5.6./"}
        body = {"act": "record-source", "terms": terms, "reason": "as published by the lottery commission"}
        url = f"/rounds/{round_id}/acts"
        act = (await client.post(url, json=body, headers=office.officers[0])).raise_for_status().json()["act"]

        async def recorded() -> bool:
            told = await client.post(f"{url}/{act}/approval", headers=office.officers[1])
            assert told.status_code == 200 or told.json()["type"] == "urn:firstbuy:problem:not-due"
            return told.status_code == 200

        await until(recorded, "the value is due and recorded")
        proposal = await office.confirm(round_id)
        assert proposal["commitment_root"] == committed["commitment_root"]
        results = await office.results(round_id, 5)
    awarded = sum(award["amount_won"] for result in results for award in result.get("awards", ()))
    assert awarded > 1, "awards are made within the pledges that were committed"
