"""The pack of a selected product on the real stack: who may read it, that it proves itself, what a later epoch does."""

import asyncio
import io
import json
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from deploy.local.stack import Stack
from firstbuy.cli import assembled
from tests.conftest import StartStack
from tests.support.asking import asking_policy
from tests.support.consuming import records_of, until
from tests.support.lives import hold_to_life
from tests.support.registries import Local
from tests.support.rounds import CLOSES, Office, application, clock_map, purchase_request, write_inbox

FIRMS = 8
Json = dict[str, Any]


@pytest.mark.altered_by_hand(
    "at the end, once its bundles are held to be true: a result and a void in selection's database"
)
async def test_a_selected_product_has_a_pack_that_proves_itself(
    start_stack: StartStack, local: Local, tmp_path: Path
) -> None:
    stack = await start_stack(environment=local.environment() | {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3"})
    operator = {"Authorization": f"Bearer {stack.operator_token}"}
    async with (
        httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client,
        httpx2.AsyncClient(base_url=stack.url("selection"), timeout=60) as selection,
    ):
        office = await Office.of(stack, client)
        rules = asking_policy() | {"as_of": CLOSES.date().isoformat()}
        round_id = await office.announce("packed", policy=rules, rehearsal=clock_map(15))
        await office.institution("kepco", packed=30_000_000)
        await office.status(round_id, "open")
        asked = [("SubmitPurchaseRequest", f"m{n}", purchase_request(round_id, f"r{n}", quantity=2)) for n in range(3)]
        await write_inbox(stack, "kepco", *asked)
        receipts = [await entered(client, local, round_id, number) for number in range(1, FIRMS + 1)]
        first = receipts[0]["application"]

        async def pack_of(identifier: str, headers: dict[str, str] | None = operator, **asked: Any) -> httpx2.Response:
            return await selection.get(f"/rounds/{round_id}/packs/{identifier}", params=asked, headers=headers)

        early = await pack_of(first)
        assert (early.status_code, problem(early)) == (404, "not-frozen")
        await office.milestone(round_id, "SelectionProposed")
        early = await pack_of(first)
        assert (early.status_code, problem(early)) == (409, "not-confirmed")
        assert problem(await selection.get(f"/rounds/{round_id}/results")) == "not-published"
        await office.confirm(round_id)
        results = await office.results(round_id, FIRMS)
        assert not any("pack" in result or "key=" in json.dumps(result) for result in results), "no link is published"
        chosen = [result["application"] for result in results if result["result"] == "ProductSelected"]
        other = next(result["application"] for result in results if result["result"] != "ProductSelected")
        product = next(result["product"] for result in results if result["application"] == chosen[0])

        link = await told(stack, chosen[0])
        assert link.startswith(f"/rounds/{round_id}/packs/{chosen[0]}?key=")
        answer = await selection.get(link)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "private, no-store"
        pack = answer.json()
        assert pack["application"]["facts"]["product"]["name"] == product
        assert pack["result"]["awards"][0]["institution_name"] == "기관 kepco"
        said = {row["rule"]: row["registries"] for row in pack["findings_in_words"]["ko"]}
        assert "국세청 (NTS)" in said["영업 상태"][0], "what the registry said is in it"
        assert (await pack_of(chosen[0])).content == answer.content, "the auditor reads the same"

        await _the_result_shows_who_was_selected(selection, round_id, pack, chosen, receipts, client, link)
        await refused(pack_of, link, chosen, other)
        await in_the_mail(stack, receipts, chosen[0], link)
        verified(tmp_path, answer.content, stack)
        printed(tmp_path, stack, pack, link)

        await _a_later_epoch_has_a_pack_of_its_own(
            office, round_id, local, selection, link, pack, tmp_path, stack, pack_of, chosen
        )
        await hold_to_life(stack)
        await out_of_the_result(stack, pack_of, round_id, chosen[0])


async def _the_result_shows_who_was_selected(
    selection: httpx2.AsyncClient,
    round_id: str,
    pack: Any,
    chosen: Any,
    receipts: Any,
    client: httpx2.AsyncClient,
    link: str,
) -> None:
    """And the firm is given the link."""
    listed = (await selection.get(f"/rounds/{round_id}/results")).json()
    assert listed["selection_root"] == pack["result"]["selection_root"]
    assert {result["application"] for result in listed["results"] if result["applicant"] or result["product"]} == set(
        chosen
    )
    assert [result["awarded_won"] is not None for result in listed["results"]].count(True) == len(chosen)

    mine = next(receipt for receipt in receipts if receipt["application"] == chosen[0])
    token = {"Authorization": f"Bearer {mine['token']}"}
    own = (await client.get(f"/applications/{chosen[0]}/status", headers=token)).json()
    assert own["result"]["pack"] == link, "the firm has it too"


async def _a_later_epoch_has_a_pack_of_its_own(
    office: Office,
    round_id: str,
    local: Any,
    selection: httpx2.AsyncClient,
    link: str,
    pack: Any,
    tmp_path: Path,
    stack: Stack,
    pack_of: Any,
    chosen: Any,
) -> None:
    """The earlier one stays, and names what supersedes it."""
    shown = await office.shown(round_id)
    terms = {"epoch": 1, "applications_root": shown["applications_root"], "source": "rehearsal"}
    late = application(99)
    local.confirms(late)
    await office.act(round_id, "admit-late", terms, entry=late)
    await office.confirm(round_id, epoch=2)
    await office.results(round_id, FIRMS + 1)

    async def newest() -> bool:
        return bool((await selection.get(link)).json().get("epoch") == 2)

    await until(newest, "the link opens the newest result")
    again = (await selection.get(link)).json()
    assert (again["superseded_by"], again["entry"]["drawn_under"]) == (None, 1)
    assert [commitment["epoch"] for commitment in again["commitments"]] == [1, 2]
    earlier = (await selection.get(f"{link}&epoch=1")).json()
    assert (earlier["epoch"], earlier["superseded_by"]["epoch"]) == (1, 2)
    assert {name: value for name, value in earlier.items() if name not in ("superseded_by", "signed")} == {
        name: value for name, value in pack.items() if name not in ("superseded_by", "signed")
    }
    for content in (again, earlier):
        verified(tmp_path, json.dumps(content).encode(), stack)
    assert problem(await pack_of(chosen[0], epoch=3)) == "unknown-epoch"


async def entered(client: httpx2.AsyncClient, local: Local, round_id: str, number: int) -> Json:
    body = application(number, capacity=2)
    if number == FIRMS:
        body["certificates"] = []
        body["applicant"]["sanctioned"] = True
    local.confirms(body)
    answer = await client.post(f"/rounds/{round_id}/applications", json=body)
    receipt: Json = answer.raise_for_status().json()
    return receipt | {"number": number}


def problem(answer: httpx2.Response) -> str:
    kind: str = answer.json()["type"]
    return kind.rpartition(":")[2]


async def told(stack: Stack, identifier: str) -> str:
    """The link by which the institution is told of its award."""
    async with asyncio.timeout(30):
        while True:
            for one in await records_of(stack.kafka.settings, f"{stack.topic_prefix}institution.kepco.outbox.v1"):
                body = json.loads(one.value)
                if dict(one.headers)["ce_type"] == b"kr.firstbuy.AwardNoticed.v1" and body["application"] == identifier:
                    return str(body["pack"])
            await asyncio.sleep(0.2)


async def refused(pack_of: Any, link: str, chosen: list[str], other: str) -> None:
    key = link.partition("?key=")[2]
    altered = key[:-1] + ("A" if key[-1] != "A" else "B")
    nobody = "00000000-0000-4000-8000-000000000000"
    for answer, status, code in (
        (await pack_of(chosen[0], None), 401, "no-token"),
        (await pack_of(chosen[0], {"Authorization": "Bearer another"}), 401, "unknown-token"),
        (await pack_of(chosen[0], None, key=altered), 403, "wrong-key"),
        (await pack_of(chosen[0], None, key=""), 403, "wrong-key"),
        (await pack_of(chosen[1], None, key=key), 403, "wrong-key"),
        (await pack_of(nobody, None, key=key), 403, "wrong-key"),
        (await pack_of(nobody), 404, "unknown-application"),
        (await pack_of(other), 404, "not-selected"),
        (await pack_of("no-uuid"), 422, "invalid-fields"),
        (await pack_of(chosen[0], epoch=2), 404, "unknown-epoch"),
    ):
        assert (answer.status_code, problem(answer)) == (status, code), answer.text


async def in_the_mail(stack: Stack, receipts: list[Json], identifier: str, link: str) -> None:
    number = next(receipt["number"] for receipt in receipts if receipt["application"] == identifier)

    async def mailed() -> bool:
        for file in stack.mail_folder.glob("*.eml"):
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            body = mail.get_body(("plain",)) if f"contact{number}@" in str(mail["To"]) else None
            if body is not None and stack.url("selection") + link in body.get_content():
                return True
        return False

    await until(mailed, "the firm has the link, to show to buyers")


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(assembled(), list(arguments))
    return done.exit_code, done.output


def verified(folder: Path, content: bytes, stack: Stack) -> None:
    file = folder / "pack.json"
    file.write_bytes(content)
    keys = stack.url("selection") + "/.well-known/firstbuy-keys"
    code, output = run("verify", "pack", str(file), "--keys", keys)
    assert code == 0, output
    assert "is published" in output
    place = content.index("기관 kepco".encode()) if "기관 kepco".encode() in content else content.index(b"kepco")
    file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    code, output = run("verify", "pack", str(file))
    assert code == 1, "one bit of a name"
    assert "did not sign it" in output


def printed(folder: Path, stack: Stack, pack: Json, link: str) -> None:
    file, key = folder / "pack.pdf", link.partition("?key=")[2]
    where = (pack["round"]["round"], pack["application"]["application"], "-o", str(file))
    for language in ("ko", "en"):
        code, output = run(
            "round", "pack", *where, "--pdf", "--language", language, "--key", key, "--url", stack.url("selection")
        )
        assert code == 0, output
        reader = PdfReader(io.BytesIO(file.read_bytes()))
        text = "".join("".join(page.extract_text() for page in reader.pages).split())
        assert pack["application"]["facts"]["applicant"]["name"].replace(" ", "") in text
        assert pack["application"]["facts"]["product"]["name"].replace(" ", "") in text
        assert "기관kepco" in text
        assert json.loads(reader.attachments["pack.json"][0]) == pack


async def out_of_the_result(stack: Stack, pack_of: Any, round_id: str, chosen: str) -> None:
    """What is not in the newest result is said so; what is not what was published proves nothing."""
    connection = await asyncpg.connect(stack.database_url("selection"))
    try:
        await connection.execute(
            "UPDATE results SET result = 'reserve', reserve_position = 1, awards = '[]'"
            " WHERE round = $1 AND epoch = 2 AND application = $2",
            round_id,
            chosen,
        )
        answer = await pack_of(chosen)
        assert (answer.status_code, problem(answer)) == (404, "selected-no-more")
        assert "?epoch=1" in answer.json()["title"]
        assert (await pack_of(chosen, epoch=1)).json()["superseded_by"]["result"] == "reserve"
        still = "SELECT application::text FROM results WHERE round = $1 AND epoch = 2 AND result = 'selected' LIMIT 1"
        answer = await pack_of(await connection.fetchval(still, round_id))
        assert (answer.status_code, problem(answer)) == (503, "unproven"), answer.text
        await connection.execute("UPDATE rounds SET void = true WHERE round = $1", round_id)
        answer = await pack_of(chosen)
        assert (answer.status_code, problem(answer)) == (409, "round-void")
    finally:
        await connection.close()
