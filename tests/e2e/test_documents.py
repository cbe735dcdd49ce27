"""Every command that README and docs print is run as it is printed, against one stack with rounds in every state; what
can't be run here says why.

What stands for something of the reader's own, such as a round's id or APPLICATION, is replaced by what is there.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any, Final

import httpx2
import jsonschema_rs
import pytest

from deploy.local.registries.records import Business, Records
from deploy.local.state import PROJECT
from shared.contracts.access import SERVICES
from tests.support.consuming import records_of, until
from tests.support.documented import documented
from tests.support.documented_world import DONE, EXAMPLE, OPEN, WAITING, World, first_words, ready
from tests.support.registries import local_registries
from tests.support.rounds import Office, write_inbox
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("documents")  # one stack for the whole file
MESSAGES: Final = PROJECT / "docs/examples/institution/messages"

NOT_RUN: Final = {
    "doctor --deployment": "the stand-in makes topics by itself, which is wrong; tests/integration/"
    "test_doctor_deployment.py",
    "backup ": "it writes a folder with secrets; tests/integration/test_backup.py",
    "restore ": "it takes empty databases; tests/integration/test_backup_drill.py",
    "verify timestamp": "it takes a time-stamp and its authority's certificate; tests/integration/test_timestamps.py",
    "audit verify": "it takes heads that somebody kept for a while; tests/integration/test_audit_heads.py",
    "round exclude": "it takes an application that could not be judged; tests/integration/test_acts.py",
    "round unpark": "it takes an application that could not be judged; tests/integration/test_acts.py",
    "round waive-registry": "it takes a round that asks registries; tests/e2e/test_registries.py",
    "score ": "it takes a round with a panel; tests/e2e/test_scores.py",
    "notify retry": "it takes a mail that failed for 48 hours; tests/integration/test_notify_jobs.py",
    "notify bounces ID": "it takes a returned mail that nobody could read; tests/integration/test_notify_receivers.py",
    "notify bounce ": "it takes a mail that came back; tests/integration/test_notify_receivers.py",
    "contact settle": "it takes a contact that was disowned; tests/integration/test_disowning.py",
    "dlq show": "it takes a parked record; tests/unit/test_cli_queries.py",
    "dlq redrive": "it takes a parked record; tests/integration/test_redrive.py",
    "dlq settle": "it takes a parked record; tests/integration/test_redrive.py",
    "change application.json --receipt receipt.json --identity": "it takes what `identity` printed; "
    "tests/integration/test_contests.py",
    "simulate --round": "it reads a recorded round of another policy; tests/integration/test_simulate.py",
    "institution onboard kepco --name 한국전력공사 --contact": "its webhook is shortened on the page, and is none",
}
"""Documented commands by their first words, why none is run here, and where it is."""
OFFICERS: Final = ("round ", "appeal ", "contact erase")
OPERATORS: Final = ("round pack",)
"""Whose token is sent; none where the local stack's own operator acts, or a receipt."""


