"""Matching under files made to be slow, beside an ordinary one of the same size.

python -m tests.bench.crafted [--sizes 3000 12000]

In one class: as many requests as products, each product meeting others than the next, or only such as have money left
after thousands that have none (issue 18, door 17). The yardstick is a class in which every product meets every request.
A matching that looked at each pair would take 16 times as long at four times the size.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

from services.selection.verify import Matching

Record = dict[str, Any]
Market = tuple[dict[str, int], list[Record], list[Record]]
POLICY: Record = {"limits": {"requests_per_product": 3, "selections_per_firm": 5}, "tracks": [{"track": "general"}]}
MUCH = 10**12


def request(institution: str, number: int, **stated: Any) -> Record:
    return {
        "request": f"{institution}/{number}",
        "institution": institution,
        "class_code": "43211503",
        "quantity": 10**6,
        "budget_won": MUCH,
        "price_ceiling_won": None,
        "certificate_kinds": [],
        "region": None,
        "delivery_days_at_most": None,
    } | stated


def entry(number: int, **stated: Any) -> Record:
    return {
        "application": str(number),
        "firm": number,
        "track": "general",
        "class_code": "43211503",
        "price_won": 1_000,
        "capacity": 1,
        "delivery_days": 1,
        "regions": [],
        "certificates": [],
    } | stated


def ordinary(size: int) -> Market:
    return {"a": MUCH}, [request("a", one) for one in range(size)], [entry(one) for one in range(size)]


def a_kind_each(size: int) -> Market:
    requests = [request("a", one, certificate_kinds=[f"k{one}"]) for one in range(size)]
    return {"a": MUCH}, requests, [entry(one, certificates=[f"k{one}", "k1", "k2", "k3"]) for one in range(size)]


def a_day_each(size: int) -> Market:
    requests = [request("a", one, delivery_days_at_most=one) for one in range(size)]
    return {"a": MUCH}, requests, [entry(one, delivery_days=one) for one in range(size)]


def pledges_below_prices(size: int) -> Market:
    pledges = {f"a{one}": 999 + one for one in range(size)}
    requests = [request(f"a{one}", one) for one in range(size)] + [request("b", 0, budget_won=MUCH // 10)]
    return pledges | {"b": MUCH}, requests, [entry(one, price_won=1_000 + one) for one in range(size)]


def pledges_spent_bit_by_bit(size: int) -> Market:
    """Cheap products take a little of one pledge, dear ones then meet requests that can't pay any more."""
    requests = [request("a", one) for one in range(size)] + [request("b", 0, budget_won=MUCH // 10)]
    prices = [1 if one % 2 else 10**6 - one // 2 for one in range(size)]
    return {"a": 10**6, "b": MUCH}, requests, [entry(one, price_won=price) for one, price in enumerate(prices)]


CRAFTED: tuple[Callable[[int], Market], ...] = (
    a_kind_each,
    a_day_each,
    pledges_below_prices,
    pledges_spent_bit_by_bit,
)


def seconds(market: Market) -> float:
    pledges, requests, entries = market
    began = time.process_time()
    matching = Matching(POLICY, pledges)
    for one in requests:
        matching.ask(one)
    for one in entries:
        matching.place(one)
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[3_000, 12_000])
    sizes = parser.parse_args().sizes
    print(f"{'crafted':<26}" + "".join(f"{size:>9,} s  / ordinary" for size in sizes))
    yardstick = {size: seconds(ordinary(size)) for size in sizes}
    for crafted in CRAFTED:
        took = [(size, seconds(crafted(size))) for size in sizes]
        figures = "".join(f"{one:>11.2f}{one / yardstick[size]:>12.1f}" for size, one in took)
        print(f"{crafted.__name__.replace('_', ' '):<26}{figures}")


if __name__ == "__main__":
    main()
