"""What a public audit log says of a row is counts, places and random ids; all else is sealed."""

import ast
from collections.abc import Iterator

from deploy.local.state import PROJECT

PUBLIC = frozenset(
    {"registry", "answers", "notices", "entries", "delivery", "topic", "partition", "offset", "subject", "event"}
)
"""Members of a detail that everybody may read: of what is not here somebody has said why it is (docs/privacy.md)."""
FOLDERS = ("services/eligibility", "services/selection", "services/notify", "shared")
"""Whose logs are public, and what all share. Intake's takes a token of the office."""
DETAIL = 5
"""Which argument of `audit.record` it is."""


def details(tree: ast.Module) -> Iterator[tuple[int, set[str] | None]]:
    """(line, members) of the detail of each row that is recorded; None where they can't be read."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        stated = {
            target.id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("audit.record", "record"):
                detail = call.args[DETAIL]
                yield call.lineno, members(stated.get(detail.id) if isinstance(detail, ast.Name) else detail)


def members(detail: ast.expr | None) -> set[str] | None:
    if not isinstance(detail, ast.Dict) or not all(isinstance(key, ast.Constant) for key in detail.keys):
        return None
    return {str(key.value) for key in detail.keys if isinstance(key, ast.Constant)}


def rows() -> Iterator[tuple[str, set[str] | None]]:
    for folder in FOLDERS:
        for file in sorted((PROJECT / folder).rglob("*.py")):
            for line, found in details(ast.parse(file.read_text())):
                yield f"{file.relative_to(PROJECT)}:{line}", found


def test_no_row_of_a_public_log_says_more_than_it_may() -> None:
    found = dict(rows())
    assert len(found) > 6
    for where, said in found.items():
        assert said is not None, f"{where}: state the detail where it is recorded"
        assert said <= PUBLIC, f"{where}: seal {sorted(said - PUBLIC)}"


def test_one_that_does_would_be_found() -> None:
    said = (
        'async def act():\n    detail = {"reason": body.reason}\n    await audit.record(a, "notify", b, c, "d", detail)'
    )
    assert list(details(ast.parse(said))) == [(3, {"reason"})]
