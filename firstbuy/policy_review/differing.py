"""What one policy changes of another, all of it, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from firstbuy.policy_review.change import Change, Effect
from firstbuy.policy_review.judged import judged_changes
from firstbuy.policy_review.selected import selected_changes
from shared.contracts.policy import Policy


def changes(old: Policy, new: Policy) -> tuple[Change, ...]:
    """By section: first what changes who is let in, then who is selected."""
    found = [*judged_changes(old, new), *selected_changes(old, new)]
    sections = list(dict.fromkeys(change.section for change in found))
    return tuple(sorted(found, key=lambda change: sections.index(change.section)))


def as_json(old: Policy, new: Policy, found: Sequence[Change]) -> dict[str, Any]:
    """`section`, `what`, `effect`, `whom` of each."""
    heads = [
        {"policy": policy.policy, "title": {"ko": policy.title.ko, "en": policy.title.en}} for policy in (old, new)
    ]
    return {"from": heads[0], "to": heads[1], "changes": [asdict(change) for change in found]}


def as_text(old: Policy, new: Policy, found: Sequence[Change]) -> str:
    """The differences as lines for people."""
    lines = [
        f"from {old.policy}: {old.title.ko} · {old.title.en}",
        f"to   {new.policy}: {new.title.ko} · {new.title.en}",
    ]
    for section, members in groupby(found, lambda change: change.section):
        lines += ["", section]
        for change in members:
            lines.append(f"  {change.effect:<10}  {change.what}")
            if change.whom:
                lines.append(f"              for {change.whom}")
    lines += ["", summary(found)]
    return "\n".join(lines)


def summary(found: Iterable[Change]) -> str:
    counted = [change.effect for change in found]
    if not counted:
        return "nothing changes"
    return ", ".join(f"{counted.count(effect)} {effect}" for effect in Effect if effect in counted)
