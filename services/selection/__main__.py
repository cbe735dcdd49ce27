"""`python -m services.selection [migrate]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from services.selection.settings import SelectionSettings
from shared.service.entrypoint import run

if TYPE_CHECKING:
    from fastapi import FastAPI


def app(settings: SelectionSettings) -> FastAPI:
    """The service, imported only when it runs."""
    from services.selection.app import create_app  # noqa: PLC0415 -- a migration does not need it

    return create_app(settings)


sys.exit(run("selection", SelectionSettings, app, Path(__file__).parent / "migrations"))
