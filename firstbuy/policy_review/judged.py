"""What a policy changes in who is let in: dates, certificates, tracks, conditions, waivers."""

from collections.abc import Iterator, Mapping

from firstbuy.policy_review.change import Change, Effect, listed, more_is, named, shown
from shared.contracts.policy import CertificateKind, Condition, Policy, Track, Waiver
from shared.contracts.vocabulary import RULE_TERMS, Moved, RuleTerms

_ABSENT = RuleTerms("", "", "", "")


def judged_changes(old: Policy, new: Policy) -> Iterator[Change]:
    """What differs in tracks and conditions, in the words of who is eligible."""
    yield from _date(old, new)
    yield from _certificates(old, new)
    yield from _classes(old, new)
    yield from _registries(old, new)
    before, after = {t.track: t for t in old.tracks}, {t.track: t for t in new.tracks}
    for code, track in after.items():
        if code in before:
            yield from _track(before[code], track, new)
        else:
            decisive = listed(_title(each.rule) for each in track.conditions if each.decides)
            what = f"a new track, which asks for: {decisive}"
            yield Change(_section(track), what, Effect.LAXER, "firms that name it and meet its conditions")
    for code, track in before.items():
        if code not in after:
            whom = "applications that name it: they are refused, unless made in another track"
            yield Change(_section(track), "no longer a track", Effect.STRICTER, whom)


def _date(old: Policy, new: Policy) -> Iterator[Change]:
    if old.as_of != new.as_of:
        days = (new.as_of - old.as_of).days
        moved = f"{days} days later" if days > 0 else f"{-days} days earlier"
        what = f"judged by {new.as_of} instead of {old.as_of}, {moved}"
        yield Change("date", what, Effect.EITHER, "firms whose papers or seven years begin or end between the two")
    if old.rolling != new.rolling:
        if new.rolling is None:
            what = "one close, no regular cuts"
        else:
            what = (
                f"always open: a cut every {new.rolling.every_months} months from {new.as_of}, "
                f"a status that lasts {new.rolling.status_months} months"
            )
        yield Change("date", what, Effect.EITHER, "firms that would have missed, or met, a close")


def _registries(old: Policy, new: Policy) -> Iterator[Change]:
    before, after = ({use.registry: use for use in each.registries or ()} for each in (old, new))
    for registry, use in after.items():
        if registry not in before:
            what = f"{registry} is asked of {use.authority}: what it says replaces what firms state"
            yield Change("registries", what, Effect.EITHER, "firms of which it says otherwise, or nothing")
        elif before[registry] != use:
            kinds = f", for {shown(use.kinds)}" if use.kinds else ""
            what = f"{registry} is asked of {use.authority}{kinds}, otherwise than before"
            yield Change("registries", what, Effect.EITHER, "firms of which it says otherwise, or nothing")
    for registry, use in before.items():
        if registry not in after:
            what = f"{registry} of {use.authority} is no longer asked: what firms state counts"
            yield Change("registries", what, Effect.EITHER, "firms of which it said otherwise, or nothing")


def _certificates(old: Policy, new: Policy) -> Iterator[Change]:
    before, after = {k.kind: k for k in old.certificates}, {k.kind: k for k in new.certificates}
    for code, kind in after.items():
        if code in before:
            yield from _certificate(before[code], kind)
        else:
            yield Change("certificates", f"{named(code, kind.name)} is described", Effect.NONE)
    for code, kind in before.items():
        if code not in after:
            yield Change("certificates", f"{named(code, kind.name)} is no longer described", Effect.NONE)


