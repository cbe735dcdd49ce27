"""Looks at one file and ends: `python -m services.intake.adapters.documents.apart LIMITS < file > answer`.

A process of its own, so that a file made to exhaust its reader exhausts nothing else. `LIMITS` is JSON: `seconds` of
processor time, `memory_bytes`. Writes a JSON object, either `{"media_type": …}` or `{"refused": {"code": …, "detail":
…, "fix": …}}`.
"""

import json
import resource
import sys

from services.intake.adapters.documents.content import file_type
from services.intake.adapters.documents.refusing import RefusedFileError, too_costly


def main() -> None:
    """Looks at standard input within the limits of the first argument."""
    limits: dict[str, int] = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["seconds"], limits["seconds"] + 1))
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory_bytes"], limits["memory_bytes"]))
    sys.stdout.write(json.dumps(_answer()))


def _answer() -> dict[str, object]:
    try:
        return {"media_type": file_type(sys.stdin.buffer.read()).media_type}
    except RefusedFileError as error:
        refused = error
    except MemoryError:
        refused = too_costly("memory")
    return {"refused": {"code": refused.code, "detail": str(refused), "fix": refused.fix}}


if __name__ == "__main__":
    main()
