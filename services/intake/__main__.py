"""`python -m services.intake [migrate]`."""

import sys
from pathlib import Path

from services.intake.app import create_app
from services.intake.settings import IntakeSettings
from shared.entrypoint import run

sys.exit(run("intake", IntakeSettings, create_app, Path(__file__).parent / "migrations"))
