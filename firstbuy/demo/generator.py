"""The whole round as it will be sent, from a seed, with what must come of it. Pure: same arguments, same plan."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from firstbuy.demo.contests import contests
from firstbuy.demo.demand import Demand, make_demand
from firstbuy.demo.entries import Call, Fate, Life, Script, body, calls_of, contact, script_and_fate
from firstbuy.demo.malformed import malformed
from firstbuy.samples.firms import Firm, make_firm
from firstbuy.samples.products import Offered, make_product
from shared.contracts.policy import Policy

SHARES: Final = {
    "again_same_key": 0.04,
    "again_other_key": 0.03,
    "key_for_another": 0.01,
    "no_if_match": 0.01,
    "changed": 0.08,
    "stale": 0.04,
    "withdrawn": 0.03,
    "malformed": 0.05,
    "as_written": 0.05,
    "early": 0.01,
    "late": 0.02,
    "contested": 0.005,
}
"""Of the applications, the share each of these happens to, or is sent besides."""
BEYOND: Final = "beyond the firm's limit"
_PRODUCTS_OF_A_FIRM: Final = ((1, 2, 3), (84, 12, 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that the demo will send, made from one seed."""

    in_time: tuple[Script, ...]
    early: tuple[Script, ...]
    contested: tuple[Script, ...]
    """As soon as the round is open, while the tax service answers."""
    beyond: tuple[Script, ...]
    """When all else is in: more products of firms that have as many entries as they may."""
    late: tuple[Script, ...]
    fates: tuple[Fate, ...]
    demand: Demand
    pledges: tuple[tuple[str, int], ...]

    @property
    def admitted(self) -> int:
        return sum(not fate.withdrawn for fate in self.fates)

    @property
    def calls(self) -> int:
        return sum(len(script.calls) for script in self.in_time)

    def answers(self) -> Counter[int]:
        """How often each HTTP status must be answered."""
        return Counter(call.expects for call in calls_of(self._all()))

    def count(self, what: str) -> int:
        """How often a call of that name is in the plan."""
        return sum(call.what == what for call in calls_of(self._all()))

    def _all(self) -> tuple[Script, ...]:
        return (*self.early, *self.contested, *self.in_time, *self.beyond, *self.late)


def make_plan(seed: int, applications: int, round_id: str, policy: Policy, pledges: Sequence[tuple[str, int]]) -> Plan:
    """`applications`: how many products are entered in time. All else is sent besides."""
    rng = random.Random(f"firstbuy-demo:{seed}")  # noqa: S311 -- a rehearsal's data, repeatable by its seed
    entered = _entered(rng, applications, policy)
    lives = _lives(rng, entered, policy)
    scripts: list[Script] = []
    fates: list[Fate] = []
    for number, (firm, offered) in enumerate(entered):
        reach = contact(firm.number, rng)
        script, fate = script_and_fate(firm, offered, lives[number], reach, f"demo-{seed}-{number}")
        scripts.append(script)
        fates.append(fate)
    good = scripts[0].calls[0].body
    scripts += [malformed(number, good, rng) for number in range(_share(applications, "malformed"))]
    rng.shuffle(scripts)
    outside = _entered(rng, _share(applications, "early") + _share(applications, "late"), policy, len(entered))
    cut = _share(applications, "early")
    apart = random.Random(f"firstbuy-demo-contests:{seed}")  # noqa: S311 -- as above
    disputed = _entered(apart, _share(applications, "contested"), policy, len(entered) + len(outside))
    contested = list(contests(disputed, apart))
    return Plan(
        in_time=tuple(scripts),
        early=tuple(_alone(rng, entry, "before the opening", 409) for entry in outside[:cut]),
        contested=tuple(script for script, *_ in contested),
        beyond=tuple(_beyond(rng, entered, fates, policy)),
        late=tuple(_alone(rng, entry, "after the close", 410) for entry in outside[cut:]),
        fates=(*fates, *(fate for _, *both in contested for fate in both)),
        demand=make_demand(round_id, pledges, applications, rng),
        pledges=tuple(pledges),
    )


def _entered(rng: random.Random, count: int, policy: Policy, first: int = 0) -> list[tuple[Firm, Offered]]:
    """Firms with one, two or three products each."""
    entered: list[tuple[Firm, Offered]] = []
    taken: set[str] = set()
    number = first
    while len(entered) < count:
        firm = make_firm(number, rng, policy.as_of, taken)
        for _ in range(rng.choices(*_PRODUCTS_OF_A_FIRM)[0]):
            product = make_product(first + len(entered), rng, firm.kind, policy.as_of, policy.certificates)
            entered.append((firm, product))
        number += 1
    return entered[:count]


def _lives(rng: random.Random, entered: Sequence[tuple[Firm, Offered]], policy: Policy) -> list[Life]:
    """Each kind of happening falls to its share of the applications, chosen anew for each; at least to one."""
    chosen = {
        what: set(rng.sample(range(len(entered)), _share(len(entered), what)))
        for what in (
            "again_same_key",
            "again_other_key",
            "key_for_another",
            "no_if_match",
            "changed",
            "withdrawn",
            "as_written",
        )
    }
    stale = set(rng.sample(sorted(chosen["changed"]), min(len(chosen["changed"]), _share(len(entered), "stale"))))
    return [
        Life(
            again_same_key=number in chosen["again_same_key"],
            again_other_key=number in chosen["again_other_key"],
            key_for_another=number in chosen["key_for_another"],
            changed=_changed(rng, number, firm, offered, policy) if number in chosen["changed"] else None,
            stale=number in stale,
            no_if_match=number in chosen["no_if_match"],
            withdrawn=number in chosen["withdrawn"],
            as_written=number in chosen["as_written"],
        )
        for number, (firm, offered) in enumerate(entered)
    ]


def _changed(rng: random.Random, number: int, firm: Firm, offered: Offered, policy: Policy) -> Offered:
    """The same product with other papers, another price and another capacity."""
    new = make_product(number, rng, firm.kind, policy.as_of, policy.certificates)
    kept = {key: offered.facts[key] for key in ("reference", "class_code", "name", "item_id") if key in offered.facts}
    dropped = {key: value for key, value in new.facts.items() if key not in ("item_id", "detailed_class")}
    price = max(10_000, offered.facts["price_won"] * rng.randint(80, 99) // 100)
    return Offered(dropped | kept | {"price_won": price}, new.certificates, new.findings)


def _beyond(
    rng: random.Random, entered: Sequence[tuple[Firm, Offered]], fates: Sequence[Fate], policy: Policy
) -> Iterator[Script]:
    """One more product of each firm that stands with as many as the policy lets it."""
    standing = Counter(firm.number for (firm, _), fate in zip(entered, fates, strict=True) if not fate.withdrawn)
    firms = {firm.number: firm for firm, _ in entered}
    for number, firm in firms.items():
        if standing[number] == policy.limits.applications_per_firm:
            more = make_product(len(entered) + number, rng, firm.kind, policy.as_of, policy.certificates)
            renamed = {**more.facts, "reference": f"BEYOND-{number}"}
            renamed.pop("item_id", None)
            yield _alone(rng, (firm, replace(more, facts=renamed)), BEYOND, 409)


def _share(applications: int, what: str) -> int:
    return max(1, round(applications * SHARES[what]))


def _alone(rng: random.Random, pair: tuple[Firm, Offered], what: str, expects: int) -> Script:
    firm, offered = pair
    return Script((Call(what, expects, body(firm, offered, contact(firm.number, rng))),))
