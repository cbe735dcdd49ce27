"""`python -m services.eligibility [migrate]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from services.eligibility.settings import EligibilitySettings
from shared.service.entrypoint import run

if TYPE_CHECKING:
    from fastapi import FastAPI


def app(settings: EligibilitySettings) -> FastAPI:
    """Imports the application late, since a migration needs none of it."""
    from services.eligibility.app import create_app  # noqa: PLC0415 -- not for migrations

    return create_app(settings)


sys.exit(run("eligibility", EligibilitySettings, app, Path(__file__).parent / "migrations"))
