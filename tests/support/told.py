"""What a run tells at its end, beside its results: which servers they are true of, and what was not run, and why.

A line is told where it is known, in whichever worker; the run's own process prints them all.
"""

import json
from collections import defaultdict
from enum import StrEnum
from typing import Any, Final

import pytest

from tests.support.ocds_validator import ARCHIVE

Lines = dict[str, list[str]]
LINES = pytest.StashKey[Lines]()
LONGEST_NAME: Final = 100


class Section(StrEnum):
    """Each is the title it has in the summary."""

    SERVERS = "servers"
    BROWSER = "browser"
    WITHOUT_KAFKA = "not run: they need Apache Kafka"
    WITHOUT_BROWSER = "not run: they need a browser"
    WITHOUT_TOOL = "not run: examples that need kcat, or Java and Maven"
    WITHOUT_NGINX = "not run: they need nginx"
    WITHOUT_HISTORY = "not run: they need the release before, in git's history"
    WITHOUT_PGBOUNCER = "not run: they need PgBouncer"
    WITHOUT_CLAMAV = "not run: they need clamd"
    WITHOUT_CHECKER = "not run: pages held to the checker of HTML"
    WITHOUT_KUBECTL = "not run: manifests that kubectl builds"
    WITHOUT_PROMTOOL = "not run: they need promtool"
    WITHOUT_DEFINITIONS = "not run: manifests held to the definitions of operators"
    STAND_INS = "images that stand in for published ones"
    WITHOUT_ENGINE = "not run: they need engines of their own"
    WITHOUT_KEDA = "not run: scaling on what waits"
    WITHOUT_ARCHIVE = f"not run, or not validated: they need {ARCHIVE.name}, beside the project"


FIXES: Final = {
    Section.WITHOUT_KAFKA: "FIRSTBUY_REQUIRE=apache-kafka makes their absence an error.",
    Section.WITHOUT_BROWSER: "FIRSTBUY_REQUIRE=browser makes its absence an error.",
    Section.WITHOUT_TOOL: "FIRSTBUY_REQUIRE=kcat,java makes their absence an error.",
    Section.WITHOUT_NGINX: "FIRSTBUY_REQUIRE=nginx makes its absence an error.",
    Section.WITHOUT_HISTORY: "FIRSTBUY_REQUIRE=history makes its absence an error.",
    Section.WITHOUT_PGBOUNCER: "FIRSTBUY_REQUIRE=pgbouncer makes its absence an error.",
    Section.WITHOUT_CLAMAV: "FIRSTBUY_REQUIRE=clamav makes its absence an error.",
    Section.WITHOUT_CHECKER: "FIRSTBUY_REQUIRE=vnu makes its absence an error.",
    Section.WITHOUT_KUBECTL: "FIRSTBUY_REQUIRE=ops makes its absence an error.",
    Section.WITHOUT_PROMTOOL: "FIRSTBUY_REQUIRE=ops makes its absence an error.",
    Section.WITHOUT_DEFINITIONS: "FIRSTBUY_REQUIRE=ops makes their absence an error.",
    Section.WITHOUT_ENGINE: "FIRSTBUY_REQUIRE=ops makes their absence an error.",
    Section.WITHOUT_KEDA: "OPS_KEDA=1 runs them; KEDA is built first, once.",
    Section.WITHOUT_ARCHIVE: "FIRSTBUY_REQUIRE=ocds makes its absence an error.",
}


def tell(config: pytest.Config, section: Section, line: str) -> None:
    config.stash[LINES][section].append(line)


def pytest_configure(config: pytest.Config) -> None:
    lines: Lines = defaultdict(list)
    config.stash[LINES] = lines


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["told"] = json.dumps(session.config.stash[LINES])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended; one that crashed has told nothing."""
    for section, lines in json.loads(getattr(node, "workeroutput", {}).get("told", "{}")).items():
        node.config.stash[LINES][section] += lines


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    told = config.stash[LINES]
    told[Section.SERVERS] = told[Section.SERVERS] or ["no test needed Kafka or PostgreSQL"]
    for section in Section:
        if not told[section]:
            continue
        terminalreporter.section(section)
        for line in dict.fromkeys(told[section]):
            terminalreporter.line(line)
        if section in FIXES:
            terminalreporter.line(FIXES[section])


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A test is named after what it is given, but not by a page of it."""
    return argname if isinstance(val, str | bytes) and len(val) > LONGEST_NAME else None
