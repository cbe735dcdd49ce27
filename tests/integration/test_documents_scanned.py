"""Documents are looked at by a real clamd, and none is taken while it can't be asked."""

import io
import os
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.local.kafka_choice import required
from deploy.local.ports import free_port
from deploy.local.state import State
from services.intake.adapters.documents.inspector import InspectionLimits, Inspector
from services.intake.adapters.documents.refusing import RefusedFileError
from services.intake.adapters.documents.virus import Clamd, ScannerAwayError
from services.intake.domain.documents import DocumentLimits
from services.intake.usecases.document_metrics import UploadOutcome
from services.intake.usecases.documents import SCANNER_AWAY, Asked, Documents
from tests.support import clamav
from tests.support.clamav import EICAR, NAME, scanning
from tests.support.debian import NoPackageError
from tests.support.document_files import office, pdf
from tests.support.told import Section, tell

pytestmark = pytest.mark.xdist_group("clamd")  # one for the whole file


@pytest.fixture(scope="module")
async def addresses(request: pytest.FixtureRequest, state: State) -> AsyncIterator[tuple[str, str]]:
    try:
        program = clamav.find(state.cache, os.environ)
    except NoPackageError as error:
        if required("clamav", os.environ):
            raise
        tell(request.config, Section.WITHOUT_CLAMAV, request.node.nodeid)
        pytest.skip(str(error))
    async with scanning(program) as made:
        yield made


@pytest.fixture(params=["tcp", "unix"])
def scanner(request: pytest.FixtureRequest, addresses: tuple[str, str]) -> Clamd:
    return Clamd(addresses[0] if request.param == "tcp" else addresses[1])


async def test_a_clean_document_passes_and_a_virus_is_named_inside_an_archive_too(scanner: Clamd) -> None:
    assert (await scanner.version()).startswith("ClamAV")
    await scanner.check(io.BytesIO(pdf()))
    await scanner.check(io.BytesIO(office("DOCX")))
    for infected in (EICAR, office("DOCX", **{"word/media/a.bin": EICAR})):
        with pytest.raises(RefusedFileError, match=NAME) as refused:
            await scanner.check(io.BytesIO(infected))
        assert refused.value.code == "virus"


async def test_what_is_longer_than_it_takes_is_not_passed_for_clean(scanner: Clamd) -> None:
    with pytest.raises(ScannerAwayError):
        await scanner.check(io.BytesIO(bytes(3_000_000)))


async def test_while_it_is_away_nothing_is_kept() -> None:
    nowhere: Any = None
    counted: list[UploadOutcome] = []
    asked = Asked(round="r", key_hash="k", kind="specification", name="a.pdf", network=None, trusted=False)
    limits = DocumentLimits(file_bytes=10**6, application_bytes=10**6, network_bytes=10**6, waiting_bytes=10**6)
    for address in (f"tcp://127.0.0.1:{free_port()}", "unix:/nowhere/clamd.ctl"):
        inspector = Inspector(InspectionLimits(20, 2**29))
        documents = Documents(nowhere, inspector, Clamd(address), limits, 1, counted.append)
        with tempfile.TemporaryFile() as content:
            content.write(pdf())
            content.flush()
            assert await documents.keep(nowhere, asked, content, datetime.now(UTC)) == SCANNER_AWAY
    assert counted == [UploadOutcome.AWAY] * 2
