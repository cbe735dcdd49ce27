"""Documents that applications name: which may be named, who reads them, and what becomes of them."""

import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from services.intake.adapters.documents.object_store import LocalObjects
from services.intake.usecases.document_sweep import sweep_documents, sweep_objects
from shared.clock import SetClock
from shared.proof.canonical import payload_hash
from shared.service.postgres import Pool, open_pool
from tests.support.document_files import office, pdf
from tests.support.document_uploads import apply_with, held, new_key, opened, problem, upload
from tests.support.epochs import standing
from tests.support.rounds import Office, application, clock_map
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("documents named")  # one stack for the whole file
DAY = timedelta(days=1, minutes=1)


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    environment = {
        "FIRSTBUY_INTAKE_DOCUMENT_BYTES": "300000",
        "FIRSTBUY_INTAKE_APPLICATION_DOCUMENTS_BYTES": "500000",
        "FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.5",
    }
    async with lasting_stack(("intake",), environment=environment) as started:
        yield started


@pytest.fixture
async def round_id(office: Office) -> str:
    made = await office.announce(rehearsal=clock_map(3600))
    await office.status(made, "open")
    return made


@pytest.fixture
async def pool(stack: Stack) -> AsyncIterator[Pool]:
    made = await open_pool(stack.database_url("intake"), 2, "sweep")
    yield made
    await made.close()


@pytest.fixture
def store(stack: Stack) -> LocalObjects:
    return LocalObjects(stack.state.documents)


async def uploaded(client: httpx2.AsyncClient, round_id: str, key: dict[str, str], **more: Any) -> dict[str, Any]:
    answer = await upload(client, round_id, key, pdf(secrets.token_hex(8)), **more)
    document: dict[str, Any] = answer.raise_for_status().json()
    return document


async def test_the_receipt_covers_what_is_named_and_its_holder_reads_it(
    client: httpx2.AsyncClient, round_id: str
) -> None:
    key, content = new_key(), pdf("규격서")
    document = (await upload(client, round_id, key, content)).json()
    receipt = (await apply_with(client, round_id, 1, [document], key)).raise_for_status().json()
    at = f"/applications/{receipt['application']}"
    facts = (await client.get(at, headers=opened(receipt))).json()["facts"]
    assert facts["documents"] == [document]
    assert payload_hash(receipt["nonce"], facts) == receipt["payload_hash"]
    read = await client.get(f"{at}/documents/{document['sha256']}", headers=opened(receipt))
    assert (read.status_code, read.content) == (200, content)
    said = read.headers["content-disposition"]
    assert said == "attachment; filename=\"___.pdf\"; filename*=UTF-8''%EA%B7%9C%EA%B2%A9%EC%84%9C.pdf"
    assert (read.headers["content-type"], read.headers["x-content-type-options"]) == ("application/pdf", "nosniff")
    assert "set-cookie" not in read.headers
    assert "sandbox" in read.headers["content-security-policy"]


async def test_only_what_is_held_under_the_key_may_be_named(client: httpx2.AsyncClient, round_id: str) -> None:
    key = new_key()
    document = await uploaded(client, round_id, key)
    unknown = document | {"sha256": hashlib.sha256(b"another").hexdigest()}

    async def refused(documents: list[dict[str, Any]], sent: dict[str, str]) -> tuple[str, str]:
        answer = await apply_with(client, round_id, 2, documents, sent)
        assert answer.status_code == 422, answer.text
        (error,) = answer.json()["errors"]
        assert error["fix"]
        return error["code"], error["pointer"]

    assert await refused([unknown], key) == ("document-not-held", "/documents/0/sha256")
    assert await refused([document], new_key()) == ("document-not-held", "/documents/0/sha256")
    assert await refused([document], {}) == ("document-not-held", "/documents/0/sha256")
    assert await refused([document | {"kind": "catalogue"}], key) == ("document-differs", "/documents/0/kind")
    assert await refused([document | {"name": "another.pdf"}], key) == ("document-differs", "/documents/0/name")
    assert await refused([document | {"bytes": 1}], key) == ("document-differs", "/documents/0/bytes")
    assert await refused([document, document], key) == ("said-twice", "/documents/1")
    large = [
        (
            await upload(
                client, round_id, new_key(), office("DOCX", padding=secrets.token_bytes(280_000)), name=f"{n}.docx"
            )
        ).json()
        for n in range(2)
    ]
    assert await refused(large, key) == ("too-large", "/documents")
    assert (await apply_with(client, round_id, 2, [document], key)).status_code == 201


