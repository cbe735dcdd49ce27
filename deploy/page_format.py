"""Writes services/selection/page/format.js: the tables of services/selection/verify.py, word for word, so that both
verifiers ask the same (`make schemas`; `make check` fails where the file has drifted).
"""

import json
import sys
from pathlib import Path
from typing import Final

from services.selection import verify

PAGE: Final = Path(verify.__file__).parent / "page" / "format.js"
_HEAD: Final = (
    "// Written by `make schemas` out of verify.py: the format as data, explained there and in docs/evidence.md.\n"
)


def page() -> str:
    texts = {"TEXTS": verify.TEXTS, "NUMBERS": verify.NUMBERS, "SHAPES": verify.SHAPES, "LIFE": verify.LIFE}
    numbers = {"LONGEST_LINE": verify.LONGEST_LINE, "MOST_WAYS": verify.MOST_WAYS}
    numbers |= {"LONGEST_NUMBER": verify.LONGEST_NUMBER}
    lists = {"FORMATS": verify.FORMATS, "LEADING": verify.LEADING, "ANNOUNCED": verify.ANNOUNCED}
    written = [f"export const {name} = {value};\n" for name, value in numbers.items()]
    written += [f"export const {name} = {json.dumps(value)};\n" for name, value in lists.items()]
    written += [f"export const {name} = String.raw`{value}`;\n" for name, value in texts.items()]
    return "\n".join([_HEAD, *written])


def main() -> int:
    wanted = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != wanted:
            print(f"{PAGE.name} has drifted from verify.py: run make schemas and commit it", file=sys.stderr)  # noqa: T201
            return 1
        return 0
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
