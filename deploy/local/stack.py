"""The whole of Firstbuy on one machine: servers, databases, topics, services, each a process of its own.

    async with Stack.started(state=state, replicas={"eligibility": 3}) as stack:
        stack.url("intake"), stack.bootstrap_servers, stack.mail_folder, await stack.kill("eligibility", replica=1)

`firstbuy up`, the demo and the tests all use this; the tests hand in servers that run already.
"""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from deploy.local.kafka import KafkaServer, running_kafka
from deploy.local.kept import Kept, Report, silent
from deploy.local.postgres import PostgresServer, create_database, running_postgres
from deploy.local.process import Launch, executed, identity, write_atomically
from deploy.local.replicas import (
    EDGE_SECRET,
    PORTAL,
    SERVICES,
    Plan,
    asks_here,
    kafka_users,
    mail_server,
    migrate,
    module_command,
    portal_environment,
    portal_server,
    provision_kafka,
    reached_here,
    registry_server,
    replica,
)
from deploy.local.state import State, fingerprint
from deploy.local.together import all_of, entered, given

STORE = "FIRSTBUY_INTAKE_DOCUMENT_STORE"
ANNOUNCING = "FIRSTBUY_INTAKE_ANNOUNCING_OFFICERS"
RATES = tuple(f"FIRSTBUY_NOTIFY_MAILS_PER_{scope}" for scope in ("MAILBOX_HOUR", "MAILBOX_DAY", "DOMAIN_HOUR"))


