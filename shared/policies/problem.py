"""Problems of a policy."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a policy. `pointer`: a JSON pointer into it; `code`: stable."""

    pointer: str
    code: str
    detail: str
    fix: str


class PolicyRejectedError(ValueError):
    """Applications can't be judged or selected under the policy; `problems` has the reasons."""

    code = "policy-rejected"

    def __init__(self, policy: str, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        lines = "; ".join(f"{p.pointer}: {p.detail} ({p.fix})" for p in problems)
        super().__init__(f"policy {policy}: {lines}")


def repeated(names: Iterable[str], pointer: str, what: str) -> Iterator[Problem]:
    """A problem for each name that is listed again."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield Problem(f"{pointer}/{index}", f"repeated-{what}", f"{name} is listed twice", f"keep one {name}")
        seen.add(name)


def listed(names: Iterable[str]) -> str:
    """The names sorted, with commas."""
    return ", ".join(sorted(names))
