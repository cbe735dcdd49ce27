"""`python -m services.selection [migrate]`."""

import sys
from pathlib import Path

from services.selection.app import create_app
from services.selection.settings import SelectionSettings
from shared.entrypoint import run

sys.exit(run("selection", SelectionSettings, create_app, Path(__file__).parent / "migrations"))
