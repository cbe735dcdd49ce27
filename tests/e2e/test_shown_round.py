"""What is shown of a round: its evidence, checked by the verifier, and the page that checks it in a browser.

These tests only look. They share two small rounds that were run once: one ends with a proposal that nobody confirmed,
the other with a confirmed result and a later epoch's.
"""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page
from typer.testing import CliRunner

from deploy.local.stack import Stack
from firstbuy.cli import assembled
from services.selection.verify import Report, examine
from tests.support.consuming import until
from tests.support.rounds import Office, application, clock_map, purchase_request, write_inbox
from tests.support.serving import shown
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("shown")  # one worker runs the rounds, once
FIRMS = 12
Json = dict[str, Any]


@dataclass
class Shown:
    """The two rounds, and what was said of the confirmed one before it was."""

    stack: Stack
    client: httpx2.AsyncClient
    office: Office
    waiting: str = "waiting"
    confirmed: str = "evident"
    announcement: str = ""
    """The confirmed round's root of it."""
    proposals: list[Json] = field(default_factory=list)
    """Of the confirmed round, by epoch."""
    results: list[Json] = field(default_factory=list)
    """Of its first epoch."""
    chances: Json = field(default_factory=dict)
    """After its first epoch; `own` are those of the first in the draw."""
    own: Json = field(default_factory=dict)
    first: bytes = b""
    """The public bundle of its first epoch, while that was the newest."""

    @property
    def selection(self) -> str:
        return self.stack.url("selection")

    @property
    def operator(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.stack.operator_token}"}

    async def bundle(
        self, round_id: str, depth: str, headers: dict[str, str] | None = None, **asked: Any
    ) -> httpx2.Response:
        url = f"{self.selection}/rounds/{round_id}/evidence"
        return await self.client.get(url, params={"depth": depth} | asked, headers=headers)

    async def begin(self) -> None:
        await self.office.institution("kepco", **dict.fromkeys((self.waiting, self.confirmed), 30_000_000))
        for round_id in (self.waiting, self.confirmed):
            await self.office.announce(round_id, rehearsal=clock_map(9))
        for round_id in (self.waiting, self.confirmed):
            await self.office.status(round_id, "open")
            asked = [
                (
                    "SubmitPurchaseRequest",
                    f"{round_id}-m{n}",
                    purchase_request(round_id, f"{round_id}-r{n}", quantity=2 + n),
                )
                for n in range(3)
            ]
            await write_inbox(self.stack, "kepco", *asked)
            await asyncio.gather(*(self.enter(round_id, number) for number in range(FIRMS)))
        assert (await self.bundle(self.confirmed, "public")).status_code in (404, 409), (
            "nothing before there is a result"
        )

    async def enter(self, round_id: str, number: int) -> None:
        body = application(number)
        body["certificates"] = body["certificates"] if number % 4 else []
        (await self.client.post(f"/rounds/{round_id}/applications", json=body)).raise_for_status()

    async def confirm(self) -> None:
        office, round_id = self.office, self.confirmed
        await office.milestone(self.waiting, "SelectionProposed")
        self.announcement = (await office.shown(round_id))["announcement_root"]
        self.proposals.append(await office.confirm(round_id))
        self.results = await office.results(round_id, FIRMS)
        url, mine = f"{self.selection}/rounds/{round_id}/chances", {"application": self.results[0]["application"]}
        self.chances = (await self.client.get(url)).raise_for_status().json()
        self.own = (await self.client.get(url, params=mine)).raise_for_status().json()
        self.first = (await self.bundle(round_id, "public")).raise_for_status().content
        shown = await office.shown(round_id)
        terms = {"epoch": 1, "applications_root": shown["applications_root"], "source": "rehearsal"}
        await office.act(round_id, "admit-late", terms, entry=application(99))
        self.proposals.append(await office.confirm(round_id, epoch=2))
        await office.results(round_id, FIRMS + 1)

        async def of_epoch_two() -> bool:
            return bool(json.loads((await self.bundle(round_id, "public")).content.splitlines()[0])["epoch"] == 2)

        await until(of_epoch_two, "the newest result's bundle")

    def roots(self, epoch: int) -> dict[str, list[str]]:
        """What an institution holds: commitments of both epochs."""
        proposal = self.proposals[epoch - 1]
        commitments = [each["commitment_root"] for each in self.proposals]
        held = {"commitment": commitments, "selection": [proposal["selection_root"]]}
        return held | {"announcement": [self.announcement], "shown": [proposal["shown_root"]]}


