"""The entry point of services: `python -m services.<name>` serves; with `migrate` it migrates the database."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from shared.service.logs import configure_logs
from shared.service.migrate import migrate
from shared.service.settings import ServiceSettings, unusable

if TYPE_CHECKING:
    from fastapi import FastAPI

Settings = TypeVar("Settings", bound=ServiceSettings)


def run(
    service: str, settings_class: type[Settings], create_app: Callable[[Settings], FastAPI], migrations: Path
) -> int:
    """Runs the service; returns the exit code: 0 after a clean stop, 2 for unusable arguments or settings."""
    words = sys.argv[1:]
    if words not in ([], ["migrate"]):
        print(f"usage: python -m services.{service} [migrate]", file=sys.stderr)  # noqa: T201 -- to the operator
        return 2
    try:
        settings = settings_class()
    except ValidationError as error:
        faults = unusable(error, settings_class.model_config.get("env_prefix", ""))
        print(f"{service}: settings can't be used; see docs/settings.md\n{faults}", file=sys.stderr)  # noqa: T201
        return 2
    configure_logs(service, settings.replica, settings.deployment.log_level)
    if words:
        asyncio.run(migrate(str(settings.database_url), migrations))
        return 0
    from shared.service.connection_bounds import Bounds  # noqa: PLC0415 -- half a second that a migration saves
    from shared.service.http import serve  # noqa: PLC0415

    return serve(_built(create_app, settings), settings.http_host, settings.http_port, Bounds.of(settings))


def _built(create_app: Callable[[Settings], FastAPI], settings: Settings) -> FastAPI:
    """Builds the app without garbage collection, and excludes its objects from later collections: they live as long as
    the process. Collecting would take a quarter of the start, and pauses later."""
    gc.disable()
    try:
        return create_app(settings)
    finally:
        gc.freeze()
        gc.enable()
