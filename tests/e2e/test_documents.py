"""Every command that README and docs print is run as it is printed, against one stack with rounds in every state; what
can't be run here says why.

What stands for something of the reader's own, such as a round's id or APPLICATION, is replaced by what is there.
"""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import jsonschema_rs
import pytest
import yaml
from typer.testing import CliRunner, Result

from deploy.local.registries.records import Business, Records
from deploy.local.stack import Stack
from deploy.local.state import PROJECT
from firstbuy.cli import assembled
from shared.contracts.access import SERVICES
from shared.programme.registration_numbers import business_check_digit
from tests.support.consuming import records_of, until
from tests.support.documented import documented, words_of
from tests.support.registries import local_registries
from tests.support.rounds import OPENS, Office, clock_map, purchase_request, write_inbox
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("documents")  # one stack for the whole file
ROUND: Final = "2018-h2"
OPEN, WAITING, DONE = "shown-open", "shown-waiting", "shown-done"
EXAMPLE: Final = json.loads((PROJECT / "docs/examples/application.json").read_text(encoding="utf-8"))
MESSAGES: Final = PROJECT / "docs/examples/institution/messages"
FIRMS: Final = 6
RATE, WINDOW_SECONDS = 100, 12
"""So slow that periods of appeal go on for hours."""

NOT_RUN: Final = {
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
    "dlq show": "it takes a parked record; tests/unit/test_cli_commands.py",
    "dlq settle": "it takes a parked record; tests/unit/test_cli_commands.py",
    "change application.json --receipt receipt.json --identity": "it takes what `identity` printed; "
    "tests/integration/test_contests.py",
    "simulate --round": "it reads a recorded round of another policy; tests/integration/test_simulate.py",
    "institution onboard kepco --name 한국전력공사 --contact": "its webhook is shortened on the page, and is none",
}
"""Documented commands by their first words, why none is run here, and where it is."""
STATES: Final = {
    "round confirm": WAITING,
    "round approve": OPEN,
    "round act": OPEN,
    "round reject": OPEN,
    "round withdraw-act": OPEN,
    "round admit-late": WAITING,
    "round rerun": WAITING,
    "round extend": OPEN,
    "round void": OPEN,
    "institution onboard": OPEN,
    "institution amend": OPEN,
}
"""The round that stands for the page's, where it is not the one that is done."""
PROPOSING: Final = tuple(f"round {act}" for act in ("extend", "void", "release", "confirm", "rerun", "admit-late"))
OFFICERS: Final = ("round ", "appeal ", "contact erase")
OPERATORS: Final = ("round pack",)
"""Whose token is sent; none where the local stack's own operator acts, or a receipt."""