async def test_a_retry_gets_its_receipt_and_a_later_version_keeps_what_the_one_before_named(
    client: httpx2.AsyncClient, round_id: str
) -> None:
    key = new_key()
    first, second = await uploaded(client, round_id, key), await uploaded(client, round_id, key, kind="catalogue")
    retried = key | {"Idempotency-Key": "k"}
    receipt = (await apply_with(client, round_id, 3, [first], retried)).json()
    assert (await apply_with(client, round_id, 3, [first], retried)).json() == receipt
    at, own = f"/applications/{receipt['application']}", opened(receipt)

    async def put(version: int, documents: list[dict[str, Any]], **headers: str) -> httpx2.Response:
        body = application(3) | {"documents": documents}
        return await client.put(at, json=body, headers=own | {"If-Match": f'"{version}"'} | headers)

    assert (await put(1, [first])).status_code == 200, "without the key"
    assert problem(await put(2, [first, second])) == (422, "invalid-fields", ["document-not-held"])
    assert (await put(2, [second], **key)).status_code == 200
    assert problem(await put(3, [first])) == (422, "invalid-fields", ["document-not-held"]), "no more in the newest"
    for document in (first, second):
        assert (await client.get(f"{at}/documents/{document['sha256']}", headers=own)).status_code == 200


async def test_who_may_read_and_every_reading_is_in_the_audit_log(
    client: httpx2.AsyncClient, office: Office, round_id: str
) -> None:
    key = new_key()
    document = await uploaded(client, round_id, key)
    receipt = (await apply_with(client, round_id, 4, [document], key)).json()
    other = (await apply_with(client, round_id, 5, [], {})).json()
    at = f"/applications/{receipt['application']}/documents/{document['sha256']}"
    operator = {"Authorization": f"Bearer {office.stack.operator_token}"}
    tokens = {}
    for role, more in (("auditor", {}), ("institution", {"institution": "kepco"})):
        body = {"role": role, "name": f"{role} {secrets.token_hex(4)}"} | more
        made = (await client.post("/tokens", json=body, headers=operator)).raise_for_status().json()
        tokens[role] = {"Authorization": f"Bearer {made['token']}"}
    assert (await client.get(at)).status_code == 401
    assert (await client.get(at, headers=opened(other))).status_code == 401
    assert (await client.get(at, headers=operator)).status_code == 403
    assert problem(await client.get(at, headers=tokens["institution"]))[:2] == (403, "not-awarded")
    assert problem(await client.get(at, params={"key": "guess"}))[:2] == (403, "wrong-key")
    for headers in (opened(receipt), office.officers[0], tokens["auditor"]):
        assert (await client.get(at, headers=headers)).status_code == 200
    mine = f"/applications/{other['application']}/documents/{document['sha256']}"
    assert problem(await client.get(mine, headers=opened(other)))[:2] == (404, "unknown-document")
    rows = (await client.get("/audit", params={"limit": 1000}, headers=tokens["auditor"])).json()
    read = [row for row in rows["rows"] if row["action"] == "read-document"]
    mine_read = [row for row in read if row["detail"]["application"] == receipt["application"]]
    assert [row["detail"]["role"] for row in mine_read] == ["applicant", "officer", "auditor"]


async def award(stack: Stack, application: str, institution: str, pack: str) -> None:
    """As if selection had published it."""
    connection = await asyncpg.connect(stack.database_url("intake"))
    try:
        await connection.execute(
            "INSERT INTO outcomes (application, round, result_type, result_epoch, result_batch, result, noticed_at) "
            "SELECT application, round, 'ProductSelected', 1, 0, $2::text::jsonb, '2018-09-01' "
            "FROM applications WHERE application = $1",
            application,
            json.dumps({"awards": [{"institution": institution}], "pack": pack}),
        )
    finally:
        await connection.close()


