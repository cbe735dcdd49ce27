"""One thing a policy changes of another: what, in which direction, and for whom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.policy import Titled


class Effect(StrEnum):
    LAXER = "laxer"
    STRICTER = "stricter"
    EITHER = "either way"
    """Laxer for some, stricter for others."""
    MORE = "more"
    LESS = "less"
    NONE = "no effect"
    """On who is let in or selected."""


@dataclass(frozen=True, slots=True)
class Change:
    """`section` is what of the policy it belongs to; `whom` is empty where it concerns everybody."""

    section: str
    what: str
    effect: Effect
    whom: str = ""


def more_is(more: Effect, old: int | None, new: int | None, *, none_is_most: bool = True) -> Effect:
    """The effect of a number that moved, where None is the greatest or the least of all."""
    least, most = -1, 2**63
    before, after = ((most if none_is_most else least) if value is None else value for value in (old, new))
    opposite = {Effect.LAXER: Effect.STRICTER, Effect.STRICTER: Effect.LAXER, Effect.MORE: Effect.LESS}
    return more if after > before else opposite[more]


def named(code: str, title: Titled) -> str:
    return f"{title.en} ({code})"


def listed(names: Iterable[str]) -> str:
    found = list(names)
    return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else "".join(found)


def shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "none"
    return str(value)
