"""When a registry may be asked: counted on a clock of numbers, without waiting."""

from services.eligibility.domain.gate import Circuit, Gate

GATE = Gate(calls_per_second=8, failures_to_open=3, first_pause=1, open_pause=30)
MIDDLE = 0.5
"""Of the jitter: pauses as they are."""


def test_no_more_calls_are_made_in_a_second_than_set() -> None:
    gate, now, made = GATE, 0.0, []
    while now < 5:
        now += gate.wait(now)
        gate = gate.called(now).answered()
        made.append(now)
    assert all(sum(start <= moment < start + 1 for moment in made) <= 8 for start in made)
    assert len(made) == 5 * 8 + 1


def test_pauses_grow_after_each_failure_and_an_answer_ends_them() -> None:
    gate = GATE.failed(0, 0, MIDDLE)
    assert (gate.wait(0), gate.wait(0.25), gate.wait(2)) == (1, 0.75, 0)
    gate = gate.failed(1, 0, MIDDLE)
    assert gate.wait(1) == 2
    assert gate.answered().failures == 0
    assert gate.answered().failed(3, 0, MIDDLE).wait(3) == 1


def test_jitter_spreads_pauses_over_half_to_one_and_a_half() -> None:
    assert GATE.failed(0, 0, 0).wait(0) == 0.5
    assert 1.49 < GATE.failed(0, 0, 0.999).wait(0) < 1.5


def test_the_circuit_opens_after_so_many_failures_and_closes_with_an_answer() -> None:
    gate, now = GATE, 0.0
    for expected in (Circuit.CLOSED, Circuit.CLOSED, Circuit.OPEN, Circuit.OPEN):
        gate = gate.failed(now, 0, MIDDLE)
        assert gate.circuit is expected
        now += gate.wait(now)
    assert gate.failed(now, 0, MIDDLE).wait(now) == 30
    assert gate.answered().circuit is Circuit.CLOSED


def test_what_the_registry_asks_for_is_kept_to_if_it_is_longer() -> None:
    assert GATE.failed(0, 120, MIDDLE).wait(0) == 120
    assert GATE.failed(0, 0.1, MIDDLE).wait(0) == 1
    assert GATE.failed(0, 120, MIDDLE).answered().wait(0) == 120
