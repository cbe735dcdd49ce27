"""What a round needs: the arithmetic agrees with the rush as it is played, and both with hand-made cases."""

import pytest

from firstbuy.planning.capacity import BUSY, MILLISECONDS, Rush, needed, played

RUSH = Rush(share=0.2, minutes=10)


@pytest.mark.parametrize("applications", [10_000, 1_000_000, 100_000_000])
def test_with_what_is_needed_nobody_waits(applications: int) -> None:
    need = needed(applications, RUSH)
    went = played(applications, RUSH, need.replicas)
    assert (went.answer, went.verdict, went.emptied) == (0, 0, 0)
    for service, replicas in need.replicas.items():
        assert need.a_second * MILLISECONDS[service] / 1000 <= replicas * BUSY, "no processor is busier than planned"
        assert need.partitions >= 2 * replicas, "replicas can double"


def test_a_replica_too_few_is_told_by_the_rush() -> None:
    need = needed(10_000_000, RUSH)
    half = {service: max(1, int(replicas * BUSY / 2)) for service, replicas in need.replicas.items()}
    went = played(10_000_000, RUSH, half)
    served = half["intake"] * 1000 / MILLISECONDS["intake"]
    left = (need.a_second - served) * RUSH.minutes * 60
    assert went.answer == pytest.approx(left / served, rel=0.01), "what came in and was not served waits at the close"
    assert went.verdict >= went.answer
    assert went.emptied >= left / served - 1


def test_the_cost_grows_with_the_round_and_never_below_one_replica() -> None:
    small, large = needed(1, RUSH), needed(1_000_000, RUSH)
    assert set(small.replicas.values()) == {1}
    assert small.partitions == 12
    assert all(large.replicas[service] >= count for service, count in small.replicas.items())
    assert large.broker_bytes > small.broker_bytes
    assert large.database_bytes["notify"] == pytest.approx(1_000_000 * small.database_bytes["notify"], rel=0.001)


def test_twice_the_share_is_twice_the_peak() -> None:
    assert Rush(share=0.4, minutes=10).a_second(1000) == 2 * RUSH.a_second(1000)
