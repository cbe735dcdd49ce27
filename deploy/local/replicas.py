"""How a stack's parts are run: topics and users of Kafka, a service's migration and its replica, the mail server."""

import hmac
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.kafka_choice import KafkaServer
from deploy.local.kept import Kept, Report
from deploy.local.ports import LOOPBACK, free_port, greets, release_port, says_ready
from deploy.local.process import Child, Command, Launch, executed
from deploy.local.state import PROJECT, State
from shared.contracts import access, topics
from shared.kafka.provision import provision, provision_access
from shared.service.settings import KafkaSettings

SERVICES = access.SERVICES
KNOWN_PORTS = {"intake": 8710, "eligibility": 8720, "selection": 8730, "notify": 8740}
REGISTRIES_PORT = 8790
PORTAL = "portal"
EDGE_SECRET = "portal-edge-token"  # noqa: S105 -- the name of one
PORTAL_PORT = 8700
PORTAL_ADDRESS = "FIRSTBUY_PORTAL_PUBLIC_URL"
LINKED_TO = ("selection", "notify")
JOB_TIMEOUT = 120.0


class JobFailedError(Exception):
    code = "job-failed"


@dataclass(frozen=True, slots=True)
class Plan:
    services: Sequence[str]
    replicas: Mapping[str, int]
    environment: Mapping[str, str]
    topic_prefix: str
    prefer_known_ports: bool
    command: Callable[[str], Sequence[str]]
    users: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The variables by which each service is a user of its own in Kafka."""
    launch: Launch = executed

    def __post_init__(self) -> None:
        unknown = {*self.services, *self.replicas} - set(SERVICES)
        if unknown:
            raise ValueError(f"no such service: {', '.join(sorted(unknown))}; there are {', '.join(SERVICES)}")


def module_command(service: str) -> Sequence[str]:
    return (sys.executable, "-m", f"services.{service}")


def replica(
    state: State,
    plan: Plan,
    databases: Mapping[str, str],
    shared: Mapping[str, str],
    service: str,
    slot: int,
    report: Report,
) -> tuple[Kept, int]:
    """The replica, not started yet, and its HTTP port, which it keeps over restarts."""
    port = free_port(KNOWN_PORTS[service] + slot if plan.prefer_known_ports else None)
    name = f"{service}-{slot}"
    own = {"HTTP_HOST": LOOPBACK, "HTTP_PORT": str(port), "REPLICA": str(slot)}
    if service in LINKED_TO:  # mails and open data link to their own service
        public = f"FIRSTBUY_{service.upper()}_PUBLIC_URL"
        shared = {public: os.environ.get(public) or f"http://{LOOPBACK}:{port}", **shared}
    environment = service_environment(plan, databases, shared, service, own)
    command = Command(plan.command(service), state.logs / f"{name}.log", environment, PROJECT)
    kept = Kept(name, command, state.records, lambda: says_ready(port), report=report, launch=plan.launch)
    return kept, port


def service_environment(
    plan: Plan, databases: Mapping[str, str], shared: Mapping[str, str], service: str, own: Mapping[str, str]
) -> dict[str, str]:
    """Its own database's address, nobody else's. What the caller set for the services passes through."""
    prefix = f"FIRSTBUY_{service.upper()}_"
    return {
        **os.environ,
        "FIRSTBUY_LOG_LEVEL": os.environ.get("FIRSTBUY_LOG_LEVEL", "INFO"),
        "PYTHONUNBUFFERED": "1",
        **shared,
        **plan.users.get(service, {}),
        f"{prefix}DATABASE_URL": databases[service],
        **{prefix + name: value for name, value in own.items()},
        **plan.environment,
    }


async def migrate(
    state: State, plan: Plan, databases: Mapping[str, str], shared: Mapping[str, str], service: str
) -> None:
    """Brings a service's database up to date. Returns when it has ended well."""
    name = f"{service}-migrate"
    environment = service_environment(plan, databases, shared, service, {"HTTP_PORT": "0"})
    log = state.logs / f"{name}.log"
    log.unlink(missing_ok=True)
    command = Command([*plan.command(service), "migrate"], log, environment, PROJECT)
    child = Child(name, command, state.records, plan.launch)
    try:
        code = await child.ended(JOB_TIMEOUT)
    finally:
        if child.running():
            await child.stop(0)
    if code != 0:
        how = f"did not end in {JOB_TIMEOUT:.0f} s" if code is None else f"ended with {code}"
        raise JobFailedError(f"{name} {how}; {child.log} ends with:\n{child.last_lines()}")


@asynccontextmanager
async def mail_server(
    state: State, folder: Path | None, report: Report, launch: Launch = executed
) -> AsyncIterator[tuple[Kept, int, Path]]:
    """The running server, its port and the folder of its messages."""
    folder, port = folder or state.mail, free_port()
    argv = [sys.executable, "-m", "deploy.local.smtp", "--port", str(port), "--folder", str(folder)]
    command = Command(argv, state.logs / "mail.log", folder=PROJECT)
    server = Kept("mail", command, state.records, lambda: greets(port), report=report, launch=launch)
    async with _running(server, port):
        yield server, port, folder


