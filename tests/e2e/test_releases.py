"""What is set free after a result goes to the reserve, in batches that two officers confirm."""

import io
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pypdf import PdfReader

from deploy.local.stack import Stack
from firstbuy.verifying.packs import examined_pack
from services.selection.verify import Report, examine
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.ocds_validator import Validator
from tests.support.open_data import Published
from tests.support.rounds import OPENS, Office, application, emptied, purchase_request, write_inbox

FIRMS = 7
ROUND = "given-out"


class Scene:
    """A round of seven products of two units each: three fit one request, one the other, three are in reserve."""

    def __init__(self, stack: Stack, client: httpx2.AsyncClient, office: Office) -> None:
        self.stack, self.client, self.office = stack, client, office
        self.tokens: dict[str, dict[str, str]] = {}

    async def propose(self) -> None:
        office = self.office
        for institution in ("kepco", "lh"):
            await office.institution(institution)
        rehearsal = {
            "real_anchor": str(datetime.now(UTC)),
            "programme_anchor": str(OPENS),
            "rate": 300,
            "seed": "batches",
        }
        closes_at = (OPENS + timedelta(hours=1)).isoformat()
        await office.announce(ROUND, rehearsal=rehearsal, closes_at=closes_at, lead_seconds=600)
        await office.institution("kepco", given_out=90_000_000)
        await office.institution("lh", given_out=90_000_000)
        await office.status(ROUND, "open")
        first = purchase_request(ROUND, "r1", quantity=6, budget_won=60_000_000)
        await write_inbox(self.stack, "kepco", ("SubmitPurchaseRequest", "m1", first))
        await write_inbox(self.stack, "lh", ("SubmitPurchaseRequest", "m2", purchase_request(ROUND, "r2", quantity=2)))
        for number in range(FIRMS):
            answer = await self.client.post(f"/rounds/{ROUND}/applications", json=application(number, capacity=2))
            entered = answer.raise_for_status().json()
            self.tokens[entered["application"]] = {"Authorization": f"Bearer {entered['token']}"}
        await office.milestone(ROUND, "SelectionProposed")

    async def evidence(self, **roots: str) -> tuple[list[dict[str, Any]], Report]:
        """The standing entries in draw order, and what the verifier says of the auditor's bundle."""
        asked = {"depth": "auditor"}
        operator = {"Authorization": f"Bearer {self.stack.operator_token}"}
        url = f"{self.stack.url('selection')}/rounds/{ROUND}/evidence"

        async def shown() -> bool:
            return (await self.client.get(url, params=asked, headers=operator)).status_code == 200

        await until(shown, "selection shows its evidence")
        content = (await self.client.get(url, params=asked, headers=operator)).content
        entries = [record for record in map(json.loads, content.splitlines()) if record.get("position")]
        return sorted(entries, key=lambda one: int(one["position"])), examine(io.BytesIO(content), roots)

    async def release(self, batch: int, declined: list[str] | None = None) -> dict[str, Any]:
        """Opened by both officers; returns what selection proposes."""
        stands = (await self.client.get(f"/rounds/{ROUND}/releases", headers=self.office.officers[0])).json()
        root = (await self.office.milestone(ROUND, "SelectionProposed"))["selection_root"]
        free = {cause: [one["subject"] for one in stands["free"] if one["cause"] == cause] for cause in CAUSES}
        terms = {"epoch": 1, "batch": batch, "selection_root": root, "declined": declined or []}
        await self.office.act(
            ROUND, "release", terms | dict(zip(("given_up", "cancelled"), free.values(), strict=True))
        )
        found: list[dict[str, Any]] = []

        async def proposed() -> bool:
            told = (await self.office.shown(ROUND))["milestones"]
            found[:] = [
                one["body"] for one in told if one["type"] == "ReleaseProposed" and one["body"]["batch"] == batch
            ]
            return bool(found)

        await until(proposed, f"batch {batch} is proposed")
        return found[0]

    async def results(self, wanted: dict[str, str]) -> dict[str, dict[str, Any]]:
        """By application, once every one's kind is what is wanted."""

        async def there() -> bool:
            rows = (await self.client.get(f"/rounds/{ROUND}/results")).json()["results"]
            found.update({row["application"]: row for row in rows})
            return {one: found[one]["result"] for one in wanted if one in found} == wanted

        found: dict[str, dict[str, Any]] = {}
        await until(there, f"results are {wanted}")
        return found

    async def public(self) -> dict[str, tuple[str, bytes]]:
        """Tag and content of what everybody may see of the confirmed result, as it is answered twice."""
        found = {}
        for path in ("results", "results?format=csv", "evidence", "ocds"):
            url = f"{self.stack.url('selection')}/rounds/{ROUND}/{path}"
            answers = [(await self.client.get(url)).raise_for_status() for _ in range(2)]
            assert answers[0].headers["etag"] == answers[1].headers["etag"]
            known = {"If-None-Match": answers[0].headers["etag"]}
            assert (await self.client.get(url, headers=known)).status_code == 304
            found[url] = answers[0].headers["etag"], answers[0].content
        return found

    async def shown_anew(self, before: dict[str, tuple[str, bytes]]) -> None:
        """Each, to whoever has the former, once selection has heard of the change."""
        for url, (tag, content) in before.items():
            found: list[bytes] = []

            async def changed(url: str = url, tag: str = tag, found: list[bytes] = found) -> bool:
                answer = await self.client.get(url, headers={"If-None-Match": tag})
                found[:] = [answer.content]
                return answer.status_code == 200

            await until(changed, f"{url} is another")
            assert found[0] != content

    async def told(self) -> Counter[tuple[str, str]]:
        """(institution, kind of notice) on the outboxes; (application, kind) of mails delivered."""
        found: Counter[tuple[str, str]] = Counter()
        for institution in ("kepco", "lh"):
            topic = f"{self.stack.topic_prefix}institution.{institution}.outbox.v1"
            for one in await records_of(self.stack.kafka.settings, topic):
                found[institution, dict(one.headers)["ce_type"].decode().split(".")[2]] += 1
        for one in await records_of(self.stack.kafka.settings, f"{self.stack.topic_prefix}deliveries.v1"):
            said = json.loads(one.value)
            if said["channel"] == "mail":
                found[said["subject"], said["kind"]] += 1
        return found


