"""Everything that is wrong with a round file, at once: its fields, its terms, whether its policy fits it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from firstbuy.policy_review.checking import Located, examine, located
from firstbuy.policy_review.contract import Described
from firstbuy.policy_review.mending import follows
from firstbuy.yaml_file import UnreadableYamlError, read, text_of
from services.intake.domain.judging_day import unfit_day
from services.intake.domain.terms import first_cut_faults, past_faults, term_faults
from shared.contracts.events import Reason
from shared.contracts.policy import Policy
from shared.contracts.round_file import RoundFile, RoundTerms, file_schema
from shared.policies.problem import Problem

_ROUND: Final = Described(TypeAdapter(RoundFile), file_schema())


@dataclass(frozen=True, slots=True)
class ExaminedRound:
    """`round` where the file can be read as one; sound when there is no error."""

    errors: tuple[Located, ...]
    remarks: tuple[Located, ...] = ()
    round: RoundFile | None = None


def examine_round(text: str, policies: Path, now: datetime) -> ExaminedRound:
    """`policies`: the folder of the policy it names. `now` is real."""
    file = read(text)
    if not isinstance(file.document, dict):
        none = ((1, Problem("", "no-round", "this is no round", "start from one of deploy/rounds")),)
        return ExaminedRound(located(file, (), file.problems or none))
    looked = _ROUND.look(file.document)
    found = list(looked.problems)
    if looked.value is not None:
        touched = looked.touched | file.unsure()
        found += [
            problem for problem in _problems(looked.value, policies, now) if not follows(problem.pointer, touched)
        ]
    errors = located(file, found, file.problems)
    over = _over(looked.value, now)
    stated = None if looked.problems else looked.value
    return ExaminedRound(errors, located(file, (*looked.read_as, *over), ()), stated)


def _over(stated: RoundFile | None, now: datetime) -> Iterator[Problem]:
    """A round of the past is sound, and can only be rehearsed."""
    if stated is not None:
        for fault in past_faults(stated.round.closes_at, stated.round.rehearsal, now):
            yield Problem(fault.pointer, fault.code, fault.detail, fault.fix)


def _problems(stated: RoundFile, policies: Path, now: datetime) -> Iterator[Problem]:
    for fault in term_faults(stated.round, now):
        yield Problem(fault.pointer, fault.code, fault.detail, fault.fix)
    seen: set[str] = set()
    for index, invited in enumerate(stated.institutions):
        if invited.institution in seen:
            detail, fix = f"{invited.institution} is listed twice", f"keep one {invited.institution}"
            yield Problem(f"/institutions/{index}/institution", "repeated-institution", detail, fix)
        seen.add(invited.institution)
    path = policies / f"{stated.policy}.yaml"
    try:
        examined = examine(text_of(path))
    except UnreadableYamlError as error:
        yield Problem("/policy", "no-policy", str(error), "name a policy of that folder, or its folder by --policies")
        return
    if examined.errors or examined.policy is None:
        detail = f"{path} has {len(examined.errors)} errors"
        yield Problem("/policy", "unsound-policy", detail, f"see them by: firstbuy policy check {path}")
    else:
        for fault in _unfit(stated.round, examined.policy):
            pointer = "/policy" if fault.pointer.startswith("/policy/") else fault.pointer
            yield Problem(pointer, fault.code, fault.detail, fault.fix)


def _unfit(terms: RoundTerms, policy: Policy) -> Iterator[Reason]:
    if policy.rolling is not None:
        yield from first_cut_faults(terms.round, terms.closes_at, policy.as_of)
    elif fault := unfit_day(policy.as_of, terms.opens_at, terms.closes_at):
        yield fault
