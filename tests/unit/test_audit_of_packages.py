"""`make audit` claims nothing of what it could not look at."""

from typing import Any

import pytest

from tests import audit

CLEAR: dict[str, Any] = {"name": "a", "version": "1", "vulns": []}
FOUND: dict[str, Any] = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
UNSEEN: dict[str, Any] = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code"),
    [([CLEAR], 0), ([CLEAR, FOUND], 1), ([CLEAR, UNSEEN], 2), ([FOUND, UNSEEN], 1), ([], 2)],
)
def test_only_what_was_looked_at_is_clear(packages: list[dict[str, Any]], code: int) -> None:
    assert audit.read({"dependencies": packages}).code == code


def test_a_vulnerability_is_named_with_what_fixes_it() -> None:
    assert audit.read({"dependencies": [FOUND]}).vulnerable == ["b 2: PYSEC-1; fixed in 3"]


@pytest.mark.parametrize(
    ("answers", "ends"),
    [([[CLEAR], [CLEAR]], 0), ([[FOUND], [UNSEEN]], 1), ([[UNSEEN], [FOUND]], 1), ([[CLEAR], None], 2)],
)
def test_the_worst_of_both_locks_counts(
    monkeypatch: pytest.MonkeyPatch, answers: list[list[dict[str, Any]] | None], ends: int
) -> None:
    left = iter(answers)

    def ask(_: str) -> audit.Audited:
        packages = next(left)
        if packages is None:
            raise audit.NoAnswerError("away")
        return audit.read({"dependencies": packages})

    monkeypatch.setattr(audit, "ask", ask)
    assert audit.main() == ends
