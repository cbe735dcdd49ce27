"""What a service exports, read as Prometheus reads it."""

import httpx2
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(client: httpx2.AsyncClient, url: str) -> Samples:
    """All samples of a service."""
    answer = (await client.get(f"{url}/metrics")).raise_for_status()
    families = text_string_to_metric_families(answer.text)
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def total(samples: Samples, name: str, **labels: str) -> float | None:
    """The sum of the series with these labels; None if there is none."""
    found = [value for (each, has), value in samples.items() if each == name and labels.items() <= dict(has).items()]
    return sum(found) if found else None