async def test_the_institutions_it_was_awarded_to_read_what_its_newest_version_names(
    client: httpx2.AsyncClient, stack: Stack, office: Office, round_id: str
) -> None:
    key = new_key()
    before, document = await uploaded(client, round_id, key), await uploaded(client, round_id, key)
    receipt = (await apply_with(client, round_id, 6, [before], key)).json()
    at = f"/applications/{receipt['application']}"
    body = application(6) | {"documents": [document]}
    (await client.put(at, json=body, headers=opened(receipt) | key | {"If-Match": '"1"'})).raise_for_status()
    await award(stack, receipt["application"], "kepco", f"/rounds/{round_id}/packs/x?key=ed25519-signature")
    operator = {"Authorization": f"Bearer {office.stack.operator_token}"}
    for code, status in (("kepco", 200), ("lh", 403)):
        made = await client.post(
            "/tokens",
            json={"role": "institution", "name": f"{code} {secrets.token_hex(4)}", "institution": code},
            headers=operator,
        )
        bearer = {"Authorization": f"Bearer {made.raise_for_status().json()['token']}"}
        assert (await client.get(f"{at}/documents/{document['sha256']}", headers=bearer)).status_code == status
        if status == 200:
            older = await client.get(f"{at}/documents/{before['sha256']}", headers=bearer)
            assert problem(older)[:2] == (404, "unknown-document")
    url = f"{at}/documents/{document['sha256']}"
    assert (await client.get(url, params={"key": "ed25519-signature"})).status_code == 200
    assert (await client.get(url, params={"key": "ed25519-signaturf"})).status_code == 403


async def test_an_entry_admitted_late_names_documents_that_an_officer_uploaded(
    client: httpx2.AsyncClient, office: Office, pool: Pool, store: LocalObjects
) -> None:
    round_id = await office.announce(rehearsal=clock_map(1))
    await office.status(round_id, "frozen")
    key, staff = new_key(), office.officers[0]
    admitted, refused = [await uploaded(client, round_id, key | staff) for _ in range(2)]
    terms = await standing(office, round_id) | {"source": "rehearsal"}

    async def propose(number: int, document: dict[str, Any], **headers: str) -> httpx2.Response:
        entry = application(number) | {"documents": [document]}
        body = {"act": "admit-late", "terms": terms, "reason": "it was ill", "entry": entry}
        return await client.post(f"/rounds/{round_id}/acts", json=body, headers=staff | headers)

    assert problem(await propose(20, admitted))[2] == ["document-not-held"]
    given_up = (await propose(21, refused, **key)).raise_for_status().json()["act"]
    act = (await propose(20, admitted, **key)).raise_for_status().json()["act"]
    await sweep_documents(pool, store, SetClock(datetime.now(UTC) + DAY))
    withdrawn = await client.post(
        f"/rounds/{round_id}/acts/{given_up}/withdrawal", json={"reason": "no"}, headers=staff
    )
    assert withdrawn.is_success, withdrawn.text
    receipt = (await office.approve(round_id, act))["receipt"]
    at = f"/applications/{receipt['application']}/documents/{admitted['sha256']}"
    assert (await client.get(at, headers=opened(receipt))).status_code == 200
    await sweep_documents(pool, store, SetClock(datetime.now(UTC) + DAY))
    held_names = [each.name async for each in store.objects()]
    assert [name for name in held_names if admitted["sha256"] in name]
    assert not [name for name in held_names if refused["sha256"] in name]


async def test_an_appeal_may_name_documents_that_were_missing(
    client: httpx2.AsyncClient, stack: Stack, round_id: str
) -> None:
    receipt = (await apply_with(client, round_id, 22, [], {})).json()
    key, own, at = new_key(), opened(receipt), f"/applications/{receipt['application']}"
    await award(stack, receipt["application"], "kepco", "")
    query = {"kind": "specification", "name": "a.pdf", "application": receipt["application"]}
    path = f"/rounds/{round_id}/documents"
    stranger = await client.post(path, params=query, content=pdf(), headers=key)
    assert stranger.status_code == 404
    document = (await client.post(path, params=query, content=pdf("late"), headers=key | own)).raise_for_status().json()
    amended = {name: value for name, value in application(22).items() if name != "contact"} | {"documents": [document]}
    body = {"grounds": "it was missing", "amended": amended}
    assert problem(await client.post(f"{at}/appeal", json=body, headers=own))[2] == ["document-not-held"]
    assert (await client.post(f"{at}/appeal", json=body, headers=own | key)).status_code == 201


