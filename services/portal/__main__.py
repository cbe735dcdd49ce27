"""`python -m services.portal`, and with `migrate` its database is brought up to date."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from services.portal.settings import PortalSettings
from shared.service.entrypoint import run

if TYPE_CHECKING:
    from fastapi import FastAPI

NO_KEY = (
    "portal: FIRSTBUY_PORTAL_SEALING_KEY is not set: write 32 characters or more that nobody guesses, such as those of"
    " `openssl rand -hex 32`, into a file, and name it in FIRSTBUY_PORTAL_SEALING_KEY_FILE"
)
NO_ADDRESS = (
    "portal: FIRSTBUY_PORTAL_PUBLIC_URL is not set: write the address at which people reach it, such as"
    " https://www.example.go.kr; mailed links lead there"
)


def app(settings: PortalSettings) -> FastAPI:
    """The portal, imported only when it runs."""
    from services.portal.app import create_app  # noqa: PLC0415 -- settings that can't be used are told at once

    lacking = [
        told for given, told in ((settings.sealing_keys, NO_KEY), (settings.public_url, NO_ADDRESS)) if not given
    ]
    if lacking:
        print("\n".join(lacking), file=sys.stderr)  # noqa: T201 -- to the operator
        sys.exit(2)
    return create_app(settings)


sys.exit(run("portal", PortalSettings, app, Path(__file__).with_name("migrations")))
