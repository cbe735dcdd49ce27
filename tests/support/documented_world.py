"""A stack with rounds in every state, on which printed commands run."""

import asyncio
import json
import os
import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import yaml
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from deploy.local.state import PROJECT
from firstbuy.cli import assembled
from shared.programme.registration_numbers import business_check_digit
from tests.support.documented import words_of
from tests.support.rounds import OPENS, Office, clock_map, purchase_request, write_inbox

ROUND: Final = "2018-h2"


OPEN, WAITING, DONE = "shown-open", "shown-waiting", "shown-done"


EXAMPLE: Final = json.loads((PROJECT / "docs/examples/application.json").read_text(encoding="utf-8"))


FIRMS: Final = 6


RATE, WINDOW_SECONDS = 100, 12


"""So slow that periods of appeal go on for hours."""


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
        selected = [result["application"] for result in results if result["result"] == "ProductSelected"]
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
        own["institutions"] = [
            institution for institution in own["institutions"] if institution["institution"] in ("kepco", "kwater")
        ]
        (self.folder / "institutions.csv").write_text(
            f"institution,name,round,pledge_won\nkepco,한국전력공사,{OPEN},1000\nkwater,한국수자원공사,{OPEN},1000\n",
            encoding="utf-8",
        )
        (self.folder / "entry.json").write_text(json.dumps(self.entry()), encoding="utf-8")
        self.own = own


def first_words(line: str, table: Any) -> str | None:
    """The longest entry that the line begins with."""
    return max((one for one in table if line.startswith(one)), key=len, default=None)


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
