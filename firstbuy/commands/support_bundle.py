"""`firstbuy support-bundle`: what somebody needs who helps from afar, without secrets and without personal data."""

import asyncio
import json
import os
import platform
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Final

import asyncpg
import typer
from aiokafka.errors import KafkaError

from deploy.local.process import last_lines
from deploy.local.replicas import SERVICES
from deploy.local.state import State
from firstbuy.commands.operator import operator_kafka
from firstbuy.commands.replicas import From, local_stack, replicas
from firstbuy.commands.screen import console, fail
from firstbuy.observing.figures import Figures, figures
from firstbuy.observing.group_lag import group_lag
from firstbuy.observing.safe_to_share import log_lines, settings
from services.eligibility.settings import EligibilitySettings
from services.intake.settings import IntakeSettings
from services.notify.settings import NotifySettings
from services.selection.settings import SelectionSettings
from shared.service.settings import DeploymentSettings, KafkaSettings

LOG_LINES: Final = 500
_MODELS: Final = (
    DeploymentSettings,
    KafkaSettings,
    IntakeSettings,
    EligibilitySettings,
    SelectionSettings,
    NotifySettings,
)
_PACKAGES: Final = ("aiokafka", "asyncpg", "fastapi", "faststream", "pydantic", "starlette", "uvicorn")


def support_bundle(
    output: Annotated[Path, typer.Option("--output", "-o", help="The zip to write.")] = Path("support-bundle.zip"),
    metrics: From = None,
) -> None:
    """Write versions, settings, health, metrics, lag, migrations and the ends of local logs to a zip, for whoever helps
    you. Only what is known to be neither secret nor personal goes in: look into it before you send it."""
    parts = asyncio.run(_parts(replicas(metrics)))
    try:
        with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, content in parts.items():
                bundle.writestr(name, content if isinstance(content, str) else json.dumps(content, indent=2))
    except OSError as error:
        fail(f"{output}: {error.strerror}")
    console.print(f"{output}: {len(parts)} files, {output.stat().st_size:,} bytes")


async def _parts(asked: list[tuple[str, str]]) -> dict[str, Any]:
    found = await figures(asked)
    running = local_stack()
    return {
        "versions.json": _versions(),
        "settings.json": {name: value for model in _MODELS for name, value in settings(model, os.environ).items()},
        "health.json": [{"service": each.service, "missing": dict(each.missing)} for each in found],
        **{f"metrics/{number}-{each.service}.txt": _metrics(each) for number, each in enumerate(found)},
        "lag.json": await _lag(),
        "migrations.json": await _migrations(running),
        **_logs(running),
    }


def _versions() -> dict[str, Any]:
    return {
        "made_at": datetime.now(UTC).isoformat(),
        "firstbuy": metadata.version("firstbuy"),
        "python": platform.python_version(),
        "system": platform.platform(),
        **{name: metadata.version(name) for name in _PACKAGES},
    }


def _metrics(replica: Figures) -> str:
    lines = (
        f"{name}{{{','.join(f'{label}={json.dumps(value)}' for label, value in labels.items())}}} {number}"
        for name, labels, number in replica.samples
    )
    return "\n".join(lines) + "\n"


async def _lag() -> Any:
    """The lag, or the kind of error by which Kafka can't be asked."""
    reached = operator_kafka(None)
    if reached is None:
        return {"not asked": "no Kafka is named here"}
    try:
        return [asdict(row) for row in await group_lag(*reached, SERVICES)]
    except KafkaError as error:
        return {"not asked": type(error).__name__}


async def _migrations(running: Mapping[str, Any] | None) -> dict[str, Any]:
    """By service, the migrations its database has; of databases that can be reached from here."""
    urls: dict[str, str] = {
        service: os.environ.get(f"FIRSTBUY_{service.upper()}_DATABASE_URL")
        or (running["databases"].get(service, "") if running else "")
        for service in SERVICES
    }
    return {service: await _applied(url) for service, url in urls.items() if url}


async def _applied(url: str) -> Any:
    try:
        connection = await asyncpg.connect(url, timeout=5)
        try:
            rows = await connection.fetch("SELECT name, applied_at FROM schema_migrations ORDER BY applied_at, name")
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        return {"not asked": type(error).__name__}
    return [{"name": row["name"], "applied_at": row["applied_at"].isoformat()} for row in rows]


def _logs(running: Mapping[str, Any] | None) -> dict[str, str]:
    """The ends of the services' logs; those of servers are not ours to vouch for."""
    if running is None:
        return {}
    logs = State.opened().logs
    names = [replica["name"] for replicas in running["services"].values() for replica in replicas]
    return {
        f"logs/{name}.jsonl": "\n".join(log_lines(last_lines(logs / f"{name}.log", LOG_LINES).splitlines())) + "\n"
        for name in names
    }
