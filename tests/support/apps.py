"""All services' applications, as their wiring makes them."""

from collections.abc import Callable
from typing import Any

from services.eligibility.app import create_app as eligibility
from services.eligibility.settings import EligibilitySettings
from services.intake.app import create_app as intake
from services.intake.settings import IntakeSettings
from services.notify.app import create_app as notify
from services.notify.settings import NotifySettings
from services.selection.app import create_app as selection
from services.selection.settings import SelectionSettings

APPS: dict[str, tuple[Callable[[Any], Any], type[Any]]] = {
    "intake": (intake, IntakeSettings),
    "eligibility": (eligibility, EligibilitySettings),
    "selection": (selection, SelectionSettings),
    "notify": (notify, NotifySettings),
}
