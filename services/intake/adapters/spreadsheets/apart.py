"""Reads one file and ends: `python -m services.intake.adapters.spreadsheets.apart LIMITS < file > sheet`.

A process of its own, so that a file made to exhaust its reader exhausts nothing else. `LIMITS` is JSON: the members of
`Bounds`, and `said`, the content type it was sent with. Writes a JSON object, either `{"sheet": …}` (`packed.py`) or
`{"refused": {"kind": …, "code": …, "detail": …, "fix": …}}`. Imports little, since each upload waits for it to start.
"""

import json
import resource
import sys
from typing import Any

from services.intake.adapters.spreadsheets.bounds import Bounds, UnreadableFileError, too_costly
from services.intake.adapters.spreadsheets.packed import packed
from services.intake.adapters.spreadsheets.reading import read_file


def main() -> None:
    """Reads standard input within the limits of the first argument."""
    limits: dict[str, Any] = json.loads(sys.argv[1])
    content_type = limits.pop("said")
    bounds = Bounds(**limits)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (bounds.seconds, bounds.seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (bounds.memory_bytes, bounds.memory_bytes))
    sys.stdout.buffer.write(_answer(content_type, bounds))


def _answer(content_type: str, bounds: Bounds) -> bytes:
    try:
        sheet = read_file(sys.stdin.buffer.read(), content_type, bounds)
        return json.dumps({"sheet": packed(sheet)}, ensure_ascii=False).encode()
    except UnreadableFileError as error:
        refused = error
    except MemoryError:
        refused = too_costly("memory")
    why = {"kind": type(refused).__name__, "code": refused.code, "detail": str(refused), "fix": refused.fix}
    return json.dumps({"refused": why}).encode()


if __name__ == "__main__":
    main()
