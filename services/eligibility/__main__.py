"""`python -m services.eligibility [migrate]`."""

import sys
from pathlib import Path

from services.eligibility.app import create_app
from services.eligibility.settings import EligibilitySettings
from shared.entrypoint import run

sys.exit(run("eligibility", EligibilitySettings, create_app, Path(__file__).parent / "migrations"))
