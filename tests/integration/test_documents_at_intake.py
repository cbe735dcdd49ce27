"""Documents at intake: uploaded in pieces to the object store, held for who uploaded them, named by applications."""

import asyncio
import hashlib
import secrets
import unicodedata
from collections.abc import AsyncIterator

import httpx2
import pytest

from deploy.local.stack import Stack
from tests.support.document_files import EVERY, office, pdf, png
from tests.support.document_uploads import held, new_key, objects, problem, upload
from tests.support.rounds import Office, clock_map
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("documents at intake")  # one stack for the whole file
FILE_BYTES = 300_000
APPLICATION_BYTES = 500_000


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    environment = {
        "FIRSTBUY_INTAKE_DOCUMENT_BYTES": str(FILE_BYTES),
        "FIRSTBUY_INTAKE_APPLICATION_DOCUMENTS_BYTES": str(APPLICATION_BYTES),
        "FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.5",
    }
    async with lasting_stack(("intake",), replicas={"intake": 2}, environment=environment) as started:
        yield started


@pytest.fixture
async def round_id(office: Office) -> str:
    made = await office.announce(rehearsal=clock_map(3600))
    await office.status(made, "open")
    return made


async def test_a_file_of_each_type_is_held_and_named_by_its_hash(
    client: httpx2.AsyncClient, stack: Stack, round_id: str
) -> None:
    key = new_key()
    for kind, make in EVERY.items():
        content, name = make(), f"a.b (1).{kind.lower()}"
        answer = await upload(client, round_id, key, content, name=name)
        assert answer.status_code == 201, answer.text
        told = answer.json()
        sha256 = hashlib.sha256(content).hexdigest()
        assert (told["kind"], told["sha256"], told["bytes"]) == ("specification", sha256, len(content))
        assert told["name"] == name
        (stored,) = stack.state.documents.glob(f"{sha256[:2]}/{sha256}.*")
        assert stored.read_bytes() == content
    async with httpx2.AsyncClient(base_url=stack.url("intake", 1)) as other_replica:
        assert len(await held(other_replica, round_id, key)) == len(EVERY)
    assert await held(client, round_id, new_key()) == [], "another key holds nothing"


async def test_names_stay_as_they_came(client: httpx2.AsyncClient, round_id: str) -> None:
    key = new_key()
    composed = "규격서.v1.2.PDF"
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    for name in (composed, decomposed):
        told = (await upload(client, round_id, key, pdf(name), name=name)).raise_for_status().json()
        assert told["name"] == name
    names = ("../etc/passwd", "C:\\fakepath\\a.pdf", "a\nb.pdf", "", " .", "a\u202efdp.exe", "a.pdf.exe", "a")
    for name in names:
        status, _, codes = problem(await upload(client, round_id, key, pdf(name), name=name))
        assert (status, len(codes)) == (422, 1), name


async def test_what_may_be_uploaded_is_said_beforehand(client: httpx2.AsyncClient, round_id: str) -> None:
    shown = (await client.get(f"/rounds/{round_id}/documents")).raise_for_status().json()
    assert (shown["file_bytes"], shown["application_bytes"], shown["files"]) == (FILE_BYTES, APPLICATION_BYTES, 50)
    assert {one["name"] for one in shown["types"]} == set(EVERY)
    assert "documents" not in shown
    assert (await client.get("/rounds/none-such/documents")).status_code == 404


async def test_what_is_not_taken_is_said_and_leaves_nothing(
    client: httpx2.AsyncClient, stack: Stack, round_id: str
) -> None:
    key, before = new_key(), set(objects(stack))
    assert problem(await upload(client, round_id, {}, pdf()))[:2] == (422, "no-upload-key")
    assert problem(await upload(client, round_id, {"Upload-Key": "short"}, pdf()))[:2] == (422, "no-upload-key")
    assert problem(await upload(client, round_id, key, b"")) == (422, "document-refused", ["empty-file"])
    assert problem(await upload(client, round_id, key, b"MZ")) == (422, "document-refused", ["type-not-taken"])
    assert problem(await upload(client, round_id, key, pdf(), kind="poem"))[2] == ["unknown-kind"]
    assert problem(await upload(client, round_id, key, png()))[2] == ["ending-differs"]
    assert problem(await upload(client, "none-such", key, pdf()))[0] == 404
    form = key | {"Content-Type": "multipart/form-data; boundary=x"}
    assert problem(await upload(client, round_id, form, b"--x--"))[:2] == (415, "form-sent")
    assert await held(client, round_id, key) == []
    assert set(objects(stack)) == before


