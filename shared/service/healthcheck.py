"""The health check of the image: asks the service of this container, on its own port, whether it is ready.

`python -m shared.service.healthcheck [SERVICE]`. Without a name it is the service that the container's first process
runs; a container that runs a job is well. It exits with 1 while the service is not ready. It runs every few seconds
beside each service, so it imports no settings classes; a test holds its ports to them.
"""

import http.client
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PORTS: Final = {"intake": 8001, "eligibility": 8002, "selection": 8003, "notify": 8004, "portal": 8000}
PATH: Final = "/health/ready"
FIRST_PROCESS: Final = Path("/proc/1/cmdline")
TIMEOUT: Final = 4.0


def service_of(command_line: bytes) -> str | None:
    """The service that this command runs; None for a migration and anything else."""
    words = command_line.decode(errors="replace").rstrip("\0").split("\0")
    found = re.fullmatch(r"services\.(\w+)", words[-1])
    return found[1] if found and found[1] in PORTS else None


def trouble(service: str, environment: Mapping[str, str]) -> str | None:
    """What keeps the service from being ready; None if it is."""
    prefix = f"FIRSTBUY_{service.upper()}_"
    host = environment.get(f"{prefix}HTTP_HOST", "127.0.0.1")
    port = int(environment.get(f"{prefix}HTTP_PORT", PORTS[service]))
    connection = http.client.HTTPConnection({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port, TIMEOUT)  # noqa: S104
    try:
        connection.request("GET", PATH)
        answer = connection.getresponse()
        said = answer.read(2000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{service} does not answer on port {port}: {error}"
    finally:
        connection.close()
    return None if answer.status == 200 else said


def main(arguments: list[str]) -> int:
    """Says what is missing on standard output, which `docker inspect` shows."""
    service = arguments[0] if arguments else service_of(FIRST_PROCESS.read_bytes())
    missing = trouble(service, os.environ) if service else None
    if missing:
        print(missing)  # noqa: T201 -- to the operator
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
