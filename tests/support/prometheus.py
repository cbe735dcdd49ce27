"""A real Prometheus and Alertmanager over addresses of this machine: Debian's, on a leash, with times made shorter."""

import asyncio
import json
import re
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx2
import yaml

from deploy.local.ports import LOOPBACK, free_port, release_port
from deploy.local.process import Child, Command
from deploy.local.state import PROJECT, State
from tests.support.debian import unpacked

MONITORING: Final = PROJECT / "deploy/monitoring"
_DURATION: Final = re.compile(r"(?<=\[)(\d+)([smh])(?=\])")
_OWN_SHARE: Final = 'mount --bind "$0" /usr/share && exec "$@"'
"""Debian's Alertmanager reads its templates below /usr/share: it gets its package's, in a mount namespace of its own.
This takes root."""
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}


def expressions(services: Sequence[str]) -> list[str]:
    """Of all dashboards; of the one with a variable, for each service."""
    boards = [json.loads(path.read_text()) for path in sorted((MONITORING / "dashboards").glob("*.json"))]
    shown = [target["expr"] for board in boards for panel in board["panels"] for target in panel["targets"]]
    return [each.replace("$service", service) for each in shown for service in services]


@dataclass(frozen=True, slots=True)
class Told:
    """What Alertmanager told its receiver: by alert, the statuses in order, each once."""

    statuses: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def take(self, document: Mapping[str, Any]) -> None:
        for alert in document["alerts"]:
            seen = self.statuses[alert["labels"]["alertname"]]
            if seen[-1:] != [alert["status"]]:
                seen.append(alert["status"])


@contextmanager
def listening(told: Told) -> Iterator[str]:
    """A webhook receiver; yields its address."""

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.take(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer((LOOPBACK, 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True, slots=True)
class Prometheus:
    url: str
    told: Told

    async def query(self, expression: str) -> list[dict[str, Any]]:
        async with httpx2.AsyncClient(timeout=30) as client:
            answer = await client.get(f"{self.url}/api/v1/query", params={"query": expression})
        found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
        return found


def shorter(text: str, factor: int) -> str:
    """Rules with every window and waiting time divided, none below two seconds."""
    rules = yaml.safe_load(text)
    for group in rules["groups"]:
        group["interval"] = "1s"
        for rule in group["rules"]:
            rule["expr"] = _DURATION.sub(lambda found: _divided(found[1], found[2], factor, 3), rule["expr"])
            if "for" in rule:
                rule["for"] = _divided(rule["for"][:-1], rule["for"][-1], factor, 1)
    return yaml.safe_dump(rules)


def _divided(number: str, unit: str, factor: int, least: int) -> str:
    return f"{max(least, int(number) * _SECONDS[unit] // factor)}s"


def configured(
    folder: Path, scraped: Callable[[dict[str, Any]], None], factor: int, seconds: int, receiver: str, alerting: str
) -> None:
    """Writes both's files: rules with times divided, everything done each so many seconds, alerts told one by one.

    `scraped` changes what Prometheus takes from where; `alerting` is Alertmanager's host:port, `receiver` its webhook.
    """
    (folder / "rules").mkdir()
    for path in sorted((MONITORING / "rules").glob("*.yaml")):
        (folder / "rules" / path.name).write_text(shorter(path.read_text(), factor))
    config = yaml.safe_load((MONITORING / "prometheus.yaml").read_text())
    every = f"{seconds}s"
    config["global"] = {"scrape_interval": every, "evaluation_interval": every, "scrape_timeout": every}
    scraped(config)
    config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alerting]}]}]}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    route = {"receiver": "test", "group_by": ["..."], "group_wait": "0s", "group_interval": "1s"}
    receivers = [{"name": "test", "webhook_configs": [{"url": receiver}]}]
    (folder / "alertmanager.yaml").write_text(yaml.safe_dump({"route": route, "receivers": receivers}))


def commands(state: State, folder: Path, listening_at: str, alerting: str) -> dict[str, tuple[str, ...]]:
    """Of both, by name, at their host:port. Raises NoPackageError."""
    found = unpacked(state.cache, "prometheus")
    managing = unpacked(state.cache, "prometheus-alertmanager")
    return {
        "prometheus": (
            str(found / "usr/bin/prometheus"),
            f"--config.file={folder}/prometheus.yaml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={listening_at}",
        ),
        "alertmanager": (
            *("unshare", "--mount", "sh", "-c", _OWN_SHARE, str(managing / "usr/share")),
            str(managing / "usr/bin/prometheus-alertmanager"),
            f"--config.file={folder}/alertmanager.yaml",
            f"--storage.path={folder}/alerts",
            f"--web.listen-address={alerting}",
            "--cluster.listen-address=",
        ),
    }


@asynccontextmanager
async def prometheus(
    state: State, folder: Path, targets: Mapping[str, Sequence[str]], factor: int
) -> AsyncIterator[Prometheus]:
    """Runs both over `targets` (host:port by job). Raises NoPackageError."""
    ports = [free_port(), free_port()]
    places = [f"{LOOPBACK}:{port}" for port in ports]
    argvs = await asyncio.to_thread(commands, state, folder, *places)
    told = Told()

    def scraped(config: dict[str, Any]) -> None:
        for job in config["scrape_configs"]:
            del job["dns_sd_configs"]
            job["static_configs"] = [{"targets": list(targets.get(job["job_name"], ()))}]

    with listening(told) as receiver:
        configured(folder, scraped, factor, 1, receiver, places[1])
        ran = [
            Child(f"{folder.name}-{name}", Command(argv, folder / f"{name}.log", None, folder), state.records)
            for name, argv in argvs.items()
        ]
        try:
            for place, child in zip(places, ran, strict=True):
                await _answers(f"http://{place}/-/ready", child)
            yield Prometheus(f"http://{places[0]}", told)
        finally:
            await asyncio.gather(*(child.stop(10) for child in ran))
            for port in ports:
                release_port(port)


async def _answers(url: str, child: Child) -> None:
    async with httpx2.AsyncClient() as client, asyncio.timeout(60):
        while True:
            assert child.running(), child.last_lines()
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            await asyncio.sleep(0.1)