@asynccontextmanager
async def registry_server(state: State, plan: Plan, report: Report) -> AsyncIterator[tuple[Kept, str]]:
    """The running local registries and their address."""
    port = free_port(REGISTRIES_PORT if plan.prefer_known_ports else None)
    argv = [sys.executable, "-m", "deploy.local.registries", "--port", str(port)]
    command = Command(argv, state.logs / "registries.log", folder=PROJECT)
    server = Kept("registries", command, state.records, lambda: says_ready(port), report=report, launch=plan.launch)
    async with _running(server, port):
        yield server, f"http://{LOOPBACK}:{port}"


@asynccontextmanager
async def portal_server(
    state: State, plan: Plan, environment: Mapping[str, str], slot: int, report: Report
) -> AsyncIterator[tuple[Kept, str]]:
    """A running replica of the portal and its address."""
    port = free_port(PORTAL_PORT + slot if plan.prefer_known_ports else None)
    name = f"portal-{slot}"
    url = f"http://{LOOPBACK}:{port}"
    own = {"FIRSTBUY_PORTAL_HTTP_HOST": LOOPBACK, "FIRSTBUY_PORTAL_HTTP_PORT": str(port)}
    public = {PORTAL_ADDRESS: os.environ.get(PORTAL_ADDRESS) or url}
    given = {**os.environ, "PYTHONUNBUFFERED": "1", **environment, **own, **public, **plan.environment}
    command = Command(plan.command(PORTAL), state.logs / f"{name}.log", given, PROJECT)
    server = Kept(name, command, state.records, lambda: says_ready(port), report=report, launch=plan.launch)
    async with _running(server, port):
        yield server, url


def portal_environment(
    state: State, urls: Mapping[str, Sequence[str]], database: str, mail_port: int
) -> dict[str, str]:
    """What the portal is told. It asks the first replica of each service, and counts as an edge of intake."""
    asked = {f"FIRSTBUY_PORTAL_{service.upper()}_URL": at[0] for service, at in urls.items()}
    return {
        **asked,
        "FIRSTBUY_PORTAL_DATABASE_URL": database,
        "FIRSTBUY_PORTAL_SEALING_KEY": state.secret("portal-sealing-key"),
        "FIRSTBUY_PORTAL_EDGE_TOKEN": state.secret(EDGE_SECRET),
        "FIRSTBUY_PORTAL_SMTP_URL": f"smtp://{LOOPBACK}:{mail_port}",
    }


@asynccontextmanager
async def _running(server: Kept, port: int) -> AsyncIterator[None]:
    """Ready for the block; its port is given back after it."""
    await server.start()
    try:
        yield
    finally:
        await server.stop()
        release_port(port)


def reached_here(planned: Mapping[str, Sequence[tuple[Kept, int]]]) -> dict[str, str]:
    """The settings by which notify's mails and open data link to selection, once that has its port; one that the
    environment names is kept."""
    if not planned.get("selection"):
        return {}
    _, port = planned["selection"][0]
    names = ("FIRSTBUY_NOTIFY_SELECTION_URL", "FIRSTBUY_SELECTION_PUBLIC_URL")
    return {name: os.environ.get(name) or f"http://{LOOPBACK}:{port}" for name in names}


def kafka_users(kafka: KafkaServer, prefix: str) -> dict[str, dict[str, str]]:
    """Each service as itself. On a cluster of others there is one user, for everybody."""
    if not kafka.own_users:
        return {}
    return {service: service_settings(kafka, prefix, service).as_environment() for service in SERVICES}


async def provision_kafka(kafka: KafkaServer, prefix: str) -> None:
    """Topics, and on a Kafka of our own the services' users and rights."""
    await provision(topics.provisioned(), kafka.settings, prefix)
    if kafka.own_users:
        own = {service: service_settings(kafka, prefix, service).sasl_password for service in SERVICES}
        passwords = {service: password.get_secret_value() for service, password in own.items()}
        await provision_access(kafka.settings, prefix, passwords)


def service_settings(kafka: KafkaServer, prefix: str, service: str) -> KafkaSettings:
    """Its password follows from the admin's, which is kept in the state folder: one for all stacks on a broker."""
    user, secret = access.service_user(prefix, service), kafka.settings.sasl_password.get_secret_value()
    password = hmac.digest(secret.encode(), user.encode(), "sha256").hex()
    return kafka.settings.as_user(user, password)


def asks_here(url: str) -> dict[str, str]:
    """The settings by which intake and eligibility ask the local registries; those that the environment names are
    kept."""
    prefix = "FIRSTBUY_ELIGIBILITY_"
    local = {
        "FIRSTBUY_INTAKE_IDENTITY_URL": url + "/nts-businessman/v1",
        "FIRSTBUY_INTAKE_IDENTITY_KEY": "local",
        f"{prefix}BUSINESS_STATUS_URL": url + "/nts-businessman/v1",
        f"{prefix}BUSINESS_STATUS_KEY": "local",
        f"{prefix}CERTIFICATES_URL": url + "/certificates/v1/list",
        f"{prefix}CERTIFICATES_KEY": "local",
        f"{prefix}REGISTRY_FIRST_PAUSE_SECONDS": "0.2",
        f"{prefix}REGISTRY_OPEN_SECONDS": "1",
    }
    return {name: os.environ.get(name) or value for name, value in local.items()}
