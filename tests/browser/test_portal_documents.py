"""Documents of a draft, sent by form: listed, singly removable, refused by name, and covered by the receipt."""

import hashlib
import unicodedata

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from tests.browser.conftest import ROUND
from tests.support.document_files import pdf, png
from tests.support.portal_forms import Applicant

pytestmark = pytest.mark.xdist_group("portal")
DECOMPOSED = unicodedata.normalize("NFD", "규격서.pdf")


async def test_a_document_is_listed_removed_alone_and_sent_with_the_application(applicant: Applicant) -> None:
    draft = await applicant.begin(ROUND)
    step = f"{draft}/steps/documents"
    content = pdf("명세 하나")
    for name, file in (("규격서.v2.pdf", content), ("사진.png", png()), (DECOMPOSED, pdf("명세 둘"))):
        added = await applicant.attach(draft, name, file)
        assert added.headers["location"].endswith(step), added.text
    told = await applicant.page(step)
    assert "규격서.v2.pdf" in told
    assert told.count("<li>") == 3
    photo = hashlib.sha256(png()).hexdigest()
    removed = await applicant.post(f"{draft}/documents/removal", {"sha256": photo, "kind": "specification"})
    assert removed.status_code == 303
    assert "사진.png" not in await applicant.page(step)
    await applicant.fill_in(draft, 41)
    assert "규격서.v2.pdf" in await applicant.page(f"{draft}/check")
    entered = (await applicant.post(f"{draft}/submission")).headers["location"].partition("?")[0]
    assert "규격서.v2.pdf" in await applicant.page(entered)
    sha256 = hashlib.sha256(content).hexdigest()
    copy = (await applicant.client.get(f"{entered}/copy.json")).json()
    assert {file["sha256"] for file in copy["facts"]["documents"]} >= {sha256}
    read = await applicant.client.get(f"{entered}/documents/{sha256}")
    assert read.content == content
    assert read.headers["content-disposition"].startswith("attachment")
    assert read.headers["x-content-type-options"] == "nosniff"
    again = (await applicant.post(f"{entered}/replacement")).headers["location"]
    assert "규격서.v2.pdf" in await applicant.page(f"{again}/steps/documents")
    await applicant.fill_in(again, 41)
    changed = await applicant.post(f"{again}/submission")
    assert changed.status_code == 303, changed.text


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("빈.pdf", b"", 422),
        ("글.txt", b"plain words", 422),
        ("거짓.pdf", png(), 422),
        ("../../etc/passwd.pdf", pdf(), 422),
        ("", pdf(), 422),
        ("큰.pdf", b"%PDF-1.7\n" + b"0" * 21_000_000, 413),
    ],
    ids=["empty", "no type of ours", "of another type", "a path", "none chosen", "too large"],
)
async def test_what_is_refused_is_told_by_name_and_the_rest_stays(
    applicant: Applicant, name: str, content: bytes, status: int
) -> None:
    draft = await applicant.begin(ROUND)
    await applicant.attach(draft, "먼저.pdf", pdf())
    refused = await applicant.attach(draft, name, content)
    assert refused.status_code == status, refused.text[:2000]
    assert 'aria-invalid="true"' in refused.text
    assert name.rpartition("/")[2] in refused.text
    assert "먼저.pdf" in await applicant.page(f"{draft}/steps/documents")


async def test_a_form_without_this_sessions_token_reads_no_file(applicant: Applicant) -> None:
    draft = await applicant.begin(ROUND)
    applicant.form = "of another session"
    assert (await applicant.attach(draft, "a.pdf", pdf())).status_code == 403
    broken = await applicant.client.post(
        f"{draft}/documents", content=b"--x\r\nContent-Dis", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert broken.status_code == 400
    other = await applicant.client.post(f"{draft}/documents", data={"form": "x"})
    assert other.status_code == 415


async def test_documents_of_a_draft_that_is_deleted_are_deleted_too(applicant: Applicant, portal_stack: Stack) -> None:
    draft = await applicant.begin(ROUND)
    content = pdf("nur dieses eine")
    await applicant.attach(draft, "지울.pdf", content)
    connection = await asyncpg.connect(portal_stack.database_url("intake"))
    held = "SELECT count(*) FROM uploaded_documents WHERE sha256 = $1"
    sha256 = hashlib.sha256(content).hexdigest()
    assert await connection.fetchval(held, sha256) == 1
    assert (await applicant.post(f"{draft}/delete")).status_code == 303
    assert await connection.fetchval(held, sha256) == 0
    await connection.close()
    assert (await applicant.client.get(draft)).status_code == 404


async def test_while_intake_is_away_what_is_listed_stays(applicant: Applicant, portal_stack: Stack) -> None:
    draft = await applicant.begin(ROUND)
    await applicant.attach(draft, "먼저.pdf", pdf())
    await portal_stack.stop("intake")
    try:
        refused = await applicant.attach(draft, "다음.pdf", pdf("다음"))
        assert refused.status_code == 503
    finally:
        await portal_stack.restart("intake")
    assert "먼저.pdf" in await applicant.page(f"{draft}/steps/documents")
    other = portal_stack.portal_urls[1]
    async with httpx2.AsyncClient(base_url=other, cookies=applicant.client.cookies, timeout=30) as client:
        assert "먼저.pdf" in (await client.get(f"{draft}/steps/documents")).text