def _certificate(old: CertificateKind, new: CertificateKind) -> Iterator[Change]:
    name, whom = named(new.kind, new.name), "firms that hold one"
    if old.validity_years != new.validity_years:
        years = "without end" if new.validity_years is None else f"for {new.validity_years} years"
        before = "without end" if old.validity_years is None else str(old.validity_years)
        effect = more_is(Effect.LAXER, old.validity_years, new.validity_years)
        what = f"{name} that states no end holds {years} instead of {before}"
        yield Change("certificates", what, effect, "firms that hold one which states no end")
    gone, added = set(old.grades) - set(new.grades), set(new.grades) - set(old.grades)
    if gone or added:
        what = f"{name} is accepted of grade {shown(new.grades) if new.grades else 'any'}"
        what += f" instead of {shown(old.grades) if old.grades else 'any'}"
        if not old.grades or not new.grades:
            effect = Effect.STRICTER if new.grades else Effect.LAXER
        else:
            effect = Effect.EITHER if gone and added else Effect.LAXER if added else Effect.STRICTER
        yield Change("certificates", what, effect, whom)
    if old.number_pattern != new.number_pattern:
        what = f"{name} has numbers as {new.number_pattern} instead of {old.number_pattern}"
        yield Change("certificates", what, Effect.EITHER, whom)
    if (old.name, old.authority) != (new.name, new.authority):
        before = f"{named(old.kind, old.name)} of {old.authority}"
        yield Change("certificates", f"{name} of {new.authority} instead of {before}", Effect.NONE)


def _classes(old: Policy, new: Policy) -> Iterator[Change]:
    before, after = set(old.purchasable_classes), set(new.purchasable_classes)
    if before == after:
        return
    what = f"institutions may buy classes {shown(new.purchasable_classes) if after else 'of every kind'}"
    what += f" instead of {shown(old.purchasable_classes) if before else 'every kind'}"
    laxer = not after or (before and all(_covered(after, prefix) for prefix in before))
    stricter = not before or (after and all(_covered(before, prefix) for prefix in after))
    effect = Effect.LAXER if laxer else Effect.STRICTER if stricter else Effect.EITHER
    yield Change("product classes", what, effect, "products of the classes that differ")


def _covered(prefixes: set[str], prefix: str) -> bool:
    return any(prefix.startswith(each) for each in prefixes)


def _track(old: Track, new: Track, policy: Policy) -> Iterator[Change]:
    section = _section(new)
    if old.name != new.name:
        yield Change(section, f"it was called {old.name.en}", Effect.NONE)
    names = {kind.kind: kind.name for kind in policy.certificates}
    for kind in new.certificates:
        if kind not in old.certificates:
            yield Change(section, f"accepts {named(kind, names[kind])}", Effect.LAXER, "firms that hold one")
    if gone := [kind for kind in old.certificates if kind not in new.certificates]:
        yield Change(section, f"no longer accepts {listed(gone)}", Effect.STRICTER, "firms that hold no other")
    before, after = {c.rule: c for c in old.conditions}, {c.rule: c for c in new.conditions}
    for rule, condition in after.items():
        if rule in before:
            yield from _condition(before[rule], condition, section)
        else:
            yield _appeared(condition, new, section)
    for rule, condition in before.items():
        if rule not in after:
            what = f"no longer asks for {_title(rule)}"
            yield Change(section, what, Effect.LAXER if condition.decides else Effect.NONE, _whom(condition))
    if [rule for rule in before if rule in after] != [rule for rule in after if rule in before]:
        yield Change(section, "findings are listed in another order", Effect.NONE)
    yield from _waivers(old, new, section)


def _appeared(condition: Condition, track: Track, section: str) -> Change:
    stated = "".join(f"; {name} {shown(value)}" for name, value in condition.parameters.items())
    if not condition.decides:
        return Change(section, f"states {_title(condition.rule)} as a fact{stated}", Effect.NONE)
    waivers = [waiver.code for waiver in track.waivers if condition.rule in waiver.waives]
    besides = f", but those exempt by {listed(waivers)}" if waivers else ""
    what = f"asks for {_title(condition.rule)}{stated}"
    return Change(section, what, Effect.STRICTER, _whom(condition) + besides)


