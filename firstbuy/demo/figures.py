"""The figures people ask for, each counted from the account: by rule, by kind of firm, by institution, by record."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from firstbuy.demo.account import NOT_SELECTED, SELECTED, Account, Entry
from firstbuy.samples.firms import FirmKind
from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.judge import judge
from shared.contracts.facts import FACTS
from shared.contracts.findings import VerdictOutcome
from shared.contracts.policy import Policy

OUTCOMES = ("pass", "fail", "waived", "unknown")


@dataclass(frozen=True, slots=True)
class Group:
    """A group of applications that stand: how many applied, were eligible, were selected."""

    name: str
    applied: int
    eligible: int
    selected: int

    @property
    def share(self) -> float:
        return self.selected / self.applied if self.applied else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """An institution's money: pledged, asked for in requests that stand, awarded; and how many products it will buy."""

    institution: str
    name: str
    pledged: int
    asked: int
    awarded: int
    products: int


@dataclass(frozen=True, slots=True)
class Compared:
    """The same applications under the rules of the first round: how many of a kind either lets in."""

    kind: FirmKind
    applied: int
    under_h1: int
    under_h2: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What the tables and the report show."""

    results: Counter[str]
    outcomes: Counter[str]
    by_rule: dict[str, Counter[str]]
    by_kind: tuple[Group, ...]
    by_record: tuple[Group, Group]
    purses: tuple[Purse, ...]
    compared: tuple[Compared, ...]
    reasons: Counter[str]
    """Why those not selected are not."""

    @property
    def h1_eligible(self) -> int:
        return sum(group.under_h1 for group in self.compared)


def figures_of(account: Account, names: dict[str, str], h1: Policy) -> Figures:
    """Counts the run's results by kind of firm, institution and reason."""
    h1_lets_in = under(account, h1)
    return Figures(
        results=Counter(entry.result_kind or "none" for entry in account.entries),
        outcomes=Counter(entry.outcome or "none" for entry in account.entries),
        by_rule=account.by_rule(),
        by_kind=tuple(_group(kind, [entry for entry in account.entries if entry.kind is kind]) for kind in FirmKind),
        by_record=(
            _group("without", [entry for entry in account.entries if entry.without_record]),
            _group("with", [entry for entry in account.entries if not entry.without_record]),
        ),
        purses=_purses(account, names),
        compared=tuple(
            Compared(
                kind,
                sum(entry.kind is kind for entry in account.entries),
                sum(entry.kind is kind and entry.application in h1_lets_in for entry in account.entries),
                sum(entry.kind is kind and entry.outcome == "eligible" for entry in account.entries),
            )
            for kind in FirmKind
        ),
        reasons=Counter(
            entry.result["reason"] for entry in account.entries if entry.result and entry.result_kind == NOT_SELECTED
        ),
    )


def under(account: Account, policy: Policy) -> set[str]:
    """The applications another policy would let in, judged by the day this round was judged by."""
    as_of = policy.as_of.fromisoformat(account.opened["policy"]["as_of"])
    rules = PolicyRules.compile(replace(policy, as_of=as_of), "0" * 64)
    return {
        entry.application
        for entry in account.entries
        if judge(FACTS.validate_python(entry.facts), rules).outcome is VerdictOutcome.ELIGIBLE
    }


def _group(name: str, members: Sequence[Entry]) -> Group:
    return Group(
        str(name),
        len(members),
        sum(entry.outcome == "eligible" for entry in members),
        sum(entry.result_kind == SELECTED for entry in members),
    )


def _purses(account: Account, names: dict[str, str]) -> tuple[Purse, ...]:
    asked: Counter[str] = Counter()
    for request in account.requests.values():
        asked[request["institution"]] += request["facts"]["budget_won"]
    products = Counter(
        institution for entry in account.selected for institution in {award["institution"] for award in entry.awards}
    )
    awarded = account.awarded()
    return tuple(
        Purse(
            institution=code,
            name=names[code],
            pledged=won,
            asked=asked[code],
            awarded=awarded[code],
            products=products[code],
        )
        for won, code in sorted(
            ((institution["pledge_won"], institution["institution"]) for institution in account.opened["institutions"]),
            key=lambda pledge: (-pledge[0], pledge[1]),
        )
    )