@pytest.fixture(scope="module")
async def world(lasting_stack: LastingStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    environment = {
        "FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3",
        "FIRSTBUY_SELECTION_PUBLIC_URL": "https://selection.example",
    }
    known = Business(started_on=date(2015, 3, 2), representative="김가상")
    with local_registries() as tax_service:
        tax_service.shelf.add(Records(businesses={EXAMPLE["applicant"]["business_number"].replace("-", ""): known}))
        async with begun(lasting_stack, environment | tax_service.environment(), tmp_path_factory) as made:
            yield made


@asynccontextmanager
async def begun(
    lasting_stack: LastingStack, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with (
        lasting_stack(SERVICES, environment=environment) as stack,
        httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client,
    ):
        made = World(stack, await Office.of(stack, client), tmp_path_factory.mktemp("documents"))
        await made.prepare_files()
        await made.begin()
        yield made


COMMANDS: Final = list(dict.fromkeys((file, line.partition(" #")[0].strip()) for file, line in documented()))


def test_what_is_not_run_is_still_printed() -> None:
    for words in NOT_RUN:
        assert any(line.startswith(words) for _, line in COMMANDS), words


@pytest.mark.parametrize(
    ("file", "line"), [(file, line) for file, line in COMMANDS if first_words(line, NOT_RUN) is None]
)
async def test_a_printed_command_runs(world: World, file: str, line: str) -> None:
    words = await ready(world, line)
    officer = 0 if line.startswith(OFFICERS) and not line.startswith(OPERATORS) else None
    officer = 1 if line.startswith(("round approve", "round reject")) else officer
    done = await asyncio.to_thread(world.run, *words, officer=officer)
    assert done.exit_code == 0, (words, done.output, done.exception)


async def test_the_documented_application_is_taken_as_it_stands(world: World) -> None:
    client = world.office.client
    answer = await client.post(f"/rounds/{OPEN}/applications", json=EXAMPLE)
    assert answer.status_code == 201, answer.text
    assert "warnings" not in answer.json()
    explained = await client.post(f"{world.stack.url('eligibility')}/rounds/{OPEN}/check", json=EXAMPLE)
    assert explained.json()["outcome"] == "eligible", explained.text


async def test_each_documented_message_gets_its_accepted_answer(world: World) -> None:
    awarded = {"round": DONE, "request": f"{DONE}-r", "application": world.application}
    small = {"quantity": 1, "amount_won": EXAMPLE["product"]["price_won"], "contracted_on": "2018-08-16"}
    own = {"report-purchase": awarded | small, "report-non-purchase": awarded}
    quoted = []
    for name in ("submit", "amend", "withdraw", "report-purchase", "report-non-purchase"):
        message = json.loads((MESSAGES / f"{name}.json").read_text(encoding="utf-8"))
        kind, identifier = message.pop("type"), f"documented-{message.pop('id')}"
        message |= own.get(name, {"round": OPEN, "request": "documented"})
        await write_inbox(world.stack, "kepco", (kind, identifier, message))
        quoted.append(identifier)
    topic = f"{world.stack.topic_prefix}institution.kepco.outbox.v1"

    async def answers() -> dict[str, Any]:
        records = await records_of(world.stack.kafka.settings, topic)
        bodies = [json.loads(record.value) for record in records]
        return {body["quotes"]: body for body in bodies if body.get("quotes") in quoted}

    async def all_are() -> bool:
        return len(await answers()) == len(quoted)

    await until(all_are, "an answer to each message")
    found = await answers()
    assert {one["answer"] for one in found.values()} == {"accepted"}, found


@pytest.mark.parametrize("service", SERVICES)
async def test_what_is_read_is_as_openapi_says(world: World, service: str) -> None:
    """Of every route that is read, in each round and by each role, what it answers."""
    client, url = world.office.client, world.stack.url(service)
    whole = (await client.get(f"{url}/openapi.json")).raise_for_status().json()
    held = json.loads(world.receipts[f"{DONE}-0"].read_text(encoding="utf-8"))
    tokens = (
        {"Authorization": f"Bearer {world.stack.operator_token}"},
        world.office.officers[0],
        {"Authorization": f"Bearer {held['token']}"},
    )
    seen = 0
    for path, methods in whole["paths"].items():
        if "get" not in methods:
            continue
        for round_id in (OPEN, WAITING, DONE) if "{round_id}" in path else ("",):
            address = path.format_map(Named(round_id, held["application"]))
            for token in tokens:
                answer = await client.get(url + address, headers=token)
                problem = differs(whole, methods["get"]["responses"], answer)
                assert problem is None, f"{address} {answer.status_code}: {problem}"
                seen += answer.status_code == 200
    assert seen > 5


class Named(dict[str, str]):
    """What stands in the places of a path."""

    def __init__(self, round_id: str, application: str) -> None:
        super().__init__(round_id=round_id, application=application, code="kepco", name="page.css")

    def __missing__(self, name: str) -> str:
        return "0"


def differs(whole: dict[str, Any], described: dict[str, Any], answer: httpx2.Response) -> str | None:
    """What of an answer is not as its operation says; None where nothing is."""
    said = described.get(str(answer.status_code)) or described[f"{answer.status_code // 100}XX"]
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if kind not in said.get("content", {kind: {}}):
        return f"{kind} is not described"
    if "json" not in kind or kind.endswith("ndjson"):
        return None
    schema = {**said["content"][kind]["schema"], "components": whole["components"]}
    found = [
        f"{error.instance_path}: {error}" for error in jsonschema_rs.validator_for(schema).iter_errors(answer.json())
    ]
    return "; ".join(found[:3]) or None