def _condition(old: Condition, new: Condition, section: str) -> Iterator[Change]:
    title = _title(new.rule)
    if old.decides != new.decides:
        what = f"{title} decides" if new.decides else f"{title} is only stated as a fact"
        yield Change(section, what, Effect.STRICTER if new.decides else Effect.LAXER, _whom(new))
    if new.rule == "sales-or-credit":
        yield from _credit(old, new, section)
    terms = RULE_TERMS.get(new.rule, _ABSENT).parameters
    for name in sorted(old.parameters.keys() | new.parameters.keys()):
        before, after = old.parameters.get(name), new.parameters.get(name)
        if before == after or name in ("credit_at_least", "credit_grades"):
            continue
        effect = Effect.EITHER
        greater = terms[name].greater if name in terms else Moved.EITHER
        if greater is not Moved.EITHER and all(isinstance(each, int) or each is None for each in (before, after)):
            known: Mapping[Moved, Effect] = {Moved.LAXER: Effect.LAXER, Moved.STRICTER: Effect.STRICTER}
            numbers = (before if isinstance(before, int) else None, after if isinstance(after, int) else None)
            effect = more_is(known[greater], *numbers, none_is_most=False)
        whom = terms[name].whom if name in terms else ""
        if not new.decides:
            whom += " (a fact: it moves the waivers, tickets and scores that ask for it)"
        yield Change(section, f"{title}: {name} {shown(after)} instead of {shown(before)}", effect, whom)
    if old.legal_source != new.legal_source:
        what = f"{title} stands on {new.legal_source} instead of {old.legal_source}"
        yield Change(section, what, Effect.NONE)


def _credit(old: Condition, new: Condition, section: str) -> Iterator[Change]:
    """By the grades that suffice, whatever list they are named in."""
    before, after = _sufficient(old), _sufficient(new)
    least = (old.parameters.get("credit_at_least"), new.parameters.get("credit_at_least"))
    if set(before) != set(after):
        what = f"{_title(new.rule)}: a credit grade of {least[1]} suffices, instead of {least[0]}"
        gone, more = set(before) - set(after), set(after) - set(before)
        effect = Effect.EITHER if gone and more else Effect.LAXER if more else Effect.STRICTER
        differing = listed(sorted(gone | more))
        yield Change(section, what, effect, f"firms of credit grade {differing} and sales below the floor")
    elif old.parameters.get("credit_grades") != new.parameters.get("credit_grades"):
        yield Change(section, f"{_title(new.rule)}: another list of credit grades", Effect.NONE)


def _sufficient(condition: Condition) -> tuple[str, ...]:
    grades, least = condition.parameters.get("credit_grades"), condition.parameters.get("credit_at_least")
    if not isinstance(grades, tuple) or least not in grades:
        return ()
    return grades[: grades.index(str(least)) + 1]


def _waivers(old: Track, new: Track, section: str) -> Iterator[Change]:
    before, after = {w.code: w for w in old.waivers}, {w.code: w for w in new.waivers}
    for code, waiver in after.items():
        if code not in before:
            what = f"{code}: {listed(map(_title, waiver.waives))} need not pass"
            yield Change(section, what, Effect.LAXER, _passing(waiver))
            continue
        was = before[code]
        if added := [rule for rule in waiver.waives if rule not in was.waives]:
            yield Change(section, f"{code} waives {listed(map(_title, added))} too", Effect.LAXER, _passing(waiver))
        if gone := [rule for rule in was.waives if rule not in waiver.waives]:
            what = f"{code} no longer waives {listed(map(_title, gone))}"
            yield Change(section, what, Effect.STRICTER, _passing(waiver))
        if set(was.when) != set(waiver.when):
            laxer, stricter = set(waiver.when) < set(was.when), set(was.when) < set(waiver.when)
            effect = Effect.LAXER if laxer else Effect.STRICTER if stricter else Effect.EITHER
            whom = _passing(was) if stricter else _passing(waiver) if laxer else ""
            what = f"{code} asks for {listed(map(_title, waiver.when))}, not for {listed(map(_title, was.when))}"
            yield Change(section, what, effect, f"{whom} alone" if whom else "")
        if was.legal_source != waiver.legal_source:
            what = f"{code} stands on {waiver.legal_source} instead of {was.legal_source}"
            yield Change(section, what, Effect.NONE)
    for code, waiver in before.items():
        if code not in after:
            what = f"{code} is gone: {listed(map(_title, waiver.waives))} must pass"
            yield Change(section, what, Effect.STRICTER, _passing(waiver))


def _passing(waiver: Waiver) -> str:
    return f"firms that pass {listed(map(_title, waiver.when))}"


def _section(track: Track) -> str:
    return f"track {named(track.track, track.name)}"


def _title(rule: str) -> str:
    return RULE_TERMS[rule].title if rule in RULE_TERMS else rule


def _whom(condition: Condition) -> str:
    return RULE_TERMS[condition.rule].whom if condition.rule in RULE_TERMS else ""
