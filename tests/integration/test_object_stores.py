"""One contract for every object store: a folder, and a bucket that speaks S3 over TLS."""

import hashlib
import io
import secrets
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firstbuy.diagnosis.asking.outside import document_store
from firstbuy.diagnosis.check import State
from firstbuy.diagnosis.outside import compare_store
from services.intake.adapters.documents.object_store import store_of
from services.intake.adapters.documents.port import ObjectMissingError, ObjectStore, StoreAwayError, StoreFullError
from services.intake.settings import DocumentStoreSettings
from tests.support.seaweed import S3, s3_server

pytestmark = pytest.mark.xdist_group("object stores")  # one bucket for the whole file


@pytest.fixture(scope="module")
async def s3() -> AsyncIterator[S3]:
    async with s3_server() as running:
        yield running


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> DocumentStoreSettings:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return DocumentStoreSettings()


@pytest.fixture(params=["folder", "bucket"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> DocumentStoreSettings:
    if request.param == "folder":
        return DocumentStoreSettings(document_store=str(tmp_path / "new/documents"))
    made: DocumentStoreSettings = request.getfixturevalue("bucket")
    return made


@pytest.fixture
def store(settings: DocumentStoreSettings) -> ObjectStore:
    return store_of(settings)


def named(content: bytes) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    return f"{sha256[:2]}/{sha256}.{secrets.token_hex(8)}"


async def whole(store: ObjectStore, name: str) -> bytes:
    return b"".join([piece async for piece in await store.get(name)])


async def test_what_is_put_is_got_listed_and_deleted(store: ObjectStore) -> None:
    contents = {named(content): content for content in (b"a", secrets.token_bytes(2_000_000))}
    for name, content in contents.items():
        await store.put(name, io.BytesIO(content))
        assert await whole(store, name) == content
        assert await store.has(name)
    listed = {each.name: each async for each in store.objects() if each.name in contents}
    assert {name: each.bytes for name, each in listed.items()} == {n: len(c) for n, c in contents.items()}
    assert all(datetime.now(UTC) - each.modified_at < timedelta(minutes=5) for each in listed.values())
    for name in contents:
        await store.delete(name)
        await store.delete(name)
        assert not await store.has(name)
        with pytest.raises(ObjectMissingError):
            await store.get(name)


async def test_nothing_is_overwritten(store: ObjectStore) -> None:
    name = named(b"first")
    await store.put(name, io.BytesIO(b"first"))
    with pytest.raises(ValueError, match="is there"):
        await store.put(name, io.BytesIO(b"second"))
    assert await whole(store, name) == b"first"
    await store.delete(name)


async def test_the_doctor_writes_reads_and_deletes_a_probe(settings: DocumentStoreSettings, store: ObjectStore) -> None:
    check = compare_store(await document_store(settings))
    assert (check.state, "takes, gives and deletes" in check.found) == (State.OK, True)
    assert [each.name async for each in store.objects() if each.name.startswith("probe/")] == []


async def test_a_bucket_with_another_certificate_or_key_is_away(
    s3: S3, bucket: DocumentStoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIRSTBUY_INTAKE_DOCUMENT_S3_CA_FILE")
    untrusted = DocumentStoreSettings()
    monkeypatch.setenv("FIRSTBUY_INTAKE_DOCUMENT_S3_CA_FILE", str(s3.authority))
    (s3.folder / "SECRET").write_text("another")
    refused = DocumentStoreSettings()
    nowhere = DocumentStoreSettings(document_s3_endpoint="https://localhost:9")
    for wrong in (untrusted, refused, nowhere):
        with pytest.raises(StoreAwayError):
            await store_of(wrong).put(named(b"a"), io.BytesIO(b"a"))
        check = compare_store(await document_store(wrong))
        assert (check.state, bool(check.fix)) == (State.WRONG, True)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KB; only root can make one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_folder_without_room_is_full_and_keeps_nothing_half(small: Path) -> None:
    store = store_of(DocumentStoreSettings(document_store=str(small)))
    content, fits = secrets.token_bytes(1_000_000), secrets.token_bytes(1_000)
    with pytest.raises(StoreFullError):
        await store.put(named(content), io.BytesIO(content))
    assert [each.name async for each in store.objects()] == []
    await store.put(named(fits), io.BytesIO(fits))
    await store.tidy(datetime.now(UTC) + timedelta(days=1))
    assert len([path for path in small.rglob("*") if path.is_file()]) == 1
