"""The HTML of all pages is valid, by the W3C's own checker, in both languages and with errors in it."""

import os
from pathlib import Path

import pytest

from deploy.local.kafka_choice import required
from deploy.local.state import State
from tests.browser.conftest import ROUND
from tests.support import markup
from tests.support.portal_forms import Applicant
from tests.support.told import Section, tell

pytestmark = pytest.mark.xdist_group("portal")


@pytest.fixture(scope="session")
def jar(state: State, pytestconfig: pytest.Config) -> Path:
    try:
        return markup.checker(state.cache)
    except markup.NoCheckerError as why:
        if required("vnu", os.environ):
            pytest.fail(str(why))
        tell(pytestconfig, Section.WITHOUT_CHECKER, str(why))
        pytest.skip(str(why))


async def test_the_html_of_each_page_is_valid(jar: Path, applicant: Applicant, tmp_path: Path) -> None:
    draft, entered = await applicant.begin(ROUND), await applicant.apply(ROUND, 81)
    await applicant.save(f"{draft}/steps/firm", {"business_number": "1234567890", "started_on": "어제"})
    await applicant.save(f"{draft}/steps/certificates", {"certificate_number": "A-1"})
    public = [f"/rounds/{ROUND}{below}" for below in ("", "/check", "/results", "/statistics", "/apply")]
    steps = [f"{draft}/steps/{step}" for step in ("firm", "product", "certificates", "documents", "contact")]
    acts = [f"{entered}/{act}" for act in ("withdrawal", "appeal", "contact", "erasure")]
    own = ["/account", "/account/erasure", "/applications/find", draft, *steps, f"{draft}/check", entered, *acts]
    files = []
    for language in ("ko", "en"):
        for number, path in enumerate(["/", "/nothing", "/sign-in", "/sign-in/x", *public, *own]):
            answer = await applicant.client.get(path, headers={"Accept-Language": language})
            files.append(tmp_path / f"{language}-{number}-{path.rpartition('/')[2] or 'home'}.html")
            files[-1].write_bytes(answer.content)
    assert markup.faults_of(jar, files) == []
