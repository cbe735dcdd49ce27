"""Problems of what a policy judges by: certificates, tracks, conditions, waivers, dates."""

import re
from collections.abc import Iterator
from typing import Final

from shared.contracts.policy import CertificateKind, Condition, Parameter, Policy, Rolling, Track, Waiver
from shared.contracts.vocabulary import RULE_TERMS, Kind, ParameterTerms
from shared.policies.patterns import SlowPatternError, UnreadablePatternError, examine
from shared.policies.problem import Problem, listed, repeated
from shared.programme.documents import DOCUMENT_KINDS
from shared.programme.documents import RULE as DOCUMENTS

FIRST_YEAR: Final = 2009
"""The year 판로지원법 came into force: an older date is a typing error."""
LAST_YEAR: Final = 2199
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
_TYPES: Final[dict[Kind, type]] = {Kind.NUMBER: int, Kind.TEXT: str, Kind.LIST: tuple}


def condition_problems(policy: Policy) -> Iterator[Problem]:
    """Everything that keeps applications from being judged."""
    yield from _date(policy)
    yield from repeated((kind.kind for kind in policy.certificates), "/certificates", "kind")
    for index, kind in enumerate(policy.certificates):
        yield from _certificate(kind, f"/certificates/{index}")
    yield from repeated((track.track for track in policy.tracks), "/tracks", "track")
    known_kinds = {kind.kind for kind in policy.certificates}
    for index, track in enumerate(policy.tracks):
        yield from _track(track, known_kinds, f"/tracks/{index}")
    yield from _classes(policy)
    if policy.rolling is not None:
        yield from _rolling(policy.rolling)


def condition_remarks(policy: Policy) -> Iterator[Problem]:
    """What is allowed but probably not intended."""
    accepted = {kind for track in policy.tracks for kind in track.certificates}
    for index, kind in enumerate(policy.certificates):
        if kind.kind not in accepted:
            detail = f"no track accepts {kind.kind}"
            yield Problem(f"/certificates/{index}", "unused-kind", detail, "name it in a track, or drop it")
    if policy.purchasable_classes and not any(_asks(track, "product-class") for track in policy.tracks):
        fix = "add the condition product-class to the tracks, or drop the list"
        yield Problem("/purchasable_classes", "classes-not-asked", "no track asks for the product's class", fix)
    for number, track in enumerate(policy.tracks):
        yield from _unnamed_kinds(track, f"/tracks/{number}/conditions")
        if track.certificates and not _asks(track, "certificate"):
            detail = f"track {track.track} lists certificates and asks for none"
            fix = "add the condition certificate, or drop them"
            yield Problem(f"/tracks/{number}/certificates", "certificates-not-asked", detail, fix)
        deciding = {condition.rule for condition in track.conditions if condition.decides}
        for index, waiver in enumerate(track.waivers):
            for rule in sorted(set(waiver.waives) - deciding):
                pointer = f"/tracks/{number}/waivers/{index}/waives"
                detail = f"{rule} decides nothing in track {track.track}, so waiving it changes no verdict"
                yield Problem(pointer, "waiver-without-effect", detail, f"drop {rule} from waives")


def _unnamed_kinds(track: Track, at: str) -> Iterator[Problem]:
    for index, condition in enumerate(track.conditions):
        kinds = condition.parameters.get("kinds") if condition.rule == DOCUMENTS else ()
        for kind in kinds if isinstance(kinds, tuple) else ():
            if kind not in DOCUMENT_KINDS:
                detail = f"people have no name for documents of kind {kind}, and read its code"
                fix = f"take one of {listed(DOCUMENT_KINDS)} where it fits"
                yield Problem(f"{at}/{index}/parameters/kinds", "kind-without-name", detail, fix)


def _asks(track: Track, rule: str) -> bool:
    return any(condition.rule == rule for condition in track.conditions)


def _date(policy: Policy) -> Iterator[Problem]:
    if not FIRST_YEAR <= policy.as_of.year <= LAST_YEAR:
        detail = f"no round is judged by the rules of {policy.as_of.isoformat()}"
        yield Problem("/as_of", "impossible-date", detail, f"give a day of {FIRST_YEAR} to {LAST_YEAR} as YYYY-MM-DD")


def _certificate(kind: CertificateKind, pointer: str) -> Iterator[Problem]:
    at, mend = f"{pointer}/number_pattern", f"mend the number pattern of {kind.kind}"
    try:
        examine(kind.number_pattern)
    except UnreadablePatternError as error:
        yield Problem(at, "bad-pattern", f"{kind.number_pattern!r} can't be used: {error}", mend)
    except SlowPatternError as error:
        fix = "give repetitions an upper bound, such as {1,8}, and repeat nothing that repeats inside"
        yield Problem(at, "slow-pattern", f"{kind.number_pattern!r} would hold up judging: {error}", fix)
    yield from repeated(kind.grades, f"{pointer}/grades", "grade")
    if kind.validity_years is not None and kind.validity_years > 100:
        detail = f"{kind.kind} would hold {kind.validity_years} years"
        fix = "give 100 at the most, or leave it out where one never ends"
        yield Problem(f"{pointer}/validity_years", "impossible-validity", detail, fix)


def _classes(policy: Policy) -> Iterator[Problem]:
    yield from repeated(policy.purchasable_classes, "/purchasable_classes", "class")
    for index, prefix in enumerate(policy.purchasable_classes):
        if not (prefix.isascii() and prefix.isdigit() and len(prefix) <= 8):
            detail, fix = f"no product class begins with {prefix}", "give one to eight digits, in quotes"
            yield Problem(f"/purchasable_classes/{index}", "impossible-class", detail, fix)