@dataclass
class World:
    stack: Stack
    office: Office
    folder: Path
    receipts: dict[str, Path] = field(default_factory=dict)
    """Of an application in each round, and of one that was not selected."""
    application: str = ""
    """Selected in the round that is done."""
    appeal: str = ""
    act: str = ""
    proposed: int = 0
    applied: int = 100

    named: str = ""
    declinable: str = ""
    firms: dict[str, Any] = field(default_factory=dict)
    """The applicant of each receipt."""
    own: dict[str, Any] = field(default_factory=dict)

    def entry(self) -> dict[str, Any]:
        """The documented application, of another firm."""
        self.applied += 1
        stem = f"{self.applied:09d}"
        firm = EXAMPLE["applicant"] | {
            "business_number": f"{stem}{business_check_digit(stem + '0')}",
            "legal_form": "sole-proprietor",
        }
        firm.pop("corporate_number")
        return {**EXAMPLE, "applicant": firm}

    def run(self, *words: str, officer: int | None = 0) -> Result:
        environment = {"FIRSTBUY_STATE": str(self.stack.state.folder)}
        if officer is not None:
            environment["FIRSTBUY_TOKEN"] = self.office.officers[officer]["Authorization"].partition(" ")[2]
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            return CliRunner(env=environment).invoke(assembled(), list(words))
        finally:
            os.chdir(before)

    async def apply(self, round_id: str, name: str, **changed: Any) -> dict[str, Any]:
        body = self.entry() | changed
        self.firms[name] = body["applicant"]
        answer = await self.office.client.post(f"/rounds/{round_id}/applications", json=body)
        receipt: dict[str, Any] = answer.raise_for_status().json()
        self.receipts[name] = self.folder / f"{name}.json"
        self.receipts[name].write_text(json.dumps(receipt), encoding="utf-8")
        return receipt

    async def begin(self) -> None:
        office = self.office
        for code in ("kepco", "kwater"):
            await office.institution(code, **{one.replace("-", "_"): 10**9 for one in (OPEN, WAITING, DONE)})
        for round_id in (WAITING, DONE):
            closes_at = (OPENS + timedelta(seconds=RATE * WINDOW_SECONDS)).isoformat()
            slow = clock_map(WINDOW_SECONDS) | {"rate": RATE}
            await office.announce(round_id, rehearsal=slow, closes_at=closes_at, lead_seconds=RATE)
            await office.status(round_id, "open")
            for number in range(FIRMS):
                await self.apply(round_id, f"{round_id}-{number}", product=EXAMPLE["product"] | {"capacity": 2})
            await self.apply(round_id, f"{round_id}-refused", certificates=[])
            message = purchase_request(round_id, f"{round_id}-r", quantity=9, budget_won=50_000_000)
            await write_inbox(self.stack, "kepco", ("SubmitPurchaseRequest", f"{round_id}-m", message))
        await self._finish()
        await office.milestone(WAITING, "SelectionProposed")
        await office.announce(OPEN, rehearsal=clock_map(36_000))
        await office.status(OPEN, "open")
        await self.apply(OPEN, OPEN)

    async def _finish(self) -> None:
        await self.office.confirm(DONE)
        results = await self.office.results(DONE, FIRMS + 1)
        selected = [one["application"] for one in results if one["result"] == "ProductSelected"]
        assert len(selected) > 2, results
        self.application = selected[0]
        by_id = {json.loads(path.read_text())["application"]: path for path in self.receipts.values()}
        giving_up = json.loads(by_id[selected[1]].read_text())
        headers = {"Authorization": f"Bearer {giving_up['token']}"}
        path = f"/applications/{giving_up['application']}/withdrawal"
        answer = await self.office.client.post(path, json={"reason": "the line was sold"}, headers=headers)
        assert answer.status_code == 200, answer.text
        self.declinable = selected[2]

    async def prepare_files(self) -> None:
        (self.folder / "deploy").symlink_to(PROJECT / "deploy")
        own = yaml.safe_load((PROJECT / "deploy/rounds/2018-h2.yaml").read_text(encoding="utf-8"))
        own["round"] |= {"round": "my-round", "rehearsal": clock_map(36_000, opens_in=36_000)}
        own["institutions"] = [one for one in own["institutions"] if one["institution"] in ("kepco", "kwater")]
        (self.folder / "institutions.csv").write_text(
            f"institution,name,round,pledge_won\nkepco,한국전력공사,{OPEN},1000\nkwater,한국수자원공사,{OPEN},1000\n",
            encoding="utf-8",
        )
        (self.folder / "entry.json").write_text(json.dumps(self.entry()), encoding="utf-8")
        self.own = own


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


def first_words(line: str, table: Any) -> str | None:
    """The longest entry that the line begins with."""
    return max((one for one in table if line.startswith(one)), key=len, default=None)


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


async def ready(world: World, line: str) -> list[str]:
    """The words of the command, with what is there for what the page leaves to its reader."""
    words = words_of(line)
    if line.startswith(PROPOSING):
        await _withdraw_what_waits(world)
    if line.startswith("institution webhook kepco [URL"):
        words = words[:-1]
    round_id = STATES.get(first_words(line, STATES) or "", DONE)
    if line.startswith("appeal") or "<application>" in line or "<act>" in line:
        await _make_what_is_named(world, line)
    named = {
        ROUND: round_id,
        "APPLICATION": world.application,
        "<application>": world.named,
        "<appeal>": world.appeal,
        "<act>": world.act,
        "EMAIL": "somebody@firm.example",
        "somebody@…": "somebody@firm.example",
        "…": "한국전력공사",
        "https://…/.well-known/firstbuy-keys": f"{world.stack.url('intake')}/.well-known/firstbuy-keys",
        "https://…/rounds/2018-h2/manifest": f"{world.stack.url('intake')}/rounds/{DONE}/manifest",
    }
    words = [_replaced(word, named, round_id) for word in words]
    _make_files(world, line, words)
    return words


