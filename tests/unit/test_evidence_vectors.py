"""True and forged bundles as files (`tests/data/evidence`), for verifiers in any language."""

import ast
import io
from pathlib import Path

import pytest

from services.selection import verify
from services.selection.verify import examine
from tests.data.evidence.make import FOLDER, all_forged
from tests.support.true_bundles import KINDS
from tests.support.vectors import EXPECTED, kept

KEPT_AT_MOST = 2_000_000


def names_it_can_say() -> set[str]:
    """Every name that `verify.py` gives a difference, where it calls `wrong`, `same` or UnreadableError, or yields."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(Path(verify.__file__).read_text())):
        match node:
            case ast.Call(func=ast.Attribute(attr="wrong") | ast.Name(id="UnreadableError"), args=[name, *_]):
                found.append(name)
            case ast.Call(func=ast.Attribute(attr="same"), args=[_, name, *_]):
                found.append(name)
            case ast.Yield(value=ast.Tuple(elts=[name, *_])):
                found.append(name)
    return {one.value for one in found if isinstance(one, ast.Constant) and isinstance(one.value, str)}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_is_refused_for_exactly_what_is_forged(name: str) -> None:
    report = examine(io.BytesIO(kept(name)), EXPECTED[name]["held"])
    assert (report.names, report.verdict()) == (EXPECTED[name]["names"], EXPECTED[name]["verdict"])
    assert (name.partition("/")[0] == "true") == (report.names == [])


def test_each_check_has_a_forged_bundle_and_each_bundle_its_check() -> None:
    of = {name: name.removeprefix("forged/").partition(".")[0] for name in EXPECTED if name.startswith("forged/")}
    assert {check for name, check in of.items() if check in EXPECTED[name]["names"]} == names_it_can_say()


def test_there_is_a_true_bundle_of_every_kind_in_both_depths() -> None:
    true = {f"true/{kind}-{depth}" for kind in KINDS for depth in ("public", "auditor")}
    assert true == {name for name in EXPECTED if name.startswith("true/")}


def test_files_and_table_are_of_one_making_and_small() -> None:
    files = {str(file.relative_to(FOLDER)): file for file in FOLDER.rglob("*.gz")}
    assert {f"{name}.jsonl.gz" for name in EXPECTED} == files.keys()
    assert sum(file.stat().st_size for file in files.values()) < KEPT_AT_MOST
    for name, content, held in all_forged():
        assert (kept(f"forged/{name}"), EXPECTED[f"forged/{name}"]["held"]) == (content, held), "make them again"
