"""The market of a matching: what is left of requests and pledges, and who can still buy what.

Money and quantity only shrink. So offers of one kind share a list of the demands they meet, and a bound once found
holds for all later offers.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from services.selection.domain.offers import Award, Demand, Offer


class _Line:
    """A demand and what is left of it. `price_limit`: the highest unit price with all its money left."""

    __slots__ = ("budget", "demand", "price_limit", "quantity", "tie")

    def __init__(self, demand: Demand, pledge: int) -> None:
        ceiling = demand.budget_won if demand.price_ceiling_won is None else demand.price_ceiling_won
        self.demand = demand
        self.quantity = demand.quantity
        self.budget = demand.budget_won
        self.price_limit = min(ceiling, demand.budget_won, pledge)
        self.tie = sha256(demand.request.encode()).digest()

    def give(self, quantity: int, won: int) -> None:
        self.quantity -= quantity
        self.budget -= won


class _Reach:
    """The demands of a class that all offers of one kind meet, apart from the price."""

    __slots__ = ("dearest", "most", "open")

    def __init__(self, lines: list[_Line]) -> None:
        self.open = lines
        self.dearest = max((line.price_limit for line in lines), default=-1)
        """The highest price any of them takes with all its money left."""
        self.most = self.dearest
        """An upper bound on the price any of them takes now."""

    def drop_spent(self, pledges: Mapping[str, int]) -> None:
        self.open = [line for line in self.open if line.quantity]
        left = (min(line.price_limit, line.budget, pledges[line.demand.institution]) for line in self.open)
        self.most = max(left, default=-1)


_OUT_OF_REACH: Final = _Reach([])
"""For a class without demand."""


class _Shelf:
    """The demands of a class, and the kinds of offers that their conditions distinguish."""

    __slots__ = ("_ask_kinds", "_ask_regions", "_days", "_lines", "_reaches")

    def __init__(self, lines: list[_Line]) -> None:
        asked = [line.demand for line in lines]
        self._lines = lines
        self._days = sorted({each.delivery_days_at_most for each in asked if each.delivery_days_at_most is not None})
        self._ask_regions = any(each.region is not None for each in asked)
        self._ask_kinds = any(each.certificate_kinds for each in asked)
        self._reaches: dict[tuple[int, tuple[str, ...], tuple[str, ...]], _Reach] = {}

    def reach(self, offer: Offer) -> _Reach:
        kind = (
            bisect_left(self._days, offer.delivery_days),
            offer.regions if self._ask_regions else (),
            offer.certificates if self._ask_kinds else (),
        )
        reach = self._reaches.get(kind)
        if reach is None:
            reach = self._reaches[kind] = _Reach([line for line in self._lines if _meets(offer, line.demand)])
        return reach


class Market:
    """What is left of all requests and pledges."""

    def __init__(self, demands: Iterable[Demand], pledges: Mapping[str, int]) -> None:
        self._pledged = tuple(sorted(pledges))
        self._pledges = dict(pledges)
        self._lines: list[_Line] = []
        of_class: dict[str, list[_Line]] = {}
        for demand in demands:
            line = _Line(demand, self._pledges.setdefault(demand.institution, 0))
            self._lines.append(line)
            of_class.setdefault(demand.class_code, []).append(line)
        self._shelves = {class_code: _Shelf(lines) for class_code, lines in of_class.items()}

    def reach(self, offer: Offer) -> _Reach:
        """The demands that this offer meets, apart from the price."""
        shelf = self._shelves.get(offer.class_code)
        return _OUT_OF_REACH if shelf is None else shelf.reach(offer)

    def buy(self, offer: Offer, reach: _Reach, requests_at_most: int) -> tuple[Award, ...]:
        """Sells as much of the offer as possible.

        The largest remaining budget buys first, ties by hash of request id.
        """
        return self._take(offer.price_won, offer.capacity, self._fitting(offer.price_won, reach), requests_at_most)

    def buy_more(self, offer: Offer, held: Sequence[Award], requests_at_most: int) -> tuple[Award, ...]:
        """Sells more of an offer that holds awards: to other requests, within its remaining capacity."""
        capacity, asked = offer.capacity - sum(award.quantity for award in held), {award.request for award in held}
        fitting = self._fitting(offer.price_won, self.reach(offer))
        others = [line for line in fitting if line.demand.request not in asked]
        return self._take(offer.price_won, capacity, others, requests_at_most - len(held))

    def occupy(self, awards: Iterable[Award]) -> None:
        """Takes out awards that are held already. Their requests must all be in the market."""
        lines = {line.demand.request: line for line in self._lines}
        for award in awards:
            lines[award.request].give(award.quantity, award.amount_won)
            self._pledges[award.institution] -= award.amount_won

    def state(self) -> dict[str, list[list[str | int]]]:
        """What is left, by id: `[institution, won]` of pledges, `[request, quantity, won]` of requests."""
        requests: list[list[str | int]] = [[line.demand.request, line.quantity, line.budget] for line in self._lines]
        pledges: list[list[str | int]] = [[institution, self._pledges[institution]] for institution in self._pledged]
        return {"pledges": pledges, "requests": sorted(requests)}

    def _fitting(self, price: int, reach: _Reach) -> list[_Line]:
        """The demands that can buy at this price, in the order in which they buy."""
        if price > reach.most:
            return []
        pledges = self._pledges
        fitting = [
            line
            for line in reach.open
            if line.quantity
            and line.budget >= price
            and line.price_limit >= price
            and pledges[line.demand.institution] >= price
        ]
        if not fitting:
            reach.drop_spent(pledges)
        elif len(fitting) > 1:
            fitting.sort(key=lambda line: (-line.budget, line.tie))
        return fitting

    def _take(self, price: int, capacity: int, lines: list[_Line], requests_at_most: int) -> tuple[Award, ...]:
        awards: list[Award] = []
        for line in lines:
            if capacity <= 0 or len(awards) >= requests_at_most:
                break
            institution = line.demand.institution
            units = min(capacity, line.quantity, min(line.budget, self._pledges[institution]) // price)
            if units:
                won = units * price
                capacity -= units
                line.give(units, won)
                self._pledges[institution] -= won
                awards.append(Award(line.demand.request, institution, units, won))
        return tuple(awards)


def _meets(offer: Offer, demand: Demand) -> bool:
    """True if the offer meets every condition except the price."""
    days, region, kinds = demand.delivery_days_at_most, demand.region, demand.certificate_kinds
    return (
        (days is None or offer.delivery_days <= days)
        and (region is None or not offer.regions or region in offer.regions)
        and (not kinds or not set(kinds).isdisjoint(offer.certificates))
    )
