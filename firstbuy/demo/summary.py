"""`var/demo/summary.json`: the run in figures, for programs."""

from typing import Any

from firstbuy.demo.account import Account
from firstbuy.demo.audit import Audit
from firstbuy.demo.checks import Check
from firstbuy.demo.course import Course
from firstbuy.demo.figures import Figures, Group
from firstbuy.demo.first_half import FirstHalf
from firstbuy.demo.target import Target
from firstbuy.demo.two_policies import difference
from firstbuy.simulate.shown import as_json


def summary(
    target: Target, seed: int, wall_seconds: float, course: Course, first: FirstHalf, account: Account, audit: Audit,
    figures: Figures, checks: list[Check], phases: list[tuple[str, float]],
) -> dict[str, Any]:  # fmt: skip
    """The run's figures and roots as JSON, for `summary.json`."""
    without, with_record = figures.by_record
    return {
        "round": account.opened["round"],
        "seed": seed,
        "wall_seconds": round(wall_seconds, 1),
        "window_seconds": course.window.seconds,
        "rehearsal_rate": course.rate,
        "phases": {name: round(seconds, 1) for name, seconds in phases},
        "kafka": dict(target.kafka),
        "postgres": dict(target.postgres),
        "http": {str(status): count for status, count in sorted(course.traffic.statuses.items())},
        "http_retries": course.traffic.busy,
        "admitted": account.frozen["applications"]["count"],
        "resubmitted": account.resubmitted,
        "withdrawn": len(account.withdrawn),
        "late": course.traffic.statuses[410],
        "purchase_requests": account.frozen["requests"]["count"],
        "inbox_answers": len(account.answers),
        "verdicts": {name: figures.outcomes[name] for name in ("eligible", "ineligible", "parked")},
        "eligible_under_h1": figures.h1_eligible,
        "rules": {rule: dict(counts) for rule, counts in figures.by_rule.items()},
        "selected": figures.results["selected"],
        "reserve": figures.results["reserve"],
        "not_selected": figures.results["not-selected"],
        "notices": {"mail": account.deliveries["mail"], "outbox": account.deliveries["outbox"]},
        "share": {"without_record": _counts(without), "with_record": _counts(with_record)},
        "by_kind": {group.name: _counts(group) for group in figures.by_kind},
        "institutions": {
            purse.institution: {"pledged_won": purse.pledged, "asked_won": purse.asked, "awarded_won": purse.awarded}
            for purse in figures.purses
        },
        "roots": {
            "admitted": account.frozen["applications"]["root"],
            "judged": audit.judged,
            "selected_from": audit.selected_from,
            "selection": account.confirmed["selection_root"],
            "commitment": account.committed["commitment_root"],
        },
        "draw_seed": account.proposed["seed"],
        "first_half": {"difference": difference(first.results), **as_json(first.results)},
        "checks": {"made": len(checks), "differing": [check.what for check in checks if not check.holds]},
    }


def _counts(group: Group) -> dict[str, int]:
    return {"applied": group.applied, "eligible": group.eligible, "selected": group.selected}
