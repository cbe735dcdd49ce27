"""The figures of a deployment's services, out of `/metrics` and `/health/ready` of each replica."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from firstbuy.observing.group_lag import PartitionLag

_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Figures:
    """A replica as it was at `taken_at` (monotonic clock). `missing`: why it is not ready."""

    service: str
    url: str
    taken_at: float
    missing: Mapping[str, str]
    samples: Sequence[tuple[str, Mapping[str, str], float]] = field(default=(), repr=False)

    def total(self, name: str, **labels: str) -> float:
        """The sum of all series with these labels."""
        return sum(value for _, value in self._with(name, labels))

    def most(self, name: str, **labels: str) -> float:
        """The greatest of them; 0 if there is none."""
        return max((value for _, value in self._with(name, labels)), default=0.0)

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """The sums by the values of a label."""
        sums: dict[str, float] = {}
        for has, value in self._with(name, labels):
            sums[has.get(label, "")] = sums.get(has.get(label, ""), 0.0) + value
        return sums

    def _with(self, name: str, labels: Mapping[str, str]) -> Iterable[tuple[Mapping[str, str], float]]:
        for each, has, value in self.samples:
            if each == name and labels.items() <= has.items():
                yield has, value


async def figures(replicas: Sequence[tuple[str, str]]) -> list[Figures]:
    """Of each (service, URL). One that does not answer is missing as a whole."""
    async with httpx2.AsyncClient(timeout=_SECONDS) as client:
        return list(await asyncio.gather(*(_of(client, service, url) for service, url in replicas)))


async def _of(client: httpx2.AsyncClient, service: str, url: str) -> Figures:
    try:
        ready, metrics = await asyncio.gather(client.get(f"{url}/health/ready"), client.get(f"{url}/metrics"))
        missing = ready.json()["missing"]
        families = text_string_to_metric_families(metrics.raise_for_status().text)
        samples = [(each.name, each.labels, each.value) for family in families for each in family.samples]
    except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
        return Figures(service, url, time.monotonic(), {"answer": type(error).__name__})
    named = next((labels["service"] for name, labels, _ in samples if name == "firstbuy_build_info"), service)
    return Figures(named, url, time.monotonic(), missing, samples)


def lag_of(found: Iterable[Figures]) -> list[PartitionLag]:
    """The lag that replicas export, as of their last fetch."""
    rows = []
    for each in found:
        seconds = {
            (labels["group"], labels["partition"]): value
            for name, labels, value in each.samples
            if name == "firstbuy_partition_lag_seconds"
        }
        for name, labels, value in each.samples:
            if name == "firstbuy_partition_lag_records":
                age = seconds.get((labels["group"], labels["partition"]))
                place = (labels["group"], labels["topic"], int(labels["partition"]))
                rows.append(PartitionLag(each.service, *place, int(value), age))
    return rows
