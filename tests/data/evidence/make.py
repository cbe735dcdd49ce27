"""Writes true and forged bundles, and what each forged one is refused for: `python -m tests.data.evidence.make`.

`true/` has a bundle of every kind of round in both depths, `forged/` at least one for each check of the verifier, named
`<check>.<what>`. `expected.json` says the names of the differences of each, one after another, and the roots that are
held when it is examined. A verifier in another language comes to the same.
"""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.selection.domain.evidence import Depth
from services.selection.verify import examine
from tests.data.evidence.members import ZEROS, Change, of_members
from tests.data.evidence.whole import OTHERS
from tests.support.forger import Forged, Record
from tests.support.lies import written
from tests.support.true_bundles import KINDS, true_bundle

FOLDER = Path(__file__).parent


# Of records and lines


def held_of(name: str, true: Forged) -> dict[str, list[str]]:
    """The roots that are held: none but where holding them is what is checked."""
    roots = true.roots()
    if name == "held.another":
        return {"commitment": [ZEROS], "selection": [ZEROS], "announcement": [ZEROS], "shown": [ZEROS]}
    if name == "held-more.one":
        return {kind: [*held, ZEROS] for kind, held in roots.items()}
    return {}


def all_forged() -> Iterator[tuple[str, bytes, dict[str, list[str]]]]:
    """(name, bundle, roots held)."""
    unchanged: Change = lambda made: None  # noqa: E731
    held: list[tuple[str, str, Depth, Change]] = [
        (name, "draw", Depth.PUBLIC, unchanged) for name in ("held.another", "held-more.one")
    ]
    for name, kind, depth, change in (*of_members(), *OTHERS, *held):
        true = true_bundle(kind, depth)
        made = true.copy()
        forged = change(made)
        content = forged if isinstance(forged, bytes) else written(forged or made)
        yield name, content, held_of(name, true)


def main() -> None:
    expected: dict[str, Any] = {}
    for kind in KINDS:
        for depth in Depth:
            true = true_bundle(kind, depth)
            expected[f"true/{kind}-{depth}"] = _kept(f"true/{kind}-{depth}", true.written(), true.roots())
    for name, content, held in all_forged():
        row = _kept(f"forged/{name}", content, held)
        if name.partition(".")[0] not in row["names"]:
            raise ValueError(f"{name} is refused for {row['names']}")
        expected[f"forged/{name}"] = row
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")


def _kept(name: str, content: bytes, held: dict[str, list[str]]) -> Record:
    file = FOLDER / f"{name}.jsonl.gz"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(gzip.compress(content, 9, mtime=0))
    report = examine(io.BytesIO(content), held)
    return {"names": report.names, "verdict": report.verdict(), "held": held}


if __name__ == "__main__":
    main()
