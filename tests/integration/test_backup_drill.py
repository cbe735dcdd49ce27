"""The drill: a backup of all databases while a round runs, all lost, all put back, and the round goes to its end."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from deploy.local.postgres import PostgresServer, create_database, drop_database
from deploy.local.replicas import provision_kafka
from deploy.local.stack import Stack
from firstbuy.cli import assembled
from firstbuy.onboarding.cluster import Cluster
from firstbuy.verifying.receipts import examined_proof, examined_receipt
from services.selection.verify import examine
from shared.contracts.access import SERVICES
from shared.kafka.provision import remove
from shared.proof.merkle import digest_of
from tests.conftest import StartStack
from tests.support.consuming import until
from tests.support.restoring import answers, apply, bearer, close_now, published, url
from tests.support.rounds import Office, clock_map, purchase_request, write_inbox

pytestmark = pytest.mark.altered_by_hand("the close is moved in intake's database")
KEYS = "/.well-known/firstbuy-keys"


def commanded(stack: Stack, *words: str) -> Result:
    """The command with the addresses of the stack's databases and the operator's way to Kafka."""
    environment = {
        **stack.kafka.settings.as_environment(),
        "FIRSTBUY_STATE": str(stack.state.folder),
        **{f"FIRSTBUY_{service.upper()}_DATABASE_URL": stack.database_url(service) for service in SERVICES},
    }
    return CliRunner(env=environment).invoke(assembled(), list(words), terminal_width=300)


async def start_all(stack: Stack) -> None:
    """Intake alone, then the others."""
    await stack.restart("intake")
    await asyncio.gather(*(stack.restart(service) for service in SERVICES if service != "intake"))


async def lose_all(stack: Stack, server: PostgresServer) -> None:
    """Every service is killed, every database is gone; empty ones have their names."""
    await asyncio.gather(*(stack.kill(service, stay_down=True) for service in SERVICES))
    for service in SERVICES:
        name = stack.database_url(service).rpartition("/")[2]
        await drop_database(server.url, name)
        await create_database(server.url, name)


@dataclass
class Applicants:
    """They apply one after another until they are told to stop; each keeps the receipt."""

    client: httpx2.AsyncClient
    round: str
    receipts: list[dict[str, Any]] = field(default_factory=list)
    stopped: bool = False

    @asynccontextmanager
    async def coming(self) -> AsyncIterator[None]:
        async def come() -> None:
            while not self.stopped:
                self.receipts.append(await apply(self.client, self.round, len(self.receipts)))

        task = asyncio.create_task(come())
        try:
            yield
        finally:
            self.stopped = True
            await task

    async def more(self, count: int) -> None:
        wanted = len(self.receipts) + count

        async def there() -> bool:
            return len(self.receipts) >= wanted

        await until(there, f"{count} more applications")


async def test_a_round_goes_on_to_its_end_after_all_databases_were_lost(
    start_stack: StartStack, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    stack = await start_stack(environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3", "FIRSTBUY_NOTIFY_QUIET_HOURS": ""})
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
        await office.status(round_id, "open")
        applicants = Applicants(client, round_id)
        async with applicants.coming():
            await applicants.more(10)
            await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m-0", purchase_request(round_id, "r-0")))
            taken = await asyncio.to_thread(commanded, stack, "backup", str(tmp_path / "set"))
            assert taken.exit_code == 0, taken.output
            await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m-1", purchase_request(round_id, "r-1")))
            await applicants.more(20)
        await answers(stack, 2)
        await published(stack)
        keys = (await client.get(KEYS)).json()

        await lose_all(stack, postgres_server)
        restored = await asyncio.to_thread(commanded, stack, "restore", str(tmp_path / "set"))
        assert restored.exit_code == 0, restored.output
        await start_all(stack)

        applicants.receipts.append(await apply(client, round_id, len(applicants.receipts)))
        for receipt in applicants.receipts:
            assert examined_receipt(receipt, keys).differs == []
            assert (await client.get(url(receipt), headers=bearer(receipt))).status_code == 200
        assert (await client.get(KEYS)).json() == keys
        await _ends_well(stack, office, round_id, applicants.receipts)


async def _ends_well(stack: Stack, office: Office, round_id: str, receipts: list[dict[str, Any]]) -> None:
    """The restored round freezes with everything that was acknowledged, is drawn, confirmed, told and verified."""
    client = office.client
    await close_now(stack, office, round_id)
    await office.status(round_id, "frozen")
    manifest = (await client.get(f"/rounds/{round_id}/manifest")).json()
    entries = sorted((one["application"], one["version"], one["payload_hash"]) for one in receipts)
    assert manifest["applications"]["root"] == digest_of(entries).root
    await office.confirm(round_id)
    results = await office.results(round_id, len(receipts))
    assert {result["application"] for result in results} == {entry[0] for entry in entries}
    for receipt in (receipts[0], receipts[-1]):
        proof = (await client.get(f"{url(receipt)}/proof", headers=bearer(receipt))).json()
        assert examined_proof(proof, manifest, receipt).differs == []
    evidence = await client.get(f"{stack.url('selection')}/rounds/{round_id}/evidence", timeout=60)
    report = examine(io.BytesIO(evidence.raise_for_status().content))
    moved = [line for line in report.differs if "it was frozen for the close" in line]
    assert (report.differs, len(moved)) == (moved, 1), "all that differs is the close, which this test moved"

    def mailed() -> set[str]:
        return {str(BytesParser().parsebytes(file.read_bytes())["To"]) for file in stack.mail_folder.glob("*.eml")}

    async def all_are_told() -> bool:
        recipients = " ".join(await asyncio.to_thread(mailed))
        return all(f"contact{number}@" in recipients for number in range(len(receipts)))

    await until(all_are_told, "a mail to each who applied")


async def test_a_round_goes_on_to_its_end_after_kafkas_topics_were_lost_too(
    start_stack: StartStack, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """What was acknowledged before the backup is there; what eligibility and selection lack they ask intake for."""
    stack = await start_stack(environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3"})
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
        await office.status(round_id, "open")
        await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m-0", purchase_request(round_id, "r-0")))
        await answers(stack, 1)
        receipts = [await apply(client, round_id, number) for number in range(10)]
        taken = await asyncio.to_thread(commanded, stack, "backup", str(tmp_path / "set"))
        assert taken.exit_code == 0, taken.output

        await lose_all(stack, postgres_server)
        await remove(stack.kafka.settings, stack.topic_prefix)
        await provision_kafka(stack.kafka, stack.topic_prefix)
        await Cluster(stack.kafka.settings, stack.topic_prefix, stack.kafka.own_users).join(["kepco"])
        refused = await asyncio.to_thread(commanded, stack, "restore", str(tmp_path / "set"))
        assert (refused.exit_code, "this is another Kafka" in refused.output) == (1, True), refused.output
        restored = await asyncio.to_thread(commanded, stack, "restore", str(tmp_path / "set"), "--new-topics")
        assert restored.exit_code == 0, restored.output
        await start_all(stack)

        receipts += [await apply(client, round_id, number) for number in range(10, 15)]
        await close_now(stack, office, round_id)
        await office.status(round_id, "frozen")
        manifest = (await client.get(f"/rounds/{round_id}/manifest")).json()
        entries = sorted((one["application"], one["version"], one["payload_hash"]) for one in receipts)
        assert manifest["applications"]["root"] == digest_of(entries).root
        assert manifest["requests"]["count"] == 1
        await office.confirm(round_id)
        results = await office.results(round_id, len(receipts))
        assert {result["application"] for result in results} == {entry[0] for entry in entries}
