"""Requests and products of one class, as bundles have them, and who buys what, looked up without any index.

So both verifiers' matching is held against the rule as docs/close.md says it, at sizes where their indexes do work.
"""

from collections import Counter
from hashlib import sha256
from random import Random
from typing import Any

Record = dict[str, Any]
POLICY: Record = {
    "limits": {"requests_per_product": 3, "selections_per_firm": 2, "places": 150, "reserve": 70},
    "tracks": [
        {"track": "general"},
        {"track": "small", "limits": {"places": 12, "selections_per_firm": 1}},
        {"track": "first", "limits": {"reserve": 9}},
    ],
}
REGIONS, KINDS = ("seoul", "busan", "daegu", "gwangju"), ("nep", "net", "gs")


def market(random: Random, requests: int, entries: int) -> tuple[dict[str, int], list[Record], list[Record]]:
    """Pledges, requests, and entries in draw order. Some institutions run out of money, some requests of units."""
    institutions = [f"office-{number}" for number in range(random.randint(1, 12))]
    pledges = {institution: random.choice((0, 900, 5_000, 10**6)) for institution in institutions}
    asked = [_request(random, random.choice(institutions), number) for number in range(requests)]
    return pledges, asked, [_entry(random, number) for number in range(entries)]


def _request(random: Random, institution: str, number: int) -> Record:
    return {
        "request": f"{institution}/{number}",
        "institution": institution,
        "class_code": random.choice(("43211503", "43211504")),
        "quantity": random.choice((1, 2, 50)),
        "budget_won": random.choice((100, 700, 700, 3_000, random.randint(1, 9_000))),
        "price_ceiling_won": random.choice((None, None, 90, 400)),
        "certificate_kinds": random.sample(KINDS, random.choice((0, 0, 1, 2))),
        "region": random.choice((None, None, *REGIONS)),
        "delivery_days_at_most": random.choice((None, 0, 10, 30, random.randint(1, 60))),
    }


def _entry(random: Random, number: int) -> Record:
    return {
        "application": f"entry-{number}",
        "firm": random.randint(1, 150),
        "track": random.choice(("general", "general", "small", "first")),
        "class_code": random.choice(("43211503", "43211503", "43211504", "10000000")),
        "price_won": random.choice((1, 20, 90, 91, random.randint(1, 1_200))),
        "capacity": random.choice((1, 1, 3, 40)),
        "delivery_days": random.choice((0, 10, 11, random.randint(1, 70))),
        "regions": random.sample(REGIONS, random.choice((0, 1, 3))),
        "certificates": random.sample(KINDS, random.choice((0, 1, 2))),
    }


_OFFER: Record = {
    "track": "general",
    "class_code": "43211503",
    "price_won": 90,
    "delivery_days": 0,
    "regions": [],
    "certificates": [],
}
_NEED: Record = {
    "institution": "office-0",
    "class_code": "43211503",
    "budget_won": 9_000,
    "price_ceiling_won": None,
    "certificate_kinds": [],
    "region": None,
    "delivery_days_at_most": None,
}
JUST_ENOUGH = (
    {"office-0": 180},
    [_NEED | {"request": f"office-0/{number}", "quantity": 1} for number in range(3)],
    [_OFFER | {"application": f"entry-{number}", "firm": number, "capacity": 1} for number in range(3)],
)
"""A pledge that is spent to the last won: the second product takes all that is left of it, the third gets nothing."""


