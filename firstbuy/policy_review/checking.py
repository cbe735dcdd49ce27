"""Everything that is wrong with a policy file, at once: the line, the field, what is wrong and how to mend it."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from firstbuy.policy_review.contract import Described
from firstbuy.policy_review.mending import follows
from firstbuy.yaml_file import ReadFile, escaped, read
from services.notify.adapters.rendering import NOTICE_NAMES
from shared.contracts.policy import POLICY, Policy
from shared.policies.problem import Problem
from shared.policies.soundness import problems_of, remarks_of
from shared.proof.canonical import NotCanonicalError, checked_canonical_json, json_hash

_POLICY: Final = Described(POLICY, POLICY.json_schema())


@dataclass(frozen=True, slots=True)
class Located:
    """A problem with the line of the file it stands on."""

    line: int
    pointer: str
    code: str
    detail: str
    fix: str


@dataclass(frozen=True, slots=True)
class Examined:
    """`policy` and the hash it would be opened under where it can be read; sound when there is no error."""

    errors: tuple[Located, ...]
    remarks: tuple[Located, ...] = ()
    policy: Policy | None = None
    policy_hash: str | None = None


def examine(text: str) -> Examined:
    """A policy file's faults and remarks, by line."""
    file = read(text)
    if not isinstance(file.document, dict):
        none = ((1, Problem("", "no-policy", "this is no policy", "start from one we ship")),)
        return Examined(located(file, (), file.problems or none))
    looked = _POLICY.look(file.document)
    policy: Policy | None = looked.value
    found = list(looked.problems)
    if policy is not None:
        touched = looked.touched | file.unsure()
        found += [problem for problem in problems_of(policy) if not follows(problem.pointer, touched)]
    if policy is not None and not found:
        found += _not_canonical(policy)
    errors = located(file, found, file.problems)
    if errors or policy is None:
        return Examined(errors, (), None if looked.problems else policy)
    remarks = located(file, (*looked.read_as, *remarks_of(policy), *_unused_notices(policy)), ())
    return Examined((), remarks, policy, policy_hash(policy))


def policy_hash(policy: Policy) -> str:
    """As intake hashes it when it announces a round under it."""
    return json_hash(POLICY.dump_python(policy, mode="json", exclude_none=True))


def located(file: ReadFile, problems: Iterable[Problem], read_so: Iterable[tuple[int, Problem]]) -> tuple[Located, ...]:
    found = [
        Located(file.line(problem.pointer), problem.pointer, problem.code, problem.detail, problem.fix)
        for problem in problems
    ]
    found += [Located(line, problem.pointer, problem.code, problem.detail, problem.fix) for line, problem in read_so]
    return tuple(sorted(found, key=lambda each: each.line))


def _not_canonical(policy: Policy) -> Iterable[Problem]:
    """Unsound in a way no rule asks about, such as a lone surrogate: it could not be hashed."""
    try:
        checked_canonical_json(POLICY.dump_python(policy, mode="json", exclude_none=True))
    except NotCanonicalError as error:
        yield Problem("", "not-canonical", str(error), "write plain text and whole numbers below 2^53")


def _unused_notices(policy: Policy) -> Iterable[Problem]:
    for name in policy.notices or ():
        if name not in NOTICE_NAMES:
            near = difflib.get_close_matches(name, NOTICE_NAMES, 1)
            fix = f"did you mean {near[0]}?" if near else f"name it {' or '.join(NOTICE_NAMES)}, or drop it"
            yield Problem(f"/notices/{escaped(name)}", "unused-notice", f"no notice uses the words {name}", fix)