@dataclass(slots=True)
class Stack:
    state: State
    kafka: KafkaServer
    postgres: PostgresServer
    topic_prefix: str
    databases: Mapping[str, str]
    operator_token: str
    mail_folder: Path
    mail: Kept
    registries: Kept | None = None
    registries_url: str | None = None
    """Of the local registries, where there are some."""
    portals: list[Kept] = field(default_factory=list)
    portal_urls: list[str] = field(default_factory=list)
    """Of the portal's replicas, where it runs."""
    services: Mapping[str, Sequence[Kept]] = field(default_factory=dict)
    ports: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def bootstrap_servers(self) -> str:
        return self.kafka.bootstrap_servers

    def database_url(self, service: str) -> str:
        return self.databases[service]

    @property
    def portal_url(self) -> str | None:
        """Of the portal, where it runs."""
        return self.portal_urls[0] if self.portal_urls else None

    def url(self, service: str, replica: int = 0) -> str:
        return self.urls(service)[replica]

    def urls(self, service: str) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports[service]]

    def log(self, service: str, replica: int = 0) -> Path:
        return self.services[service][replica].log

    def pid(self, service: str, replica: int = 0) -> int | None:
        return self.services[service][replica].pid

    async def kill(self, service: str, replica: int = 0, *, stay_down: bool = False) -> None:
        """SIGKILL; returns when it has ended. It comes back by itself, unless it is to stay down until `restart`."""
        await self.services[service][replica].kill(stay_down=stay_down)

    async def restart(self, service: str, replica: int = 0) -> None:
        """An orderly end if it runs, then a start; returns when it is ready."""
        await self.services[service][replica].restart()

    async def stop(self, service: str, replica: int = 0) -> None:
        """An orderly end; it stays down until `restart`."""
        await self.services[service][replica].pause()

    async def wait_ready(self, service: str, replica: int = 0, timeout: float = 60.0) -> None:
        await self.services[service][replica].ready(timeout)

    def send(self, service: str, number: signal.Signals, replica: int = 0) -> None:
        """SIGSTOP and SIGCONT, for a process that hangs."""
        self.services[service][replica].send(number)

    @classmethod
    @asynccontextmanager
    async def started(
        cls,
        *,
        state: State,
        services: Sequence[str] = SERVICES,
        replicas: Mapping[str, int] | None = None,
        environment: Mapping[str, str] | None = None,
        topic_prefix: str = "firstbuy.",
        kafka: KafkaServer | None = None,
        postgres: PostgresServer | None = None,
        databases: Mapping[str, str] | None = None,
        database_prefix: str = "firstbuy_",
        mail_folder: Path | None = None,
        registries: bool = True,
        portals: int = 0,
        fresh: bool = False,
        prefer_known_ports: bool = False,
        command: Callable[[str], Sequence[str]] = module_command,
        launch: Launch = executed,
        provision: bool = True,
        report: Report = silent,
    ) -> AsyncIterator[Self]:
        """Everything up and ready for the block; stopped after it, services first.

        `kafka`, `postgres`: servers that run already and are left running. `databases`: addresses of databases that
        are migrated already, by service; what it lacks is created as `database_prefix + service` and migrated.
        With `registries` eligibility asks local ones, at `registries_url`, that know what they are told. With `portals`
        so many replicas of the pages for people run too, at `portal_urls`. `environment` is added to every service's.
        `state` must be locked by the caller (`with state.locked()`). `command` replaces `python -m services.<name>`,
        for benches and tests of the supervision itself; `launch` is how those commands become processes. Without
        `provision` no topics are made.
        """
        plan = Plan(
            services, replicas or {}, environment or {}, topic_prefix, prefer_known_ports, command, launch=launch
        )
        async with AsyncExitStack() as held:
            kafka, postgres, (mail, mail_port, folder) = await entered(
                held,
                given(kafka) if kafka else running_kafka(state, fresh=fresh, report=report, say=report),
                given(postgres) if postgres else running_postgres(state, fresh=fresh, report=report),
                mail_server(state, mail_folder, report, launch),
            )
            report(str(postgres))
            report(f"mail: every message is a file in {folder}")
            plan = replace(plan, users=kafka_users(kafka, topic_prefix))
            token = state.secret("operator-token")
            stack = cls(state, kafka, postgres, topic_prefix, {}, token, folder, mail)
            shared = _environment(state, kafka, topic_prefix, mail_port, token)
            if registries and "eligibility" in services:
                shared |= await stack._start_registries(held, plan, report)
            named = [*services, *([PORTAL] if portals else [])]
            made = {name: database_prefix + name for name in named if name not in (databases or {})}
            stack.databases = dict(databases or {}) | await stack._create_databases(made)
            report("databases and topics are brought up to date")
            migrated = [migrate(state, plan, stack.databases, shared, service) for service in made]
            await all_of([*migrated, *([provision_kafka(kafka, topic_prefix)] if provision else [])])
            await stack._start_services(held, plan, shared, report)
            if portals:
                await stack._start_portals(held, plan, mail_port, portals, report)
            yield stack

    async def _create_databases(self, made: Mapping[str, str]) -> dict[str, str]:
        """Their addresses by service."""
        await all_of(create_database(self.postgres.url, name) for name in made.values())
        return {service: self.postgres.database_url(name) for service, name in made.items()}

    async def _start_registries(self, held: AsyncExitStack, plan: Plan, report: Report) -> dict[str, str]:
        """The settings by which services ask them."""
        self.registries, url = await held.enter_async_context(registry_server(self.state, plan, report))
        self.registries_url = url
        report(f"registries: {url} (POST /records, PUT /moods/<registry>)")
        return asks_here(url)

    async def _start_portals(
        self, held: AsyncExitStack, plan: Plan, mail_port: int, count: int, report: Report
    ) -> None:
        urls = {service: self.urls(service) for service in plan.services}
        environment = portal_environment(self.state, urls, self.databases[PORTAL], mail_port)
        for slot in range(count):
            kept, url = await held.enter_async_context(portal_server(self.state, plan, environment, slot, report))
            self.portals.append(kept)
            self.portal_urls.append(url)
        self.write_description()
        report(f"portal: open {self.portal_url}")

    async def _start_services(
        self, held: AsyncExitStack, plan: Plan, shared: Mapping[str, str], report: Report
    ) -> None:
        def told(line: str) -> None:
            report(line)
            self.write_description()

        planned: dict[str, list[tuple[Kept, int]]] = {}
        for service in plan.services:
            planned[service] = []
            for slot in range(plan.replicas.get(service, 1)):
                planned[service].append(replica(self.state, plan, self.databases, shared, service, slot, told))
                shared = {**shared, **reached_here(planned)}
        self.services = {service: [kept for kept, _ in ones] for service, ones in planned.items()}
        self.ports = {service: [port for _, port in ones] for service, ones in planned.items()}
        everyone = [kept for ones in self.services.values() for kept in ones]

        async def stop_services() -> None:
            await asyncio.gather(*(kept.stop() for kept in everyone))
            self.state.description.unlink(missing_ok=True)

        held.push_async_callback(stop_services)

        async def start(kept: Kept) -> None:
            await kept.start()
            report(f"{kept.name} is ready")

        await all_of(start(kept) for kept in everyone)
        self.write_description()

    def write_description(self) -> None:
        write_atomically(self.state.description, self._description())

    def _description(self) -> str:
        """What other processes' commands need to reach it, with passwords."""
        supervisor = identity(os.getpid())
        kafka, postgres = self.kafka, self.postgres
        document = {
            "supervisor": asdict(supervisor) if supervisor else None,
            "topic_prefix": self.topic_prefix,
            "kafka": {
                "kind": kafka.kind,
                "version": kafka.version,
                "bootstrap_servers": kafka.bootstrap_servers,
                "own_users": kafka.own_users,
            },
            "kafka_operator": kafka.settings.as_environment(),
            "postgres": {"kind": postgres.kind, "version": postgres.version, "address": postgres.address},
            "databases": dict(self.databases),
            "registries": self.registries_url,
            "portal": self.portal_url,
            "mail_folder": str(self.mail_folder),
            "documents": os.environ.get(STORE) or str(self.state.documents),
            "logs": str(self.state.logs),
            "services": {
                service: [
                    {"name": kept.name, "url": url, "pid": kept.pid, "status": kept.status, "restarts": kept.restarts}
                    for kept, url in zip(ones, self.urls(service), strict=True)
                ]
                for service, ones in self.services.items()
            },
        }
        return json.dumps(document, indent=2, ensure_ascii=False)


def _environment(state: State, kafka: KafkaServer, topic_prefix: str, mail_port: int, token: str) -> dict[str, str]:
    """What every service of the stack is told."""
    return {
        **({} if kafka.own_users else kafka.settings.as_environment()),
        "FIRSTBUY_TOPIC_PREFIX": topic_prefix,
        # Receivers of webhooks stand on this machine.
        "FIRSTBUY_NOTIFY_PRIVATE_WEBHOOKS": "true",
        "FIRSTBUY_INTAKE_PLAIN_WEBHOOKS": "true",
        # To try things on, one officer is enough.
        ANNOUNCING: os.environ.get(ANNOUNCING, "1"),
        # Mails leave this machine for nobody, and a rehearsal has a month of them within a minute.
        **{name: os.environ.get(name, "0") for name in RATES},
        STORE: os.environ.get(STORE) or str(state.documents),
        "FIRSTBUY_NOTIFY_SMTP_URL": f"smtp://127.0.0.1:{mail_port}",
        **{f"FIRSTBUY_{name.upper()}_OPERATOR_TOKEN_HASH": fingerprint(token) for name in SERVICES},
        "FIRSTBUY_INTAKE_EDGE_TOKEN_HASH": fingerprint(state.secret(EDGE_SECRET)),
    }