async def test_what_nobody_names_goes_after_a_day(
    client: httpx2.AsyncClient, stack: Stack, round_id: str, pool: Pool, store: LocalObjects
) -> None:
    key = new_key()
    left, named = await uploaded(client, round_id, key), await uploaded(client, round_id, key)
    receipt = (await apply_with(client, round_id, 7, [named], key)).json()

    def files(document: dict[str, Any]) -> int:
        return len(list(stack.state.documents.glob(f"{document['sha256'][:2]}/{document['sha256']}.*")))

    await sweep_documents(pool, store, SetClock(datetime.now(UTC) + timedelta(hours=23)))
    assert (files(left), files(named)) == (1, 1)
    await sweep_documents(pool, store, SetClock(datetime.now(UTC) + DAY))
    assert (files(left), files(named)) == (0, 1)
    assert await held(client, round_id, key) == []
    assert (await apply_with(client, round_id, 8, [left], key)).status_code == 422
    at = f"/applications/{receipt['application']}"
    assert (await client.get(f"{at}/documents/{named['sha256']}", headers=opened(receipt))).status_code == 200
    body = application(7) | {"documents": [named]}
    kept = await client.put(at, json=body, headers=opened(receipt) | {"If-Match": '"1"'})
    assert kept.status_code == 200, "what it names it may name again"


async def test_an_object_without_a_row_goes_unless_an_application_names_its_content(
    client: httpx2.AsyncClient, stack: Stack, round_id: str, pool: Pool, store: LocalObjects
) -> None:
    key = new_key()
    document = await uploaded(client, round_id, key)
    receipt = (await apply_with(client, round_id, 9, [document], key)).json()
    async with pool.acquire() as connection:  # as after a restore to before the upload
        await connection.execute("DELETE FROM uploaded_documents WHERE sha256 = $1", document["sha256"])
        await connection.execute("DELETE FROM documents WHERE sha256 = $1", document["sha256"])
    stray = stack.state.documents / "00" / f"{'0' * 64}.stray"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")
    partial = stray.with_name(stray.name + "#1")
    partial.write_bytes(b"x")
    at = f"/applications/{receipt['application']}/documents/{document['sha256']}"
    assert problem(await client.get(at, headers=opened(receipt)))[:2] == (503, "document-missing")
    await sweep_objects(pool, store, SetClock(datetime.now(UTC)))
    assert stray.exists()
    await sweep_objects(pool, store, SetClock(datetime.now(UTC) + DAY))
    assert not stray.exists()
    assert not partial.exists()
    assert (await client.get(at, headers=opened(receipt))).status_code == 200


async def test_erasing_a_person_erases_the_documents_and_the_hash_stays(
    client: httpx2.AsyncClient, stack: Stack, round_id: str, pool: Pool, store: LocalObjects
) -> None:
    shared, key, other = pdf(secrets.token_hex(8)), new_key(), new_key()
    mine = await uploaded(client, round_id, key)
    both = (await upload(client, round_id, key, shared)).json()
    (await upload(client, round_id, other, shared)).raise_for_status()
    receipt = (await apply_with(client, round_id, 10, [mine, both], key)).json()
    stays = (await apply_with(client, round_id, 11, [both], other)).json()
    at, own = f"/applications/{receipt['application']}", opened(receipt)
    assert (await client.delete(f"{at}/contact", headers=own)).json() == {"erased": 1}
    assert problem(await client.get(f"{at}/documents/{mine['sha256']}", headers=own))[:2] == (410, "erased")
    await sweep_documents(pool, store, SetClock(datetime.now(UTC)))
    left = [len(list(stack.state.documents.rglob(f"{document['sha256']}.*"))) for document in (mine, both)]
    assert left == [0, 1]
    of_other = f"/applications/{stays['application']}/documents/{both['sha256']}"
    assert (await client.get(of_other, headers=opened(stays))).status_code == 200
    facts = (await client.get(at, headers=own)).json()["facts"]
    assert [document["sha256"] for document in facts["documents"]] == [mine["sha256"], both["sha256"]]


async def test_a_document_that_was_altered_is_not_given_out(
    client: httpx2.AsyncClient, stack: Stack, round_id: str
) -> None:
    key = new_key()
    document = await uploaded(client, round_id, key)
    receipt = (await apply_with(client, round_id, 12, [document], key)).json()
    (stored,) = stack.state.documents.rglob(f"{document['sha256']}.*")
    stored.write_bytes(b"x" * document["bytes"])
    at = f"/applications/{receipt['application']}/documents/{document['sha256']}"
    with pytest.raises(httpx2.RemoteProtocolError):
        await client.get(at, headers=opened(receipt))