def _replaced(word: str, named: dict[str, str], round_id: str) -> str:
    """A path is a path of the project's, whatever a file of it is called."""
    if word in named:
        return named[word]
    return word if "/" in word else re.sub(rf"^{ROUND}(?==)", round_id, word)


async def _withdraw_what_waits(world: World) -> None:
    """One of a kind and terms waits at a time, and the pages print some twice."""
    client, own = world.office.client, world.office.officers[0]
    for act in (await client.get("/acts", headers=own)).raise_for_status().json():
        await client.post(f"/rounds/{act['round']}/acts/{act['act']}/withdrawal", headers=own)


async def _make_what_is_named(world: World, line: str) -> None:
    """What a command is about, and nobody else's."""
    office = world.office
    if "<act>" in line:
        world.proposed += 1
        proposed = await office.propose(OPEN, "extend", {"closes_at": f"2018-09-14T10:{world.proposed:02d}:00Z"})
        world.act = proposed.raise_for_status().json()["act"]
    elif line.startswith("appeal decide"):
        receipt = str(world.receipts[f"{DONE}-refused"])
        filing = ("appeal", "file", "--receipt", receipt, "--grounds", "it was misread")
        filed = await asyncio.to_thread(world.run, *filing, officer=None)
        assert filed.exit_code == 0 or "filed already" in filed.output, filed.output
        headers = office.officers[0]
        listed = (await office.client.get(f"/rounds/{DONE}/appeals", headers=headers)).raise_for_status().json()
        world.appeal = listed[0]["appeal"]
    elif line.startswith("round release"):
        world.named = world.declinable
    elif line.startswith("contact erase"):
        world.named = (await world.apply(OPEN, "to-erase"))["application"]
    else:
        world.named = json.loads(world.receipts[f"{WAITING}-0"].read_text())["application"]


def _make_files(world: World, line: str, words: list[str]) -> None:
    """The files that a command reads, by the names the page gives them, and none of those that it writes."""
    folder = world.folder
    (folder / "application.json").write_text(json.dumps(world.entry()), encoding="utf-8")
    receipt = {"withdraw": OPEN, "change": OPEN, "status": OPEN}.get(words[0], f"{DONE}-refused")
    if line.startswith("apply") and "-o" in words:
        (folder / "receipt.json").unlink(missing_ok=True)
    else:
        held = world.receipts[f"{DONE}-0" if line.startswith(("proof", "verify proof")) else receipt]
        (folder / "receipt.json").write_bytes(held.read_bytes())
    if line.startswith("change"):
        kept = json.loads((folder / "application.json").read_text())
        changed = json.dumps(kept | {"applicant": world.firms[OPEN]})
        (folder / "application.json").write_text(changed, encoding="utf-8")
    made = {
        "verify proof": ["proof", "--receipt", "receipt.json", "-o", "proof.json"],
        "verify evidence": ["round", "export", DONE, "-o", "result.jsonl"],
        "verify pack": ["round", "pack", DONE, world.application, "-o", "pack.json"],
    }
    if before := made.get(first_words(line, made) or ""):
        (folder / before[-1]).unlink(missing_ok=True)
        done = world.run(*before, officer=None)
        assert done.exit_code == 0, done.output
    if "--kept" in words:
        (folder / "kept").mkdir(exist_ok=True)
        (folder / "kept" / "receipt.json").write_bytes(world.receipts[f"{DONE}-0"].read_bytes())
    if line.startswith(("round open", "round amend")):
        (folder / "my-round.yaml").write_text(yaml.safe_dump(world.own, allow_unicode=True), encoding="utf-8")
    if line.startswith("round amend"):
        announced = world.run("round", "open", "my-round.yaml")
        assert announced.exit_code == 0, announced.output
        amended = world.own | {"round": world.own["round"] | {"title": "다른 이름"}}
        (folder / "my-round.yaml").write_text(yaml.safe_dump(amended, allow_unicode=True), encoding="utf-8")