@pytest.fixture(scope="module")
async def rounds(lasting_stack: LastingStack) -> AsyncIterator[Shown]:
    services = ("intake", "eligibility", "selection")
    async with (
        lasting_stack(services, environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3"}) as stack,
        httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client,
    ):
        made = Shown(stack, client, await Office.of(stack, client))
        await made.begin()
        await made.confirm()
        yield made


def examined(answer: httpx2.Response, expected: dict[str, list[str]] | None = None) -> Report:
    assert answer.status_code == 200, answer.text[:500]
    return examine(io.BytesIO(answer.content), expected)


async def test_a_result_that_is_not_confirmed_is_shown_to_auditors_alone(rounds: Shown) -> None:
    assert (await rounds.bundle(rounds.waiting, "public")).json()["type"].endswith("not-published")
    assert (await rounds.bundle(rounds.waiting, "auditor")).status_code == 401

    async def read_back() -> bool:
        return (await rounds.bundle(rounds.waiting, "auditor", rounds.operator)).status_code == 200

    await until(read_back, "selection has read its own proposal back")
    early = examined(await rounds.bundle(rounds.waiting, "auditor", rounds.operator))
    assert early.differs == []
    assert any("officers confirmed" in line for line in early.not_checked)
    url = f"{rounds.selection}/rounds/{rounds.waiting}/chances"
    before = (await rounds.client.get(url)).raise_for_status().json()
    assert {kind["was_selected"] for kind in before["kinds"]} == {None}
    assert sum(kind["tickets"] * kind["standing"] for kind in before["kinds"]) == before["of_tickets"]


async def test_what_was_selected_is_what_the_chances_were(rounds: Shown) -> None:
    (kind,) = rounds.chances["kinds"]
    selected = sum(result["result"] == "ProductSelected" for result in rounds.results)
    assert selected
    assert kind["was_selected"] == selected / kind["standing"]
    assert abs(kind["selected"] - kind["was_selected"]) < 6 * kind["error"] + 0.1
    assert rounds.own["first_place"] == rounds.own["tickets"] / rounds.chances["of_tickets"]


async def test_the_results_say_a_firms_chance_by_the_number_of_its_entries(rounds: Shown) -> None:
    url = f"{rounds.selection}/rounds/{rounds.confirmed}/results"
    shown = (await rounds.client.get(url, params={"epoch": 1})).raise_for_status().json()
    standing = [result for result in shown["results"] if result["position"] is not None]
    (firms,) = shown["firms"]
    assert (firms["entries"], firms["firms"]) == (1, len(standing))
    assert firms["first_place"] * firms["firms"] == pytest.approx(1)
    selected = sum(one["result"] == "selected" for one in standing)
    assert firms["was_selected"] == selected / len(standing) > 0


async def test_every_result_has_its_evidence_in_both_depths(rounds: Shown, tmp_path: Path) -> None:
    round_id = rounds.confirmed
    for depth in ("public", "auditor"):
        answer = await rounds.bundle(round_id, depth, rounds.operator, epoch=1)
        assert answer.headers["content-type"] == "application/x-ndjson"
        held = rounds.roots(1)
        assert json.loads(answer.content.splitlines()[0])["bundle"] == "firstbuy-evidence-v2"
        report = examined(answer, held)
        assert (report.differs, report.depth) == ([], depth)
        entries = [record for record in map(json.loads, answer.content.splitlines()) if record.get("type") == "entry"]
        assert {entry["identity"] for entry in entries} == {"none"}, "how sure each is of its firm"
        assert any("two officers confirmed" in line for line in report.checked)
        assert report.confirmed
        for name, (root, *_) in held.items():
            assert any(f"the {name} root is one you hold, {root}" in line for line in report.checked), name
            assert examined(answer, held | {name: ["0" * 64]}).differs, name
        assert any("are those shown at the proposal" in line for line in report.checked)
        report = examined(await rounds.bundle(round_id, depth, rounds.operator), rounds.roots(2))
        assert report.differs == []
        assert any("for epoch 2 is the first due" in line for line in report.checked), "who came late drew later"
    again = (await rounds.bundle(round_id, "public", epoch=1)).content
    roots_then = [json.loads(one.splitlines()[-1])["root"] for one in (rounds.first, again)]
    assert roots_then[0] == roots_then[1], "an earlier result's evidence stays what it was"
    assert (await rounds.bundle(round_id, "public", epoch=3)).status_code == 404

    file = tmp_path / "evident.jsonl"
    exported = CliRunner().invoke(
        assembled(), ["round", "export", round_id, "-o", str(file), "--url", rounds.selection]
    )
    assert exported.exit_code == 0, exported.output
    told = CliRunner().invoke(
        assembled(), ["verify", "evidence", str(file), "--selection", *rounds.roots(2)["selection"]]
    )
    assert told.exit_code == 0, told.output
    assert "computed again" in told.output
    verifier = (await rounds.client.get(f"{rounds.selection}/verify.py")).text
    assert "Python 3.11 and this file" in verifier


PUBLIC = (
    ("selection", "evidence"),
    ("selection", "evidence?epoch=1"),
    ("selection", "results"),
    ("selection", "results?format=csv&language=ko"),
    ("selection", "results?format=xlsx"),
    ("selection", "ocds"),
    ("selection", "policy"),
    ("intake", "results"),
)


async def test_public_answers_are_known_by_what_they_hold(rounds: Shown) -> None:
    found = set()
    for service, path in PUBLIC:
        url = f"{rounds.stack.url(service)}/rounds/{rounds.confirmed}/{path}"
        plain = await rounds.client.get(url, headers={"Accept-Encoding": "identity"})
        assert (plain.status_code, plain.headers["cache-control"]) == (200, "public, no-cache"), path
        found.add(plain.headers["etag"])
        packed = await rounds.client.get(url, headers={"Accept-Encoding": "gzip"})
        assert packed.content == plain.content, path
        if "gzip" in packed.headers.get("content-encoding", ""):
            assert packed.headers["etag"] != plain.headers["etag"], "other bytes"
            assert "Accept-Encoding" in packed.headers["vary"]
        else:
            assert path in {"results?format=xlsx", "policy"}, "nothing is gained"
        for answer, takes in ((plain, "identity"), (packed, "gzip")):
            headers = {"If-None-Match": answer.headers["etag"], "Accept-Encoding": takes}
            again = await rounds.client.get(url, headers=headers)
            assert (again.status_code, again.content) == (304, b""), path
            assert again.headers["etag"] == answer.headers["etag"]
        other = await rounds.client.get(url, headers={"If-None-Match": '"other"'})
        assert other.status_code == 200
    assert len(found) == len(PUBLIC)


async def test_what_takes_a_token_is_kept_by_nobody_and_shown_to_nobody_else(rounds: Shown) -> None:
    url = f"{rounds.selection}/rounds/{rounds.confirmed}/evidence"
    for _ in range(2):
        mine = await rounds.bundle(rounds.confirmed, "auditor", rounds.operator)
        assert mine.headers["cache-control"] == "private, no-store"
        assert "etag" not in mine.headers
        public = await rounds.bundle(rounds.confirmed, "public")
        assert public.content != mine.content
        assert len(public.content) < len(mine.content)
        for headers in ({}, {"Authorization": "Bearer other"}, {"If-None-Match": "*"}):
            answer = await rounds.client.get(url, params={"depth": "auditor"}, headers=headers)
            assert answer.status_code in {401, 403}


async def test_clients_that_loop_on_evidence_keep_nobody_from_the_results(rounds: Shown) -> None:
    about = f"{rounds.selection}/rounds/{rounds.confirmed}"
    statuses: list[int] = []
    done = asyncio.Event()

    async def loop(asked: str) -> None:
        while not done.is_set():
            statuses.append((await rounds.client.get(f"{about}/{asked}")).status_code)

    looping = [asyncio.create_task(loop(f"evidence?epoch={1 + number % 2}")) for number in range(6)]
    asked = [f"results?epoch={1 + number % 2}&format={kind}" for number in range(8) for kind in ("json", "csv", "xlsx")]
    answers = [(await rounds.client.get(f"{about}/{one}")).status_code for one in asked]
    done.set()
    await asyncio.gather(*looping)
    assert answers == [200] * 24
    assert set(statuses) == {200}


async def test_the_result_of_a_real_round_is_checked_on_its_page(page: Page, rounds: Shown) -> None:
    await page.goto(f"{rounds.selection}/rounds/{rounds.waiting}/verify")
    await page.locator("#check").click()
    assert "the result is not confirmed" in (await shown(page)).status

    await page.goto(f"{rounds.selection}/rounds/{rounds.confirmed}/verify?epoch=1")
    heading = await page.get_by_role("heading", level=1).inner_text()
    assert heading.split() == ["시험", "라운드", rounds.confirmed], "what it was announced as"
    for name, roots in rounds.roots(1).items():
        await page.get_by_label(f"{name.capitalize()} root").fill(" ".join(roots))
    await page.locator("#check").click()
    seen = await shown(page)
    assert (seen.state, seen.differs) == ("right", [])
    awarded = [result for result in rounds.results if result["result"] == "ProductSelected"]
    positions = [int(row[0]) for row in seen.rows]
    assert positions == sorted(positions), "in draw order"
    told = sorted((row[2], row[3]) for row in seen.rows)
    assert told == sorted(
        (f"기관 kepco / {award['request']}", f"{award['amount_won']:,}") for one in awarded for award in one["awards"]
    )

    await page.locator("#sought").fill(awarded[0]["application"])
    await page.locator("#find button").click()
    await page.locator("#found li").first.wait_for()
    assert await page.locator("#found p").inner_text() == "Selected"

    answer = await rounds.bundle(rounds.confirmed, "auditor", rounds.operator, epoch=1)
    bundle = {"name": "auditor.jsonl", "mimeType": "application/x-ndjson", "buffer": answer.content}
    assert json.loads(answer.content.splitlines()[0])["depth"] == "auditor"
    await page.locator("#file").set_input_files(bundle)  # type: ignore[arg-type]
    await page.wait_for_function("() => document.getElementById('status').textContent.includes('auditor')")
    assert (await shown(page)).differs == []
