"""Open data against the official validator of its standard, code lists too: what we publish it finds nothing wrong in,
and what is wrong it finds."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.state import PROJECT
from services.selection.domain.ocds.package import package
from services.selection.domain.ocds.process import DatedEvent, Process
from tests.support import ocds
from tests.support.ocds import OPENS, PUBLICATION, nothing_selected, process
from tests.support.ocds_validator import Findings, Validator

VOID = nothing_selected(DatedEvent(ocds.announced()), DatedEvent(ocds.opened("2018-h1")), DatedEvent(ocds.voided()))
WITHDRAWN = nothing_selected(DatedEvent(ocds.announced()), DatedEvent(ocds.voided()))
AMENDED = nothing_selected(
    DatedEvent(ocds.announced(), OPENS - timedelta(days=9)),
    DatedEvent(ocds.amended(), OPENS - timedelta(days=5)),
    DatedEvent(ocds.opened()),
)


@pytest.fixture
def examined(validator: Validator, tmp_path: Path) -> Callable[[Any], Findings]:
    def examine(body: Any) -> Findings:
        file = tmp_path / "package.json"
        file.write_text(json.dumps(body), encoding="utf-8")
        return validator.examine(file)

    return examine


def packed(known: Process) -> Any:
    return json.loads(b"".join(package(PUBLICATION, known)))


@pytest.mark.parametrize(
    "known", [process(), VOID, WITHDRAWN, AMENDED], ids=["everything", "void", "withdrawn", "amended"]
)
def test_the_official_validator_finds_nothing_wrong(known: Process, examined: Callable[[Any], Findings]) -> None:
    body = packed(known)
    found = examined(body)
    assert found.wrong == ()
    assert found.codes <= {"KR-PPS-GOODS"}, "the one code we add to an open list"
    assert found.releases == len(body["releases"])


def without_ocid(body: Any) -> None:
    del body["releases"][0]["ocid"]


def date_alone(body: Any) -> None:
    body["releases"][0]["date"] = "2018-08-01"


def with_a_status_of_its_own(body: Any) -> None:
    body["releases"][1]["tender"]["status"] = "opened"


def with_a_tag_of_its_own(body: Any) -> None:
    body["releases"][0]["tag"] = ["announcement"]


def with_a_field_of_its_own(body: Any) -> None:
    body["releases"][1]["tender"]["track"] = "general"


def told_twice(body: Any) -> None:
    body["releases"].append(body["releases"][0])


def with_nobody(body: Any) -> None:
    body["releases"][2]["parties"] = []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (without_ocid, "'ocid' is missing"),
        (date_alone, "releases/0/date: "),
        (with_a_status_of_its_own, "releases/tender/status: opened not in tenderStatus.csv"),
        (with_a_tag_of_its_own, "releases/tag: announcement not in releaseTag.csv"),
        (with_a_field_of_its_own, "/releases/tender/track: no field of the standard"),
        (told_twice, "Non-unique"),
        (with_nobody, "releases/2/parties: empty"),
    ],
)
def test_the_official_validator_finds_what_is_wrong(
    spoil: Callable[[Any], None], told: str, examined: Callable[[Any], Findings]
) -> None:
    body = packed(process())
    spoil(body)
    assert [one for one in examined(body).wrong if told in one]


ELSEWHERE = """
from tests.support import ocds_validator

ocds_validator.ARCHIVE = ocds_validator.ARCHIVE.with_name("none.zip")
"""
INNER = """
def test_that_validates(validator):
    pass
"""


@pytest.mark.parametrize(("required", "code", "told"), [("", 0, "1 skipped"), ("ocds", 1, "FileNotFoundError")])
def test_without_the_archive_it_is_listed_as_not_run_or_fails_where_it_is_required(
    required: str, code: int, told: str, tmp_path: Path
) -> None:
    (tmp_path / "test_inner.py").write_text(INNER)
    (tmp_path / "conftest.py").write_text(ELSEWHERE)
    argv = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", str(PROJECT / "pyproject.toml")]
    argv += [f"--rootdir={tmp_path}", "-p", "no:cacheprovider", str(tmp_path)]
    given = os.environ | {"FIRSTBUY_REQUIRE": required, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(argv, capture_output=True, text=True, env=given, cwd=tmp_path, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert told in done.stdout
    assert required or "none.zip" in done.stdout.partition("not validated: they need")[2]
