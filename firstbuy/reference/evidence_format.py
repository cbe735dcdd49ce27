"""Writes what follows from the tables of services/selection/verify.py, word for word: the page's format.js, so that
both verifiers ask the same, and docs/evidence-format.md, for who writes a third one (`make schemas`; `make check` fails
where one has drifted).
"""

import json
import sys
from pathlib import Path
from typing import Final

from services.selection import verify

SCRIPT: Final = Path(verify.__file__).parent / "page" / "format.js"
DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "evidence-format.md"
_TABLES: Final = {"TEXTS": verify.TEXTS, "NUMBERS": verify.NUMBERS, "SHAPES": verify.SHAPES, "LIFE": verify.LIFE}


def script() -> str:
    numbers = {"LONGEST_LINE": verify.LONGEST_LINE, "MOST_WAYS": verify.MOST_WAYS}
    numbers |= {"LONGEST_NUMBER": verify.LONGEST_NUMBER}
    lists = {"FORMATS": verify.FORMATS, "LEADING": verify.LEADING, "ANNOUNCED": verify.ANNOUNCED}
    head = "// Written by `make schemas` out of verify.py: the format as data, explained in docs/evidence-format.md.\n"
    written = [f"export const {name} = {value};\n" for name, value in numbers.items()]
    written += [f"export const {name} = {json.dumps(value)};\n" for name, value in lists.items()]
    written += [f"export const {name} = String.raw`{value}`;\n" for name, value in _TABLES.items()]
    return "\n".join([head, *written])


def document() -> str:
    """The page `docs/evidence-format.md`, from the verifier's tables."""
    tables = {name: f"```text\n{table.strip()}\n```" for name, table in _TABLES.items()}
    return f"""# The evidence's format as tables

Written by `make schemas` out of `services/selection/verify.py`; the page has the same tables (`page/format.js`). What
they are for stands in [evidence.md](evidence.md). A row goes on in lines that begin with a blank.

## Texts

What a text may be, whole: a name, and a regular expression without flags (classes over code points). A `day` and a
`moment` are also ones that the calendar has, from year 1 on.

{tables["TEXTS"]}

## Numbers

Whole numbers alone, from and to: `true`, a text and a fraction are none.

{tables["NUMBERS"]}

## Records

Each is closed: what is not here is no member of it. `member:kind`; `member?` may be absent, `kind?` may be null;
`kind[]` is a list of it, `(kind,kind)` a row of exactly these; `+Name` has the members of another; `*kind:kind` is
members of such names. `bool` is true or false; `stated` is a text, a whole number, a yes or no, or a list of texts. An
event's record is `type`, `event` and `body`, the body by the event's name.

{tables["SHAPES"]}

## A round's life

In the order that the events of an epoch stand in: from which states an event may come `>` to which it leads (`same`: it
stays), and of which epoch it is: `none`, the `first`, a `later` one (the next), `any` (the one that is open), or it
`end`s the round.

- `by`: whose act it is. `officers` are two of role `officer`, whose names differ in more than capitals, widths, blanks
  and signs that don't show (NFKC, lower case, without categories Z, Cc, Cf and what is default ignorable); `clock`
  is one of role `system`; `announcers` are the clock, one officer, or two.
- `each`: the member that tells several of an epoch apart; each stands once.
- `moment`: when it was; it may not be earlier than the events and own members named under `since`.
- `member~event.member`: what it says as another does, where that one stands. `terms` is the last of RoundAnnounced and
  RoundAmended, `set` the RoundFrozen or EpochOpened of the epoch, `before` that of the epoch before; another event is
  the one of the same epoch and batch. What is absent, null, 0, false or empty is the same.

{tables["LIFE"]}

Before the pledges stand {", ".join(f"`{name}`" for name in verify.LEADING[:-1])}, and `{verify.LEADING[-1]}`
where it is of an earlier epoch than the bundle's.
"""


def main() -> int:
    wanted = {SCRIPT: script(), DOCUMENT: document()}
    if "--check" in sys.argv[1:]:
        drifted = [path.name for path, text in wanted.items() if not path.exists() or path.read_text() != text]
        if drifted:
            print(f"{', '.join(drifted)}: drifted from verify.py; run make schemas and commit it", file=sys.stderr)  # noqa: T201
        return 1 if drifted else 0
    for path, text in wanted.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
