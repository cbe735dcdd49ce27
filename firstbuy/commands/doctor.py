"""`firstbuy doctor`: what the local stack would use on this machine, and what to do about what is missing."""

import asyncio
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Final

import httpx2
import typer
from rich.table import Table
from rich.text import Text

from deploy.local.databases import PostgresFailedError, version_of
from deploy.local.description import described
from deploy.local.kafka_apache import JARS, find_java, java_version
from deploy.local.kafka_choice import UnavailableError, apache_required
from deploy.local.kafka_docker import IMAGE, daemon
from deploy.local.ports import accepts
from deploy.local.postgres_embedded import usable_binaries
from deploy.local.state import State, StateUnusableError, lesser_account, reachable
from firstbuy.commands.doctor_deployment import examine_deployment
from firstbuy.commands.replicas import From
from firstbuy.commands.screen import console, print_json

REGISTRY_URLS: Final = ("FIRSTBUY_ELIGIBILITY_BUSINESS_STATUS_URL", "FIRSTBUY_ELIGIBILITY_CERTIFICATES_URL")


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    ok: bool
    found: str
    advice: str = ""


def doctor(
    deployment: Annotated[
        bool,
        typer.Option("--deployment", help="Compare the deployment that the environment names with what is declared."),
    ] = False,
    metrics: From = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Say what would be used here, or with --deployment what is wrong there. Exit code 1 when the stack could not
    start, or anything is wrong."""
    if deployment:
        examine_deployment(metrics, as_json=as_json)
        return
    findings = examine(os.environ)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table = Table("", "what", "found", "what to do")
        for finding in findings:
            table.add_row(
                Text("✓", "green") if finding.ok else Text("–", "yellow"),
                finding.subject,
                finding.found,
                finding.advice,
            )
        console.print(table)
    blocking = {"Python", "state folder", "PostgreSQL", "Kafka to be used"}
    if any(not finding.ok for finding in findings if finding.subject in blocking):
        raise typer.Exit(1)


def examine(environment: Mapping[str, str]) -> list[Finding]:
    """What this machine has of all that Firstbuy can use."""
    findings = [_python()]
    try:
        state = State.opened(environment)
    except StateUnusableError as error:
        return [*findings, Finding("state folder", ok=False, found=str(error), advice="set FIRSTBUY_STATE")]
    findings.append(_state(state))
    findings.append(_postgres(state, environment))
    named = environment.get("KAFKA_BOOTSTRAP_SERVERS", "")
    if named:
        answered = any(asyncio.run(accepts(server.strip())) for server in named.split(","))
        findings.append(
            Finding("KAFKA_BOOTSTRAP_SERVERS", answered, named, "" if answered else "nothing answers there")
        )
    findings.append(_registries(environment))
    docker = _asked("Docker", _daemon_answers, "a daemon answers", "only needed without Java; start the daemon")
    java = _asked("Java", lambda: java_version(find_java(environment)), "", "install openjdk-17-jre-headless or newer")
    maven = _maven(state, environment)
    findings += [docker, java, maven, *_inboxes(state, environment)]
    return [*findings, _kafka(named, docker.ok, java.ok and maven.ok, required=apache_required(environment))]


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding("Python", ok, platform.python_version(), "" if ok else "Python 3.11 or newer")


def _state(state: State) -> Finding:
    account, free = lesser_account(), shutil.disk_usage(state.folder).free
    if not reachable(state.folder, account):
        name = account.name if account else ""
        return Finding(
            "state folder", ok=False, found=str(state.folder), advice=f"{name} cannot reach it: FIRSTBUY_STATE"
        )
    return Finding("state folder", ok=True, found=f"{state.folder} ({free / 2**30:.0f} GiB free)")


def _postgres(state: State, environment: Mapping[str, str]) -> Finding:
    named = environment.get("DATABASE_URL")
    try:
        if named:
            return Finding("PostgreSQL", ok=True, found=f"DATABASE_URL, {asyncio.run(version_of(named))}")
        binaries = usable_binaries(state.cache, lesser_account())
    except PostgresFailedError as error:
        return Finding("PostgreSQL", ok=False, found=str(error), advice="set DATABASE_URL")
    return Finding("PostgreSQL", ok=True, found=f"embedded, {binaries}")


def _registries(environment: Mapping[str, str]) -> Finding:
    named = [url for name in REGISTRY_URLS if (url := environment.get(name))]
    found = ", ".join(named) or "local ones, that know what they are told"
    if named and len(named) < len(REGISTRY_URLS):
        found += "; for the rest local ones"
    return Finding("registries", ok=True, found=found)


def _inboxes(state: State, environment: Mapping[str, str]) -> list[Finding]:
    """Of the deployment that FIRSTBUY_URL names, else of the stack that runs here: a freeze waits for one that can't be
    read. Nothing where there is neither."""
    running = described(state)
    url, token = environment.get("FIRSTBUY_URL"), environment.get("FIRSTBUY_TOKEN")
    if url is None and running is not None:
        url, token = running["services"]["intake"][0]["url"], state.secret("operator-token")
    if url is None:
        return []
    try:
        answer = httpx2.get(f"{url.rstrip('/')}/inboxes", headers={"Authorization": f"Bearer {token}"}, timeout=10)
        rows = answer.raise_for_status().json()
    except (httpx2.HTTPError, ValueError) as error:
        return [Finding("inboxes", ok=False, found=f"intake at {url}: {error}", advice="FIRSTBUY_URL, FIRSTBUY_TOKEN")]
    troubles = [f"{row['topic']}: {row['trouble']}" for row in rows if row["trouble"]]
    advice = "docs/operators.md, an inbox that can't be read" if troubles else ""
    return [Finding("inboxes", not troubles, ", ".join(troubles) or f"{len(rows)}, all can be read", advice)]


def _daemon_answers() -> None:
    daemon().close()


def _asked(subject: str, ask: Callable[[], str | None], found: str, advice: str) -> Finding:
    try:
        return Finding(subject, ok=True, found=ask() or found)
    except UnavailableError as closed:
        return Finding(subject, ok=False, found=str(closed), advice=advice)


def _maven(state: State, environment: Mapping[str, str]) -> Finding:
    if (state.cache / JARS).is_dir():
        return Finding("Maven", ok=True, found=f"not needed: Kafka's jars are in {state.cache / JARS}")
    maven = shutil.which("mvn", path=environment.get("PATH"))
    return Finding(
        "Maven", maven is not None, maven or "none", "" if maven else "install maven, for the first run only"
    )


def _kafka(named: str, docker: bool, apache: bool, *, required: bool) -> Finding:
    subject = "Kafka to be used"
    if named:
        return Finding(subject, ok=True, found="the one KAFKA_BOOTSTRAP_SERVERS names")
    if docker:
        return Finding(subject, ok=True, found=f"{IMAGE} in Docker, if the image can be had")
    if apache:
        return Finding(subject, ok=True, found="Apache Kafka on this machine's Java")
    there = importlib.util.find_spec("noida_db") is not None and not required
    advice = "Java and Maven, or Docker, for the real one"
    return Finding(subject, there, "the stand-in: no durability, no access control" if there else "none", advice)
