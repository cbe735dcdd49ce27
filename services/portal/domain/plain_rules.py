"""A policy's rules as sentences: made from the data that decides, so that they can't say anything else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.portal.domain.texts import Texts
from shared.contracts.policy import Condition, Policy, TicketStep, Track
from shared.programme.documents import kind_in_words
from shared.wording.explanation import RULE_WORDS


@dataclass(frozen=True, slots=True)
class PlainRule:
    """A rule's name, what it asks, and the law or notice that it stands in."""

    name: str
    asks: str
    source: str


@dataclass(frozen=True, slots=True)
class PlainTrack:
    """A way in: rules that decide, what is known beside them, and who needs fewer."""

    name: str
    rules: Sequence[PlainRule]
    facts: Sequence[PlainRule]
    """They decide nothing; waivers and tickets look at them."""
    waivers: Sequence[str]
    certificates: Sequence[str]


def plain_tracks(policy: Policy, texts: Texts) -> list[PlainTrack]:
    """Each track's rules in words."""
    kinds = {kind.kind: getattr(kind.name, texts.language.value) for kind in policy.certificates}
    return [
        PlainTrack(
            name=getattr(track.name, texts.language.value),
            rules=[_rule(each, texts) for each in track.conditions if each.decides],
            facts=[_rule(each, texts) for each in track.conditions if not each.decides],
            waivers=list(_waivers(track, texts)),
            certificates=[kinds[kind] for kind in track.certificates],
        )
        for track in policy.tracks
    ]


def name_of(rule: str, texts: Texts) -> str:
    """A rule's name in words."""
    words = RULE_WORDS.get(rule)
    return words.name(texts.language) if words else rule


def _rule(condition: Condition, texts: Texts) -> PlainRule:
    return PlainRule(name_of(condition.rule, texts), _asks(condition, texts), condition.legal_source)


def _asks(condition: Condition, texts: Texts) -> str:
    """The sentence with its numbers. A rule without a sentence of its own is told by its name and parameters."""
    given = condition.parameters
    key = f"rule.{condition.rule}"
    if not texts.has(key):
        listed = ", ".join(f"{name}: {value}" for name, value in given.items())
        return texts("rule.other", rule=name_of(condition.rule, texts), parameters=listed)
    return texts.table[key].format_map(_Told({name: _value(name, value, texts) for name, value in given.items()}))


class _Told(dict[str, str]):
    """What a policy does not state stands as a dash."""

    def __missing__(self, key: str) -> str:
        return "-"


def _value(name: str, value: Any, texts: Texts) -> str:
    if name.endswith("_won"):
        return texts.money(int(value))
    if name == "kinds":
        return ", ".join(kind_in_words(kind, texts.language.value) for kind in value)
    return ", ".join(value) if isinstance(value, tuple | list) else str(value)


def _waivers(track: Track, texts: Texts) -> Iterator[str]:
    for waiver in track.waivers:
        yield texts(
            "round.waiver",
            when=", ".join(name_of(rule, texts) for rule in waiver.when),
            waives=", ".join(name_of(rule, texts) for rule in waiver.waives),
        )


def ticket_rows(policy: Policy, texts: Texts) -> list[tuple[str, int]]:
    """Who has how many tickets; the first line that fits holds."""
    return [(_who(step, texts), step.tickets) for step in policy.tickets]


def _who(step: TicketStep, texts: Texts) -> str:
    parts = []
    if step.startup:
        parts.append(texts("tickets.startup"))
    if step.first_timer:
        parts.append(texts("tickets.first_timer"))
    if step.record_won_at_most == 0:
        parts.append(texts("tickets.no_record"))
    elif step.record_won_at_most is not None:
        parts.append(texts("tickets.record_won", won=texts.money(step.record_won_at_most)))
    if step.record_count_at_most is not None:
        parts.append(texts("tickets.record_count", count=step.record_count_at_most))
    return texts("tickets.and").join(parts) or texts("tickets.everyone")
