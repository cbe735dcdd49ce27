"""`python -m services.<name>` serves; `python -m services.<name> migrate` brings its database up to date."""

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
    """The exit code of the process: 0 after a clean stop, 2 for words or settings that can't be used."""
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
    from shared.service.connection_bounds import Bounds  # noqa: PLC0415 -- half a second that a migration need not wait for
    from shared.service.http import serve  # noqa: PLC0415

    return serve(_built(create_app, settings), settings.http_host, settings.http_port, Bounds.of(settings))


def _built(create_app: Callable[[Settings], FastAPI], settings: Settings) -> FastAPI:
    """What a service is made of lives as long as it does. To look for garbage among it would cost a quarter of the
    start, and at every full collection after that a pause."""
    gc.disable()
    try:
        return create_app(settings)
    finally:
        gc.freeze()
        gc.enable()
