"""Every metric that the four services export, read from their registries, with the operator's question it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from services.eligibility.app import create_app as eligibility
from services.eligibility.settings import EligibilitySettings
from services.intake.app import create_app as intake
from services.intake.settings import IntakeSettings
from services.notify.app import create_app as notify
from services.notify.settings import NotifySettings
from services.selection.app import create_app as selection
from services.selection.settings import SelectionSettings

_NOWHERE: Final[Any] = "postgresql://nobody@localhost/nothing"
QUESTIONS: Final[Mapping[str, str]] = {
    "firstbuy_build_info": "Which replicas are there, and of which version?",
    "firstbuy_records": "How many records does a consumer take in a second?",
    "firstbuy_step_seconds": "How long does a batch take until it is saved?",
    "firstbuy_dead_letters": "Does anything come that can't be taken?",
    "firstbuy_step_retries": "Are steps tried again, and why?",
    "firstbuy_published": "How many events does a service write in a second?",
    "firstbuy_lag_records": "How far is a consumer behind?",
    "firstbuy_round_failures": "Does a job fail for a round?",
    "firstbuy_partition_lag_records": "Is one partition behind the others?",
    "firstbuy_partition_lag_seconds": "How long has the oldest unread record waited?",
    "firstbuy_rebalances": "Do replicas come and go?",
    "firstbuy_commits": "Do commits to Kafka succeed (`committed`), or come too late (`left`)?",
    "firstbuy_batch_records": "Are batches full, so that more replicas would help?",
    "firstbuy_stage_seconds": "Which stage of a batch costs: decode, save, publish, commit?",
    "firstbuy_record_seconds": "How long from a record's arrival until what follows from it is published?",
    "firstbuy_http_requests": "How many requests come, and how are they answered? `none`: no route takes them.",
    "firstbuy_http_seconds": "How long does a client wait?",
    "firstbuy_outbox_age_seconds": "Does what is committed reach Kafka?",
    "firstbuy_outbox_batches": "How much waits for Kafka?",
    "firstbuy_parked_records": "Is anything parked that nobody has dealt with?",
    "firstbuy_database_connections": "Is a replica short of connections?",
    "firstbuy_end_seconds": "Which certificate ends soon?",
    "firstbuy_clock_offset_seconds": "Does the server's clock differ from the database's?",
    "firstbuy_documents": "Are documents taken, or refused, or is the store away or full?",
    "firstbuy_documents_bytes": "How much is held, and how much of it does no application name?",
    "firstbuy_inboxes_unreadable": "Can every institution's inbox be read?",
    "firstbuy_round_status": "Which rounds are on?",
    "firstbuy_round_opens_at_seconds": "When does a round open?",
    "firstbuy_round_closes_at_seconds": "How long until the close?",
    "firstbuy_round_past_close_seconds": "Is a freeze late?",
    "firstbuy_round_admitted": "How many applications stand?",
    "firstbuy_round_contested": "How many are contested?",
    "firstbuy_round_judged": "How many of them are judged?",
    "firstbuy_round_parked": "How many could not be judged?",
    "firstbuy_round_waiting": "How many wait for the round's policy?",
    "firstbuy_round_pending": "How many wait for a registry?",
    "firstbuy_round_frozen": "How many were frozen?",
    "firstbuy_bucket_mismatches": "Is what is judged what was frozen, bucket by bucket?",
    "firstbuy_registry_calls": "Do registries answer?",
    "firstbuy_registry_answers": "What do registries answer?",
    "firstbuy_registry_waiting": "How many questions wait for an answer?",
    "firstbuy_registry_circuit_open": "Is a registry hardly asked, because it failed?",
    "firstbuy_notices": "Which kinds of notices go out, and how do attempts end?",
    "firstbuy_deliveries": "Do mails, webhooks and outbox messages get through?",
    "firstbuy_notice_seconds": "How long does somebody wait for a notice?",
    "firstbuy_deliveries_due": "How many deliveries wait to be sent?",
    "firstbuy_delivery_overdue_seconds": "For how long has the first of them waited?",
    "firstbuy_returned_mails": "Do mails come back?",
    "process_cpu_seconds": "How much processor time does a replica use?",
    "process_resident_memory_bytes": "How much memory does a replica use?",
    "process_virtual_memory_bytes": "How much address space does a replica use?",
    "process_start_time_seconds": "When did a replica start?",
    "process_open_fds": "How many files and connections are open?",
    "process_max_fds": "How many may be?",
}


@dataclass(frozen=True, slots=True)
class Exported:
    """A metric. `labels` are its own, without those that Prometheus adds."""

    name: str
    kind: str
    labels: tuple[str, ...]
    services: tuple[str, ...]

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which Prometheus has it."""
        match self.kind:
            case "counter":
                return (f"{self.name}_total",)
            case "histogram":
                return tuple(f"{self.name}{end}" for end in ("_bucket", "_sum", "_count"))
        return (self.name,)


def _apps() -> Mapping[str, FastAPI]:
    secret: Any = "0" * 64
    return {
        "intake": intake(IntakeSettings(database_url=_NOWHERE, operator_token_hash=secret)),
        "eligibility": eligibility(EligibilitySettings(database_url=_NOWHERE)),
        "selection": selection(SelectionSettings(database_url=_NOWHERE)),
        "notify": notify(NotifySettings(database_url=_NOWHERE, smtp_url="smtp://127.0.0.1:25")),
    }


@cache
def exported() -> tuple[Exported, ...]:
    """All metrics by name. Nothing is opened for it."""
    found: dict[str, Exported] = {}
    for service, app in _apps().items():
        for name, kind, labels in _described(app.state.registry):
            before = found.get(name)
            if before is not None and (before.kind, before.labels) != (kind, labels):
                raise ValueError(f"{name} differs between services")
            found[name] = Exported(name, kind, labels, (*(before.services if before else ()), service))
    return tuple(found[name] for name in sorted(found))


def _described(registry: CollectorRegistry) -> list[tuple[str, str, tuple[str, ...]]]:
    described = []
    for collector in registry._collector_to_names:
        labels: tuple[str, ...] = tuple(getattr(collector, "_labelnames", ()))
        families = collector.describe() if hasattr(collector, "describe") else []
        described += [(family.name, family.type, labels) for family in families or collector.collect()]
    return described