CAUSES = ("given-up", "cancelled")


@pytest.fixture
async def scene(start_stack: StartStack) -> Any:
    stack = await start_stack(environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3"})
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        yield Scene(stack, client, await Office.of(stack, client))


async def test_what_is_set_free_goes_to_the_reserve_in_draw_order(
    scene: Scene, validator_if_there: Validator | None, tmp_path: Path
) -> None:
    await scene.propose()
    entries, _ = await scene.evidence()
    order = [entry["application"] for entry in entries]
    assert [entry["result"] for entry in entries] == ["selected"] * 4 + ["reserve"] * 3
    one, two, three, four, five, six, seven = order

    # Officers decline the first before they confirm: its units go to the reserve, and nobody is told twice.
    declined = await scene.release(1, declined=[one])
    assert (declined["promoted"], declined["changed"], declined["withdrawn"]) == (1, 0, 1)
    proposal = await scene.office.milestone(ROUND, "SelectionProposed")
    terms = {name: proposal[name] for name in ("epoch", "commitment_root", "selection_root")}
    old = await scene.office.propose(ROUND, "confirm", terms)
    assert old.json()["type"].endswith("terms-differ"), "whoever confirms the selection confirms its batches"
    await scene.office.act(ROUND, "confirm", terms | {"batch": 1, "batch_root": declined["batch_root"]})
    wanted = {one: "ProductNotSelected"} | dict.fromkeys((two, three, four, five), "ProductSelected")
    published = await scene.results(wanted | {six: "ProductReserved"})
    assert published[one]["reason"] == "declined"
    assert [award["request"] for award in published[five]["awards"]] == ["kepco/r1"]
    nothing = await scene.office.propose(ROUND, "confirm-release", {"epoch": 1, "batch": 1, "batch_root": "0" * 64})
    assert nothing.json()["type"].endswith("nothing-proposed")

    await _two_leave_and_one_cancels(scene, one, two, four, six)

    await _one_contracts_and_another_leaves(scene, three, five, six, seven)

    url = f"{scene.stack.url('selection')}/rounds/{ROUND}"
    purchases = (await scene.client.get(f"{url}/purchases")).json()["purchases"]
    assert {each["application"] for each in purchases} == {four, five, six}, "awards are those that stand now"
    due = {each["application"]: each["due_on"] for each in purchases}
    assert due[five] <= due[four] <= due[six], "reports are due from the confirmation of what gave the award"
    money = {each["institution"]: each["awarded_won"] for each in (await scene.client.get(f"{url}/pledges")).json()}
    assert money == {"kepco": 6_000_000, "lh": 0}

    async def everybody_told() -> bool:
        told = await scene.told()
        return {(six, "promoted"), (four, "awards-changed"), (two, "given-up"), (one, "not-selected")} <= told.keys()

    await until(everybody_told, "whom it concerns is told")
    told = await scene.told()
    assert told[one, "selected"] == told[one, "selection-withdrawn"] == 0, "who was declined before is told once"
    assert told["lh", "AwardWithdrawn"] == 1
    assert told["kepco", "AwardWithdrawn"] == 2

    await packs(scene, url, {two: 404, three: 404, four: 200, five: 200, six: 200, seven: 404})
    await open_data(scene, Published(scene.client, f"{url}/ocds", validator_if_there, tmp_path / "package.json"), order)

    _, report = await scene.evidence()
    assert report.differs == []
    assert sum("was given out again" in line for line in report.checked) == 3

    await _emptied_it_comes_to_the_same(scene, url, four, five, six)


async def _two_leave_and_one_cancels(scene: Scene, one: str, two: str, four: str, six: str) -> None:
    """The second gives up, and lh cancels: who lost its request stands first, at its place in the draw."""
    gone = f"/applications/{two}/withdrawal"
    for _ in range(2):
        given_up = await scene.client.post(gone, json={"reason": "부도"}, headers=scene.tokens[two])
        assert given_up.raise_for_status().json()["takes_effect"] == "with the next batch"
    status = (await scene.client.get(f"/applications/{two}/status", headers=scene.tokens[two])).json()
    assert (status["left"]["cause"], status["left"]["reason"]) == ("given-up", "부도")
    other = await scene.client.post(f"/applications/{one}/withdrawal", json={}, headers=scene.tokens[one])
    assert other.json()["type"].endswith("nothing-to-give-up")
    about = {"round": ROUND, "request": "r2"}
    await write_inbox(
        scene.stack,
        "lh",
        ("WithdrawPurchaseRequest", "w0", about),
        ("WithdrawPurchaseRequest", "w1", about | {"reason": "예산 삭감"}),
        ("WithdrawPurchaseRequest", "w2", about | {"reason": "예산 삭감"}),
    )

    async def cancelled() -> bool:
        stands = (await scene.client.get(f"/rounds/{ROUND}/releases", headers=scene.office.officers[0])).json()
        return {one["subject"] for one in stands["free"]} == {two, "lh/r2"}

    await until(cancelled, "both are set free")
    answers = {said["quotes"]: said for said in await answered(scene.stack, "lh")}
    assert [answers[quoted]["answer"] for quoted in ("w0", "w1", "w2")] == ["rejected", "accepted", "duplicate"]
    assert answers["w0"]["reasons"][0]["pointer"] == "/reason"
    shown_before = await scene.public()
    batch = await scene.release(2)
    assert (batch["promoted"], batch["changed"], batch["withdrawn"]) == (0, 1, 1)
    await scene.office.act(ROUND, "confirm-release", {"epoch": 1, "batch": 2, "batch_root": batch["batch_root"]})
    published = await scene.results({two: "SelectionWithdrawn", four: "AwardsChanged", six: "ProductReserved"})
    assert [award["request"] for award in published[four]["awards"]] == ["kepco/r1"]
    assert (published[two]["cause"], published[two]["reason"]) == ("given-up", "부도")
    await scene.shown_anew(shown_before)


async def _one_contracts_and_another_leaves(scene: Scene, three: str, five: str, six: str, seven: str) -> None:
    """What is contracted can't be taken back; the next one that leaves makes room for the sixth."""
    bought = {"round": ROUND, "request": "r1", "application": five, "quantity": 2, "contracted_on": "2019-06-03"}
    await write_inbox(scene.stack, "kepco", ("ReportPurchase", "p1", bought | {"amount_won": 2_000_000}))

    async def reported() -> bool:
        return "p1" in {said["quotes"] for said in await answered(scene.stack, "kepco")}

    await until(reported, "the purchase is reported")
    refused = await scene.client.post(f"/applications/{five}/withdrawal", json={}, headers=scene.tokens[five])
    assert refused.json()["type"].endswith("contracted")
    last = await scene.release(3, declined=[three])
    await scene.office.act(ROUND, "confirm-release", {"epoch": 1, "batch": 3, "batch_root": last["batch_root"]})
    await scene.results({three: "SelectionWithdrawn", six: "ReservePromoted", seven: "ProductReserved"})


async def _emptied_it_comes_to_the_same(scene: Scene, url: str, four: str, five: str, six: str) -> None:
    """A selection service that lost everything comes to the same batches, and publishes nothing else."""
    await emptied(scene.stack, "selection")

    async def as_before() -> bool:
        rows = (await scene.client.get(f"{url}/purchases")).json()["purchases"]
        return {each["application"] for each in rows} == {four, five, six}

    await until(as_before, "an emptied selection comes to the same", 90)
    _, again = await scene.evidence()
    assert again.differs == []
    said = Counter(
        json.loads(record.value)["batch"]
        for record in await records_of(scene.stack.kafka.settings, f"{scene.stack.topic_prefix}milestones.v1")
        if dict(record.headers)["ce_type"].endswith(b"ReleaseProposed.v1")
    )
    assert said.keys() == {1, 2, 3}


async def packs(scene: Scene, url: str, wanted: dict[str, int]) -> None:
    """Of who stands now, proved by the batch that gave it; who stands no more has none, and is told why."""
    operator = {"Authorization": f"Bearer {scene.stack.operator_token}"}
    answers = {one: await scene.client.get(f"{url}/packs/{one}", headers=operator) for one in wanted}
    assert {one: answer.status_code for one, answer in answers.items()} == wanted
    for answer in answers.values():
        if answer.status_code == 200:
            found = examined_pack(answer.json())
            assert found.differs == []
    _, _, four, _, six, _ = answers.values()
    assert (four.json()["release"]["batch"], six.json()["release"]["batch"]) == (2, 3)
    told = [answer.json()["type"].rpartition(":")[2] for answer in answers.values() if answer.status_code == 404]
    assert told == ["selected-no-more", "selected-no-more", "not-selected"]
    promoted = f"{url}/packs/{list(wanted)[4]}"
    document = await scene.client.get(promoted, params={"format": "pdf", "language": "ko"}, headers=operator)
    pages = PdfReader(io.BytesIO(document.content)).pages
    assert "3차재배정에서예비에서선정됨" in re.sub(r"\s", "", "".join(page.extract_text() for page in pages))
    table = (await scene.client.get(f"{url}/results", headers=operator)).json()["results"]
    assert {row["application"] for row in table if row["result"] == "selected"} == {
        one for one, status in wanted.items() if status == 200
    }


async def open_data(scene: Scene, seen: Published, order: list[str]) -> None:
    """Every award that was given or ended stands in it, and the official validator finds nothing."""
    one, two, three, four, five, six, seven = order
    await seen.get()
    seen.valid()
    said = [award for release in seen.releases.values() for award in release.get("awards", ()) if "-" in award["id"]]
    ended = {award["id"][:36]: award["description_en"] for award in said if award["status"] == "cancelled"}
    given = Counter(award["id"][:36] for award in said if award["status"] == "active" and award["id"][36:])
    assert ended == {
        two: "The firm gave up its place",
        three: "Two officers declined the product",
        four: "An institution cancelled its request, which changed what is awarded",
    }
    assert given == Counter({two: 1, three: 1, four: 2, five: 1, six: 1}), "who was declined before was never awarded"
    assert not {one, seven} & given.keys()


async def answered(stack: Stack, institution: str) -> list[dict[str, Any]]:
    topic = f"{stack.topic_prefix}institution.{institution}.outbox.v1"
    return [
        json.loads(one.value)
        for one in await records_of(stack.kafka.settings, topic)
        if dict(one.headers)["ce_type"] == b"kr.firstbuy.InboxAnswered.v1"
    ]
