"""`python -m services.notify [migrate]`."""

import sys
from pathlib import Path

from services.notify.app import create_app
from services.notify.settings import NotifySettings
from shared.entrypoint import run

sys.exit(run("notify", NotifySettings, create_app, Path(__file__).parent / "migrations"))