class Rule:
    """Who buys what, each product looking at every request."""

    def __init__(self, pledges: dict[str, int], requests: list[Record]) -> None:
        self._money = dict(pledges)
        self._requests = requests
        self._left = {request["request"]: [request["quantity"], request["budget_won"]] for request in requests}
        self._takes = {request["request"]: _dearest(request, pledges) for request in requests}
        self._limits = {None: POLICY["limits"]} | {
            track["track"]: track.get("limits", {}) for track in POLICY["tracks"]
        }
        self._selected: Counter[Any] = Counter()
        self._reserved: Counter[Any] = Counter()

    def place(self, entry: Record) -> list[Any]:
        """Result, reason, place in the reserve and awards."""
        awards = self.more(entry, [])
        if awards:
            return ["selected", None, None, awards]
        if not self._met(entry):
            return ["not-selected", "no-demand", None, []]
        if self._full(entry, "selections_per_firm", self._selected, entry["firm"]):
            return ["not-selected", "firm-limit", None, []]
        if self._full(entry, "reserve", self._reserved, "all"):
            return ["not-selected", "reserve-full", None, []]
        for track in (None, entry["track"]):
            self._reserved[track, "all"] += 1
        return ["reserve", None, self._reserved[None, "all"], []]

    def hold(self, entry: Record, awards: list[list[Any]]) -> None:
        """What it has already."""
        for track in (None, entry["track"]):
            self._selected[track, "all"] += 1
            self._selected[track, entry["firm"]] += 1
        for request, units, won in awards:
            self._give(request, units, won)

    def more(self, entry: Record, held: list[list[Any]]) -> list[list[Any]]:
        """What it has after its turn."""
        if not held and (
            self._full(entry, "selections_per_firm", self._selected, entry["firm"])
            or self._full(entry, "places", self._selected, "all")
        ):
            return []
        awards = list(held)
        for one in self._met(entry):
            quantity, budget = self._left[one["request"]]
            capacity = entry["capacity"] - sum(units for _, units, _ in awards)
            units = min(capacity, quantity, min(budget, self._money[one["institution"]]) // entry["price_won"])
            new = one["request"] not in {name for name, *_ in held}
            if units > 0 and new and len(awards) < POLICY["limits"]["requests_per_product"]:
                awards.append([one["request"], units, units * entry["price_won"]])
                self._give(*awards[-1])
        if awards and not held:
            self.hold(entry, [])
        return awards

    def _met(self, entry: Record) -> list[Record]:
        met = [
            request
            for request in self._requests
            if _meets(entry, request) and self._takes[request["request"]] >= entry["price_won"]
        ]
        return sorted(met, key=lambda one: (-self._left[one["request"]][1], sha256(one["request"].encode()).digest()))

    def _full(self, entry: Record, limit: str, counts: Counter[Any], of: object) -> bool:
        stated = [(track, self._limits[track].get(limit)) for track in (None, entry["track"])]
        return any(most is not None and counts[track, of] >= most for track, most in stated)

    def _give(self, request: str, units: int, won: int) -> None:
        self._left[request][0] -= units
        self._left[request][1] -= won
        self._money[request.partition("/")[0]] -= won


def placed(pledges: dict[str, int], requests: list[Record], entries: list[Record], by: Any = Rule) -> list[list[Any]]:
    """Result, reason, place in the reserve and awards of each entry; then, once two thirds of those selected have left,
    what each other has after its turn. `by(pledges, requests)` is who places."""
    first, again = by(pledges, requests), by(pledges, requests)
    lines = [list(first.place(entry)) for entry in entries]
    selected = [place for place, line in enumerate(lines) if line[0] == "selected"]
    held = {place: lines[place][3] for place in selected if not place % 3}
    for place, awards in held.items():
        again.hold(entries[place], awards)
    turns = [
        again.more(entries[place], held.get(place, [])) for place, line in enumerate(lines) if line[0] != "not-selected"
    ]
    return [lines, turns]


def _dearest(asked: Record, pledges: dict[str, int]) -> int:
    budget: int = asked["budget_won"]
    ceiling: int | None = asked["price_ceiling_won"]
    return min(budget, pledges[asked["institution"]], budget if ceiling is None else ceiling)


def _meets(entry: Record, asked: Record) -> bool:
    days, kinds = asked["delivery_days_at_most"], asked["certificate_kinds"]
    return (
        asked["class_code"] == entry["class_code"]
        and (days is None or entry["delivery_days"] <= days)
        and (asked["region"] in (None, *entry["regions"]) or not entry["regions"])
        and (not kinds or any(kind in kinds for kind in entry["certificates"]))
    )


SIZES = [(0, 20), (1, 40), (7, 60), (30, 40), (60, 25), (64, 300), (65, 300), (400, 600), (1500, 1200)]
