"""Where each service's migrations are, for commands that compare databases with this version."""

from pathlib import Path

import services


def migrations_of(service: str) -> Path:
    """The folder of a service's migrations."""
    return Path(next(iter(services.__path__))) / service / "migrations"