async def test_a_file_above_the_bound_is_refused_before_it_is_sent_and_while(
    client: httpx2.AsyncClient, round_id: str
) -> None:
    async def without_end() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"%PDF-" * 2_000

    key = new_key()
    assert problem(await upload(client, round_id, key, b"%PDF-" * 100_000))[:2] == (413, "too-large")
    assert problem(await upload(client, round_id, key, without_end()))[:2] == (413, "too-large")
    large = office("DOCX", padding=secrets.token_bytes(FILE_BYTES - 1_000))
    (await upload(client, round_id, key, large, name="a.docx")).raise_for_status()
    other = office("DOCX", padding=secrets.token_bytes(FILE_BYTES - 1_000))
    assert problem(await upload(client, round_id, key, other, name="a.docx"))[:2] == (413, "application-full")
    assert (await upload(client, round_id, new_key(), other, name="a.docx")).status_code == 201, "a key of its own"


async def test_a_document_is_removed_by_its_key_alone(client: httpx2.AsyncClient, round_id: str) -> None:
    key, content = new_key(), pdf("removed")
    (await upload(client, round_id, key, content)).raise_for_status()
    (await upload(client, round_id, key, content, kind="catalogue")).raise_for_status()
    at = f"/rounds/{round_id}/documents/{hashlib.sha256(content).hexdigest()}"
    assert (await client.delete(at, headers=new_key())).status_code == 404
    assert (await client.delete(at, params={"kind": "catalogue"}, headers=key)).status_code == 204
    assert [document["kind"] for document in await held(client, round_id, key)] == ["specification"]
    assert (await client.delete(at, headers=key)).status_code == 204
    assert await held(client, round_id, key) == []


async def test_one_content_is_stored_once_whoever_sends_it(
    client: httpx2.AsyncClient, stack: Stack, round_id: str
) -> None:
    content = pdf(secrets.token_hex(8))
    async with httpx2.AsyncClient(base_url=stack.url("intake", 1)) as other:
        sent = [upload(each, round_id, new_key(), content) for each in (client, other) * 4]
        assert {answer.status_code for answer in await asyncio.gather(*sent)} == {201}
    sha256 = hashlib.sha256(content).hexdigest()
    assert len(list(stack.state.documents.glob(f"{sha256[:2]}/{sha256}.*"))) == 1


async def test_a_content_that_the_store_lost_is_stored_again_by_who_sends_it(
    client: httpx2.AsyncClient, stack: Stack, round_id: str
) -> None:
    content = pdf(secrets.token_hex(8))
    sha256 = (await upload(client, round_id, new_key(), content)).raise_for_status().json()["sha256"]
    (stored,) = stack.state.documents.glob(f"{sha256[:2]}/{sha256}.*")
    stored.unlink()
    assert (await upload(client, round_id, new_key(), content)).status_code == 201
    assert stored.read_bytes() == content


async def test_an_upload_that_breaks_off_leaves_nothing(stack: Stack, round_id: str) -> None:
    before = set(objects(stack))
    host, port = stack.url("intake").removeprefix("http://").split(":")
    for _ in range(20):
        _, writer = await asyncio.open_connection(host, int(port))
        lines = [f"POST /rounds/{round_id}/documents?kind=specification&name=a.pdf HTTP/1.1", "Host: here"]
        lines += [f"Upload-Key: {secrets.token_hex(32)}", "Content-Length: 200000", "", ""]
        writer.write("\r\n".join(lines).encode() + pdf() * 10)
        await writer.drain()
        writer.transport.abort()
    await asyncio.sleep(1)
    assert set(objects(stack)) == before
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        assert (await upload(client, round_id, new_key(), pdf("after"))).status_code == 201, "no place is held"


async def test_a_round_takes_documents_while_it_is_open(client: httpx2.AsyncClient, office: Office) -> None:
    early = await office.announce(rehearsal=clock_map(3600, opens_in=3600))
    assert problem(await upload(client, early, new_key(), pdf()))[:2] == (409, "not-open-yet")
    closed = await office.announce(rehearsal=clock_map(1))
    await office.status(closed, "frozen")
    assert problem(await upload(client, closed, new_key(), pdf()))[:2] == (410, "closed")
    staff = office.officers[0] | new_key()
    assert (await upload(client, closed, staff, pdf())).status_code == 201, "for an entry admitted late"
    assert problem(await upload(client, early, {"Authorization": "Bearer x"} | new_key(), pdf()))[0] == 401


async def test_what_was_said_to_be_held_survives_a_kill(
    client: httpx2.AsyncClient, stack: Stack, round_id: str
) -> None:
    key, content = new_key(), pdf(secrets.token_hex(8))
    (await upload(client, round_id, key, content)).raise_for_status()
    await stack.kill("intake")
    await stack.wait_ready("intake")
    assert [document["sha256"] for document in await held(client, round_id, key)] == [
        hashlib.sha256(content).hexdigest()
    ]
