"""What is wrong with a policy, before a round is opened under it: by field, and how to mend it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.eligibility.domain.rules import RULES, Rule
from shared.contracts.policy import CertificateKind, Condition, Parameter, Policy, Track, Waiver


@dataclass(frozen=True, slots=True)
class Problem:
    """`pointer` is a JSON pointer into the policy; `code` is stable."""

    pointer: str
    code: str
    detail: str
    fix: str


class PolicyRejectedError(ValueError):
    """The policy can't be judged by."""

    code = "policy-rejected"

    def __init__(self, policy: str, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        lines = "; ".join(f"{p.pointer}: {p.detail} ({p.fix})" for p in problems)
        super().__init__(f"policy {policy}: {lines}")


def check_policy(policy: Policy) -> tuple[Problem, ...]:
    """Every problem at once, in the order of the file."""
    return tuple(_problems(policy))


def require_sound(policy: Policy) -> Policy:
    """The policy itself, or PolicyRejectedError with all its problems."""
    if problems := check_policy(policy):
        raise PolicyRejectedError(policy.policy, problems)
    return policy


def _problems(policy: Policy) -> Iterator[Problem]:
    yield from _repeated((kind.kind for kind in policy.certificates), "/certificates", "kind")
    for index, kind in enumerate(policy.certificates):
        yield from _pattern(kind, f"/certificates/{index}/number_pattern")
    yield from _repeated((track.track for track in policy.tracks), "/tracks", "track")
    known_kinds = {kind.kind for kind in policy.certificates}
    for index, track in enumerate(policy.tracks):
        yield from _track(track, known_kinds, f"/tracks/{index}")


def _repeated(names: Iterable[str], pointer: str, what: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield Problem(f"{pointer}/{index}", f"repeated-{what}", f"{name} is listed twice", f"keep one {name}")
        seen.add(name)


def _pattern(kind: CertificateKind, pointer: str) -> Iterator[Problem]:
    try:
        re.compile(kind.number_pattern, re.ASCII)
    except re.error as error:
        detail = f"{kind.number_pattern!r} is no regular expression: {error}"
        yield Problem(pointer, "bad-pattern", detail, f"mend the number pattern of {kind.kind}")


def _track(track: Track, known_kinds: set[str], pointer: str) -> Iterator[Problem]:
    yield from _repeated((c.rule for c in track.conditions), f"{pointer}/conditions", "rule")
    for index, condition in enumerate(track.conditions):
        yield from _condition(condition, f"{pointer}/conditions/{index}")
    judged = {condition.rule for condition in track.conditions}
    if "certificate" in judged and not track.certificates:
        detail, fix = "the rule certificate accepts no kind", "list the accepted kinds, or drop the condition"
        yield Problem(f"{pointer}/certificates", "no-accepted-kind", detail, fix)
    for index, name in enumerate(track.certificates):
        if name not in known_kinds:
            detail, fix = f"{name} is none of the policy's certificates", f"one of {_listed(known_kinds)}"
            yield Problem(f"{pointer}/certificates/{index}", "unknown-kind", detail, fix)
    for index, waiver in enumerate(track.waivers):
        yield from _waiver(waiver, judged, f"{pointer}/waivers/{index}")


def _condition(condition: Condition, pointer: str) -> Iterator[Problem]:
    rule = RULES.get(condition.rule)
    if rule is None:
        detail, fix = f"there is no rule {condition.rule}", f"one of {_listed(RULES)}"
        yield Problem(f"{pointer}/rule", "unknown-rule", detail, fix)
        return
    yield from _parameters(rule, condition, f"{pointer}/parameters")


def _parameters(rule: Rule, condition: Condition, pointer: str) -> Iterator[Problem]:
    given = condition.parameters
    for name, wanted in {**rule.needs, **rule.may}.items():
        if name not in given:
            if name in rule.needs:
                detail, fix = f"{rule.code} needs {name}", f"give {name} as {_WORDS[wanted]}"
                yield Problem(f"{pointer}/{name}", "missing-parameter", detail, fix)
        elif type(given[name]) is not wanted:
            detail, fix = f"{name} is {given[name]!r}", f"give it as {_WORDS[wanted]}"
            yield Problem(f"{pointer}/{name}", "wrong-parameter", detail, fix)
        elif isinstance(value := given[name], int) and value < 0:
            yield Problem(f"{pointer}/{name}", "wrong-parameter", f"{name} is below 0", "give 0 or more")
    for name in given:
        if name not in rule.needs and name not in rule.may:
            fix = f"drop it; {rule.code} takes {_listed([*rule.needs, *rule.may]) or 'no parameter'}"
            yield Problem(f"{pointer}/{name}", "unknown-parameter", f"{rule.code} has no {name}", fix)
    if rule.code == "sales-or-credit":
        yield from _credit(given.get("credit_grades"), given.get("credit_at_least"), pointer)


def _credit(grades: Parameter | None, least: Parameter | None, pointer: str) -> Iterator[Problem]:
    if isinstance(grades, tuple) and isinstance(least, str) and least not in grades:
        detail, fix = f"{least} is none of credit_grades", f"one of {', '.join(grades)}"
        yield Problem(f"{pointer}/credit_at_least", "unknown-grade", detail, fix)


def _waiver(waiver: Waiver, judged: set[str], pointer: str) -> Iterator[Problem]:
    for member, rules in (("when", waiver.when), ("waives", waiver.waives)):
        for index, rule in enumerate(rules):
            if rule not in judged:
                detail, fix = f"{rule} is no condition of this track", f"one of {_listed(judged)}"
                yield Problem(f"{pointer}/{member}/{index}", "waiver-without-rule", detail, fix)
    for rule in sorted(set(waiver.when) & set(waiver.waives)):
        detail = f"{waiver.code} waives {rule}, which it rests on"
        yield Problem(f"{pointer}/waives", "waiver-of-itself", detail, f"drop {rule} from waives")


_WORDS = {int: "a whole number", str: "a text", tuple: "a list of texts"}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
