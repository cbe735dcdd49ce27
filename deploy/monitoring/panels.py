"""What each dashboard shows: panels of PromQL expressions, in the order in which an operator asks.

`job` is the service, as `prometheus.yaml` names its jobs. `firstbuy_…` are in docs/metrics.md.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph, or a single number with `stat`. `unit` is one of Grafana's. Each query: expression, legend."""

    title: str
    says: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    stat: bool = False
    warns_at: float | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """`by_service`: a variable chooses the service."""

    name: str
    title: str
    panels: tuple[Panel, ...]
    by_service: bool = False


_PER_CONSUMER: Final = "{{job}} {{topic}}"
PROGRAMME: Final = Board(
    "programme",
    "Firstbuy: will tonight's close hold?",
    (
        Panel(
            "Until the close",
            "Of rounds that are announced or open; below 0: past the close.",
            "s",
            (("max by (round) (firstbuy_round_closes_at_seconds) - time()", "{{round}}"),),
            stat=True,
        ),
        Panel(
            "Past the close without a freeze",
            "More than a minute: runbook 'stuck round'.",
            "s",
            (("max by (round) (firstbuy_round_past_close_seconds)", "{{round}}"),),
            stat=True,
            warns_at=60,
        ),
        Panel(
            "Judged of admitted",
            "1 means that nothing waits.",
            "percentunit",
            (
                (
                    "max by (round) (firstbuy_round_judged) / clamp_min(max by (round) (firstbuy_round_admitted), 1)",
                    "{{round}}",
                ),
            ),
            stat=True,
        ),
        Panel(
            "Buckets that differ",
            "Between intake's manifest and what is judged; it has to end at 0.",
            "short",
            (("max by (round) (firstbuy_bucket_mismatches)", "{{round}}"),),
            stat=True,
            warns_at=1,
        ),
        Panel(
            "Admitted in a second",
            "Applications accepted.",
            "reqps",
            (
                (
                    'sum(rate(firstbuy_http_requests_total{method="POST",route="/rounds/{round}/applications",'
                    'status="201"}[1m]))',
                    "accepted",
                ),
                (
                    'sum(rate(firstbuy_http_requests_total{method="POST",route="/rounds/{round}/applications",'
                    'status=~"5.."}[1m]))',
                    "answered 5xx",
                ),
            ),
        ),
        Panel(
            "Lag, in seconds",
            "How long the oldest unread record has waited.",
            "s",
            (("max by (job, topic) (firstbuy_partition_lag_seconds)", _PER_CONSUMER),),
            warns_at=60,
        ),
        Panel(
            "Applications",
            "By round: admitted, contested, judged, parked, waiting for a registry.",
            "short",
            (
                ("max by (round) (firstbuy_round_admitted)", "{{round}} admitted"),
                ("max by (round) (firstbuy_round_contested)", "{{round}} contested"),
                ("max by (round) (firstbuy_round_judged)", "{{round}} judged"),
                ("max by (round) (firstbuy_round_parked)", "{{round}} parked"),
                ("max by (round) (firstbuy_round_pending)", "{{round}} waits for a registry"),
                ("max by (round) (firstbuy_round_waiting)", "{{round}} waits for the policy"),
                ("max by (round) (firstbuy_round_frozen)", "{{round}} frozen"),
            ),
        ),
        Panel(
            "Age of the outbox",
            "Of the oldest event that is committed and not in Kafka.",
            "s",
            (("max by (job) (firstbuy_outbox_age_seconds)", "{{job}}"),),
            warns_at=30,
        ),
        Panel(
            "Capacity: share of time that a consumer works",
            "At 1 a replica can take no more.",
            "percentunit",
            (("max by (job, topic) (rate(firstbuy_step_seconds_sum[1m]))", _PER_CONSUMER),),
            warns_at=0.8,
        ),
        Panel(
            "Capacity: processor and connections",
            "Cores used by a replica; connections used of the most it may have.",
            "short",
            (
                ("rate(process_cpu_seconds_total[1m])", "{{job}} {{instance}} cores"),
                (
                    'max by (job, instance) (firstbuy_database_connections{state="used"})'
                    ' / clamp_min(max by (job, instance) (firstbuy_database_connections{state="most"}), 1)',
                    "{{job}} {{instance}} connections",
                ),
            ),
        ),
    ),
)
PIPELINE: Final = Board(
    "pipeline",
    "Firstbuy: the pipeline",
    (
        Panel("Records in a second", "Taken by each consumer.", "ops",
              (("sum by (job, topic) (rate(firstbuy_records_total[1m]))", _PER_CONSUMER),)),
        Panel("Lag, in records", "Not read yet.", "short",
              (("sum by (job, topic) (firstbuy_partition_lag_records)", _PER_CONSUMER),)),
        Panel("Lag by partition", "One far above the others has a key that many records share.", "short",
              (("max by (group, partition) (firstbuy_partition_lag_records)", "{{group}} {{partition}}"),)),
        Panel("From arrival to published, 99 of 100", "Of what each consumer takes.", "s",
              (("histogram_quantile(0.99, sum by (job, topic, le) (rate(firstbuy_record_seconds_bucket[5m])))",
                _PER_CONSUMER),)),
        Panel("Stages of a batch", "Mean seconds.", "s",
              (("sum by (job, stage) (rate(firstbuy_stage_seconds_sum[5m]))"
                " / clamp_min(sum by (job, stage) (rate(firstbuy_stage_seconds_count[5m])), 0.001)", "{{job}} {{stage}}"),)),  # noqa: E501
        Panel("Records of a batch", "Mean.", "short",
              (("sum by (job, topic) (rate(firstbuy_batch_records_sum[5m]))"
                " / clamp_min(sum by (job, topic) (rate(firstbuy_batch_records_count[5m])), 0.001)", _PER_CONSUMER),)),
        Panel("Rebalances", "In ten minutes.", "short",
              (("sum by (job) (increase(firstbuy_rebalances_total[10m]))", "{{job}}"),)),
        Panel("Commits", "In a second; `left`: another replica has the partition.", "ops",
              (("sum by (job, outcome) (rate(firstbuy_commits_total[1m]))", "{{job}} {{outcome}}"),)),
        Panel("Steps tried again", "By cause.", "ops",
              (("sum by (job, cause) (rate(firstbuy_step_retries_total[1m]))", "{{job}} {{cause}}"),)),
        Panel("Dead letters", "In ten minutes, and parked records nobody has settled.", "short",
              (("sum by (job, topic) (increase(firstbuy_dead_letters_total[10m]))", _PER_CONSUMER),
               ("max by (job) (firstbuy_parked_records)", "{{job}} not settled")), warns_at=1),
        Panel("Events published in a second", "By service and topic.", "ops",
              (("sum by (job, topic) (rate(firstbuy_published_total[1m]))", _PER_CONSUMER),)),
        Panel("Outbox", "Batches that are not in Kafka.", "short",
              (("max by (job) (firstbuy_outbox_batches)", "{{job}}"),)),
        Panel("Jobs that failed for a round", "In ten minutes.", "short",
              (("sum by (job, duty, round) (increase(firstbuy_round_failures_total[10m]))", "{{job}} {{duty}} {{round}}"),),  # noqa: E501
              warns_at=1),
        Panel("Registries", "Questions without an answer; 1: hardly asked, because it failed.", "short",
              (("max by (registry) (firstbuy_registry_waiting)", "{{registry}} waiting"),
               ("max by (registry) (firstbuy_registry_circuit_open)", "{{registry}} open"),
               ("sum by (registry, outcome) (rate(firstbuy_registry_calls_total[5m]))", "{{registry}} {{outcome}}"))),
        Panel("Documents", "Received in ten minutes, by what became of them.", "short",
              (("sum by (outcome) (increase(firstbuy_documents_total[10m]))", "{{outcome}}"),)),
        Panel("Documents held", "Bytes; waiting: no application names them.", "bytes",
              (("max by (state) (firstbuy_documents_bytes)", "{{state}}"),)),
    ),
)  # fmt: skip
SERVICE: Final = Board(
    "service",
    "Firstbuy: one service",
    (
        Panel("Replicas", "That answer Prometheus.", "short",
              (('sum(up{job="$service"})', "up"), ('count(firstbuy_build_info{job="$service"})', "replicas")), stat=True),  # noqa: E501
        Panel("Requests in a second", "By status.", "reqps",
              (('sum by (status) (rate(firstbuy_http_requests_total{job="$service"}[1m]))', "{{status}}"),)),
        Panel("Requests in a second, by route", "`none`: no route takes them.", "reqps",
              (('sum by (method, route) (rate(firstbuy_http_requests_total{job="$service"}[1m]))',
                "{{method}} {{route}}"),)),
        Panel("Until an answer begins, 95 of 100", "By route.", "s",
              (('histogram_quantile(0.95, sum by (route, le) (rate(firstbuy_http_seconds_bucket{job="$service"}[5m])))',
                "{{route}}"),)),
        Panel("Connections to the database", "By replica.", "short",
              (('max by (instance, state) (firstbuy_database_connections{job="$service"})',
                "{{instance}} {{state}}"),)),
        Panel("Processor", "Cores of a replica.", "short",
              (('rate(process_cpu_seconds_total{job="$service"}[1m])', "{{instance}}"),)),
        Panel("Memory", "Of a replica.", "bytes",
              (('process_resident_memory_bytes{job="$service"}', "{{instance}}"),)),
        Panel("Files open", "Of those that may be.", "percentunit",
              (('process_open_fds{job="$service"} / process_max_fds{job="$service"}', "{{instance}}"),)),
        Panel("Lag, in seconds", "By topic.", "s",
              (('max by (topic) (firstbuy_partition_lag_seconds{job="$service"})', "{{topic}}"),)),
        Panel("Certificates end in", "Nothing is shown that is not used.", "s",
              (('min by (kind) (firstbuy_end_seconds{job="$service"} < +Inf)', "{{kind}}"),)),
        Panel("Clock", "Difference from the database's.", "s",
              (("firstbuy_clock_offset_seconds", "{{instance}}"),)),
    ),
    by_service=True,
)  # fmt: skip
INSTITUTIONS: Final = Board(
    "institutions",
    "Firstbuy: institutions",
    (
        Panel("Inboxes that can't be read", "By trouble.", "short",
              (("max by (trouble) (firstbuy_inboxes_unreadable)", "{{trouble}}"),), warns_at=1),
        Panel("Requests of institutions", "In a second, by route and status.", "reqps",
              (('sum by (route, status) (rate(firstbuy_http_requests_total{job="intake",route=~"/institutions.*"}[5m]))',  # noqa: E501
                "{{route}} {{status}}"),)),
        Panel("Messages to institutions", "Webhooks and outboxes, settled in a second.", "ops",
              (('sum by (channel, state) (rate(firstbuy_deliveries_total{channel=~"webhook|outbox"}[5m]))',
                "{{channel}} {{state}}"),)),
        Panel("First message that is due", "For how long.", "s",
              (('max by (channel) (firstbuy_delivery_overdue_seconds{channel=~"webhook|outbox"})', "{{channel}}"),),
              warns_at=600),
        Panel("Kinds of messages", "In an hour.", "short",
              (('sum by (kind) (increase(firstbuy_notices_total{channel=~"webhook|outbox"}[1h]))', "{{kind}}"),)),
        Panel("Purchase requests read in a second", "By selection.", "ops",
              (('sum by (topic) (rate(firstbuy_records_total{job="selection",topic=~".*purchase-requests.*"}[5m]))',
                "{{topic}}"),)),
    ),
)  # fmt: skip
NOTICES: Final = Board(
    "notices",
    "Firstbuy: notices",
    (
        Panel("Due now", "By channel.", "short",
              (("max by (channel) (firstbuy_deliveries_due)", "{{channel}}"),)),
        Panel("First that is due", "For how long.", "s",
              (("max by (channel) (firstbuy_delivery_overdue_seconds)", "{{channel}}"),), warns_at=600),
        Panel("Attempts in a second", "`pending`: tried again later.", "ops",
              (("sum by (channel, state) (rate(firstbuy_deliveries_total[5m]))", "{{channel}} {{state}}"),)),
        Panel("Share that failed for good", "In an hour.", "percentunit",
              (('sum by (channel) (increase(firstbuy_deliveries_total{state="failed"}[1h]))'
                ' / clamp_min(sum by (channel) (increase(firstbuy_deliveries_total{state=~"sent|failed"}[1h])), 1)',
                "{{channel}}"),), warns_at=0.05),
        Panel("From owed to sent, 95 of 100", "By channel.", "s",
              (("histogram_quantile(0.95, sum by (channel, le) (rate(firstbuy_notice_seconds_bucket[15m])))",
                "{{channel}}"),)),
        Panel("Kinds", "Sent in an hour.", "short",
              (('sum by (kind) (increase(firstbuy_notices_total{state="sent"}[1h]))', "{{kind}}"),)),
        Panel("Mails that came back", "In an hour.", "short",
              (("sum by (outcome) (increase(firstbuy_returned_mails_total[1h]))", "{{outcome}}"),)),
    ),
)  # fmt: skip
BOARDS: Final = (PROGRAMME, PIPELINE, SERVICE, INSTITUTIONS, NOTICES)
