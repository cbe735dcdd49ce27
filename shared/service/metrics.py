"""The metrics of every service, for Prometheus. docs/metrics.md lists all, with the question that each answers.

Whatever labels are known at the start exist from then on, with 0: an alert can't fire on what does not exist.
"""

from collections.abc import Sequence
from importlib import metadata
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

_BATCHES: Final = (1, 10, 50, 100, 250, 500, 1000, 2000, 5000)
_STAGES: Final = (0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 30, 60)
_RECORDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_HTTP: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
STAGES: Final = ("decode", "save", "publish", "commit")
COMMITS: Final = ("committed", "left")
SAMPLED: Final = 100
"""Most records of a batch whose latency is observed, evenly spread over it."""
CONNECTIONS: Final = ("used", "idle", "most")


class Metrics:
    """The metrics of every service, in a registry of their own; services register their own too."""

    def __init__(self, service: str = "", replica: str = "") -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def counter(name: str, says: str, *labels: str) -> Counter:
            return Counter(f"firstbuy_{name}", says, labels, registry=registry)

        def gauge(name: str, says: str, *labels: str) -> Gauge:
            return Gauge(f"firstbuy_{name}", says, labels, registry=registry)

        def histogram(name: str, says: str, buckets: Sequence[float], *labels: str) -> Histogram:
            return Histogram(f"firstbuy_{name}", says, labels, buckets=buckets, registry=registry)

        build = gauge("build_info", "Always 1, with service, replica and version", "service", "replica", "version")
        build.labels(service, replica, metadata.version("firstbuy")).set(1)
        self.records = counter("records", "Records handled", "topic")
        self.steps = histogram("step_seconds", "Seconds from batch to saved", Histogram.DEFAULT_BUCKETS, "topic")
        self.dead_letters = counter("dead_letters", "Records parked", "topic")
        self.retries = counter("step_retries", "Steps tried again", "topic", "cause")
        self.published = counter("published", "Events published", "topic")
        self.lag = gauge("lag_records", "Records not read yet", "topic")
        self.round_failures = counter("round_failures", "Jobs that failed for a round", "duty", "round")

        place = ("group", "topic", "partition")
        self.partition_lag = gauge("partition_lag_records", "Records not read yet, by partition", *place)
        self.partition_lag_seconds = gauge("partition_lag_seconds", "Age of the oldest record not read yet", *place)
        self.rebalances = counter("rebalances", "Times partitions were assigned", "topic")
        self.commits = counter("commits", "Commits of offsets to Kafka", "topic", "outcome")
        self.batches = histogram("batch_records", "Records of a batch", _BATCHES, "topic")
        self.stages = histogram("stage_seconds", "Seconds of a stage of a batch", _STAGES, "topic", "stage")
        until = "Seconds from the broker's stamp until what follows is published, of up to 100 records of each batch"
        self.latency = histogram("record_seconds", until, _RECORDS, "topic")

        self.http_requests = counter("http_requests", "Requests answered", "method", "route", "status")
        self.http_seconds = histogram("http_seconds", "Seconds until an answer begins", _HTTP, "method", "route")

        self.outbox_age = gauge("outbox_age_seconds", "Age of the oldest unpublished event")
        self.outbox_batches = gauge("outbox_batches", "Batches of events not published yet, up to 1000")
        self.parked = gauge("parked_records", "Parked records that nobody has settled, up to 100,000")
        self.connections = gauge("database_connections", "Connections to the database", "state")
        self.ends = gauge("end_seconds", "Seconds until the earliest of a kind ends; +Inf: none is used", "kind")
        for state in CONNECTIONS:
            self.connections.labels(state)

    def know_topic(self, topic: str) -> None:
        """Makes the metrics of a consumed topic, with 0."""
        for metric in (self.records, self.steps, self.dead_letters, self.batches, self.latency, self.rebalances):
            metric.labels(topic)
        self.lag.labels(topic)
        for cause in ("bisected", "database-away"):
            self.retries.labels(topic if cause == "bisected" else "", cause)
        for stage in STAGES:
            self.stages.labels(topic, stage)
        for outcome in COMMITS:
            self.commits.labels(topic, outcome)


def open_metrics(service: str = "", replica: str = "") -> Metrics:
    """Metrics in a registry of their own."""
    return Metrics(service, replica)
