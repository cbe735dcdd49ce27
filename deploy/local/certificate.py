"""A server's certificate, for servers of one machine that are to speak TLS."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificate:
    """For the name `localhost`, as `python -m deploy.machine_secrets` makes one."""

    server: Path
    """PEM: the key, and the certificate behind it."""
    authority: Path
    """PEM: what clients trust."""
