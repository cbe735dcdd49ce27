"""What a round of so many applications needs: replicas, partitions, disks, connections; and whether its rush holds.

docs/scaling.md shows the arithmetic. It rests on what one application costs, measured by `tests/bench/costs.py`, and on
how many come in the last minutes. `played` then goes through these minutes second by second, and says how long anybody
waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

MILLISECONDS: Final[Mapping[str, float]] = {"intake": 3.4, "eligibility": 1.5, "selection": 1.5, "notify": 4.8}
"""Processor time of each service for one application, from its entry to its last notice."""
SERVERS_MILLISECONDS: Final[Mapping[str, float]] = {"Kafka": 3.5, "PostgreSQL": 3.2}
DATABASE_BYTES: Final[Mapping[str, int]] = {"intake": 6_426, "eligibility": 2_489, "selection": 3_764, "notify": 8_342}
TOPIC_BYTES: Final = 3_150
"""Of all topics together, one copy."""
CONNECTIONS: Final[Mapping[str, int]] = {"intake": 17, "eligibility": 10, "selection": 8, "notify": 8}
"""To PostgreSQL, of one replica: its pool, and the sessions that hold its locks."""
BUSY: Final = 0.6
"""How much of its processor a replica uses at the peak; the rest is for a replica that is lost, and for spikes."""
FULL: Final = 0.7
"""How full a disk may get."""
KEPT_YEARS: Final = 10
COPIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rush:
    """The last minutes before a close: this share of all applications comes evenly within them."""

    share: float = 0.2
    minutes: float = 10.0

    def a_second(self, applications: int) -> float:
        """Applications a second."""
        return applications * self.share / (self.minutes * 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a deployment is given for a round."""

    applications: int
    a_second: float
    replicas: Mapping[str, int]
    partitions: int
    connections: Mapping[str, int]
    database_bytes: Mapping[str, int]
    broker_bytes: int
    server_processors: Mapping[str, float]


def needed(applications: int, rush: Rush, rounds_a_year: int = 2) -> Need:
    """The least that keeps every processor below `BUSY` at the peak. `broker_bytes`: of each of three brokers, with
    what ten years of such rounds keep."""
    peak = rush.a_second(applications)
    replicas = {service: max(1, ceil(peak * each / 1000 / BUSY)) for service, each in MILLISECONDS.items()}
    kept = applications * TOPIC_BYTES * rounds_a_year * KEPT_YEARS
    return Need(
        applications=applications,
        a_second=peak,
        replicas=replicas,
        partitions=_partitions(max(replicas.values())),
        connections={service: count * CONNECTIONS[service] for service, count in replicas.items()},
        database_bytes={service: ceil(applications * size / FULL) for service, size in DATABASE_BYTES.items()},
        broker_bytes=ceil(kept * COPIES / 3 / FULL),
        server_processors={name: peak * each / 1000 / BUSY for name, each in SERVERS_MILLISECONDS.items()},
    )


def _partitions(replicas: int) -> int:
    """Twice the replicas, so that they can double; a multiple of twelve, so that many counts share them evenly."""
    return max(12, ceil(replicas * 2 / 12) * 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a rush went, in seconds: the longest wait for an answer, and for a verdict; until nothing waits."""

    answer: float
    verdict: float
    emptied: float


def played(applications: int, rush: Rush, replicas: Mapping[str, int]) -> Played:
    """Plays the rush: admission first, then judging of what was admitted, each as fast as its processors are."""
    arriving, ends = rush.a_second(applications), int(rush.minutes * 60)
    admits, judges = (1000 * replicas[service] / MILLISECONDS[service] for service in ("intake", "eligibility"))
    waiting = unjudged = 0.0
    longest_answer = longest_verdict = 0.0
    second = 0
    while second < ends or waiting + unjudged > 0:
        waiting += arriving if second < ends else 0
        admitted = min(waiting, admits)
        waiting -= admitted
        unjudged = max(0.0, unjudged + admitted - judges)
        longest_answer = max(longest_answer, waiting / admits)
        longest_verdict = max(longest_verdict, waiting / admits + unjudged / judges)
        second += 1
    return Played(answer=longest_answer, verdict=longest_verdict, emptied=float(second - ends))
