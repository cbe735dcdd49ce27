"""The entry point of services: `python -m services.<name>` serves; with `migrate` it migrates the database."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import structlog
from pydantic import ValidationError

from shared.service.http_settings import HttpSettings
from shared.service.logs import configure_logs
from shared.service.migrate import migrate
from shared.service.settings import DatabaseSettings, unusable
from shared.service.settings_files import UnreadableSettingError
from shared.service.slots import AUTO, Slot

if TYPE_CHECKING:
    from fastapi import FastAPI

_log = structlog.get_logger()
Settings = TypeVar("Settings", bound=DatabaseSettings)
Read = TypeVar("Read", bound=HttpSettings)


def run(
    service: str, settings_class: type[Settings], create_app: Callable[[Settings], FastAPI], migrations: Path
) -> int:
    """Runs the service; returns the exit code: 0 after a clean stop, 2 for unusable arguments or settings."""
    words = sys.argv[1:]
    if words not in ([], ["migrate"]):
        print(f"usage: python -m services.{service} [migrate]", file=sys.stderr)  # noqa: T201 -- to the operator
        return 2
    settings = _read(service, settings_class)
    if settings is None:
        return 2
    configure_logs(service, settings.replica, settings.deployment.log_level)
    if words:
        asyncio.run(migrate(str(settings.database_url), migrations))
        return 0
    with _in_slot(service, settings) as (settings, serving):
        return _served(create_app, settings, serving)


def _read(service: str, settings_class: type[Read]) -> Read | None:
    """The settings; None, once the operator is told what is wrong with them."""
    try:
        return settings_class()
    except ValidationError as error:
        faults = unusable(error, settings_class.model_config.get("env_prefix", ""))
        print(f"{service}: settings can't be used; see docs/settings.md\n{faults}", file=sys.stderr)  # noqa: T201
    except UnreadableSettingError as error:
        print(f"{service}: {error}", file=sys.stderr)  # noqa: T201
    return None


def _served(create_app: Callable[[Read], FastAPI], settings: Read, serving: Callable[[FastAPI], None]) -> int:
    from shared.service.connection_bounds import Bounds  # noqa: PLC0415 -- half a second that a migration saves
    from shared.service.http import serve  # noqa: PLC0415

    app = _built(create_app, settings)
    serving(app)
    return serve(app, settings.http_host, settings.http_port, Bounds.of(settings))


@contextmanager
def _in_slot(service: str, settings: Settings) -> Iterator[tuple[Settings, Callable[[FastAPI], None]]]:
    """The settings with a slot of the replica's own, if it is to choose one, and who is told of the app: it ends with
    1 if the slot is lost to another process."""
    if settings.replica != AUTO:
        yield settings, lambda app: None
        return
    told: list[FastAPI] = []

    def lost() -> None:
        _log.error("ends the process", error="another process has its slot")
        server = getattr(told[0].state, "server", None) if told else None
        if server is None:
            os._exit(1)  # nothing of it has started
        told[0].state.exit_code = 1
        server.should_exit = True

    slot = Slot(settings.newest_text("database_url"), f"firstbuy-{service}-slot", lost)
    try:
        chosen = settings.model_copy(update={"replica": str(slot.claim())})
        configure_logs(service, chosen.replica, chosen.deployment.log_level)
        yield chosen, told.append
    finally:
        slot.release()


def _built(create_app: Callable[[Read], FastAPI], settings: Read) -> FastAPI:
    """Builds the app without garbage collection, and excludes its objects from later collections: they live as long as
    the process. Collecting would take a quarter of the start, and pauses later."""
    gc.disable()
    try:
        return create_app(settings)
    finally:
        gc.freeze()
        gc.enable()
