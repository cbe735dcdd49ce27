"""`python -m services.portal`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from services.portal.settings import PortalSettings
from shared.service.entrypoint import run_alone

if TYPE_CHECKING:
    from fastapi import FastAPI


def app(settings: PortalSettings) -> FastAPI:
    """The portal, imported only when it runs."""
    from services.portal.app import create_app  # noqa: PLC0415 -- settings that can't be used are told at once

    return create_app(settings)


sys.exit(run_alone("portal", PortalSettings, app))