def _rolling(rolling: Rolling) -> Iterator[Problem]:
    for name, months, most in (
        ("every_months", rolling.every_months, 12),
        ("status_months", rolling.status_months, 120),
    ):
        if months > most:
            yield Problem(f"/rolling/{name}", "impossible-months", f"{name} is {months}", f"give {most} at the most")
    if rolling.status_months < rolling.every_months:
        detail = f"a status of {rolling.status_months} months ends before the next cut"
        fix = f"give {rolling.every_months} or more"
        yield Problem("/rolling/status_months", "status-too-short", detail, fix)


def _track(track: Track, known_kinds: set[str], pointer: str) -> Iterator[Problem]:
    yield from repeated((c.rule for c in track.conditions), f"{pointer}/conditions", "rule")
    for index, condition in enumerate(track.conditions):
        yield from _condition(condition, f"{pointer}/conditions/{index}")
    if not any(condition.decides for condition in track.conditions):
        detail, fix = f"no condition of {track.track} decides, so it lets everybody in", "leave decides out of one"
        yield Problem(f"{pointer}/conditions", "nothing-decides", detail, fix)
    judged = {condition.rule for condition in track.conditions}
    if "certificate" in judged and not track.certificates:
        detail, fix = "the rule certificate accepts no kind", "list the accepted kinds, or drop the condition"
        yield Problem(f"{pointer}/certificates", "no-accepted-kind", detail, fix)
    yield from repeated(track.certificates, f"{pointer}/certificates", "kind")
    for index, name in enumerate(track.certificates):
        if name not in known_kinds:
            detail, fix = f"{name} is none of the policy's certificates", f"one of {listed(known_kinds)}"
            yield Problem(f"{pointer}/certificates/{index}", "unknown-kind", detail, fix)
    yield from repeated((waiver.code for waiver in track.waivers), f"{pointer}/waivers", "waiver")
    for index, waiver in enumerate(track.waivers):
        yield from _waiver(waiver, judged, f"{pointer}/waivers/{index}")


def _condition(condition: Condition, pointer: str) -> Iterator[Problem]:
    rule = RULE_TERMS.get(condition.rule)
    if rule is None:
        detail, fix = f"there is no rule {condition.rule}", f"one of {listed(RULE_TERMS)}"
        yield Problem(f"{pointer}/rule", "unknown-rule", detail, fix)
        return
    at, given = f"{pointer}/parameters", condition.parameters
    for name, terms in rule.parameters.items():
        if name in given:
            yield from _parameter(name, given[name], terms, f"{at}/{name}")
        elif terms.needed:
            fix = f"give {name} as {terms.kind}: {terms.means}"
            yield Problem(f"{at}/{name}", "missing-parameter", f"{condition.rule} needs {name}", fix)
    for name in given:
        if name not in rule.parameters:
            fix = f"drop it; {condition.rule} takes {listed(rule.parameters) or 'no parameter'}"
            yield Problem(f"{at}/{name}", "unknown-parameter", f"{condition.rule} has no {name}", fix)
    if condition.rule == "sales-or-credit":
        yield from _credit(given.get("credit_grades"), given.get("credit_at_least"), at)
    if condition.rule == DOCUMENTS:
        yield from _documents(given.get("kinds"), at)


def _parameter(name: str, value: Parameter, terms: ParameterTerms, pointer: str) -> Iterator[Problem]:
    if type(value) is not _TYPES[terms.kind]:
        yield Problem(pointer, "wrong-parameter", f"{name} is {value!r}", f"give it as {terms.kind}")
    elif isinstance(value, int) and not terms.least <= value <= terms.most:
        fix = f"give {terms.least} to {terms.most}"
        yield Problem(pointer, "wrong-parameter", f"{name} is {value}", fix)


def _documents(kinds: Parameter | None, at: str) -> Iterator[Problem]:
    """Each kind must be one that an application can name."""
    if isinstance(kinds, tuple):
        yield from repeated(kinds, f"{at}/kinds", "kind")
        if not kinds:
            fix = f"name some of {listed(DOCUMENT_KINDS)}, or drop the condition"
            yield Problem(f"{at}/kinds", "wrong-parameter", "kinds names no document", fix)
        for index, kind in enumerate(kinds):
            if not _CODE.fullmatch(kind):
                detail, fix = (
                    f"no document can be a '{kind}'",
                    "write small letters, digits and hyphens, such as test-report",
                )
                yield Problem(f"{at}/kinds/{index}", "wrong-parameter", detail, fix)


def _credit(grades: Parameter | None, least: Parameter | None, pointer: str) -> Iterator[Problem]:
    """The needed grade must be in the list, or comparing grades would fail."""
    if isinstance(grades, tuple):
        yield from repeated(grades, f"{pointer}/credit_grades", "grade")
        if isinstance(least, str) and least not in grades:
            fix = f"one of {', '.join(grades)}" if grades else "list the grades from the best to the worst"
            yield Problem(f"{pointer}/credit_at_least", "unknown-grade", f"{least} is none of credit_grades", fix)


def _waiver(waiver: Waiver, judged: set[str], pointer: str) -> Iterator[Problem]:
    for member, rules in (("when", waiver.when), ("waives", waiver.waives)):
        yield from repeated(rules, f"{pointer}/{member}", "rule")
        for index, rule in enumerate(rules):
            if rule not in judged:
                detail, fix = f"{rule} is no condition of this track", f"one of {listed(judged)}"
                yield Problem(f"{pointer}/{member}/{index}", "waiver-without-rule", detail, fix)
    for rule in sorted(set(waiver.when) & set(waiver.waives)):
        detail = f"{waiver.code} waives {rule}, which it rests on"
        yield Problem(f"{pointer}/waives", "waiver-of-itself", detail, f"drop {rule} from waives")
