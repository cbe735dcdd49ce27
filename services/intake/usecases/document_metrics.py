"""Metrics of documents: what becomes of uploads, and how much is held."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.intake.storage import measures
from shared.service.postgres import Pool, connected


class UploadOutcome(StrEnum):
    """What became of a document that was fully received. `away`: the object store or the virus scanner; `full`: there
    is no room."""

    TAKEN = "taken"
    REFUSED = "refused"
    AWAY = "away"
    FULL = "full"


class DocumentMetrics:
    """Counts uploads, and measures what the database says is held."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._uploads = Counter("firstbuy_documents", "Documents received", ["outcome"], registry=registry)
        for outcome in UploadOutcome:
            self._uploads.labels(outcome.value)
        self._bytes = Gauge("firstbuy_documents_bytes", "Bytes of documents", ["state"], registry=registry)
        for state in ("held", "waiting"):
            self._bytes.labels(state)

    def count(self, outcome: UploadOutcome) -> None:
        """Counts one."""
        self._uploads.labels(outcome.value).inc()

    async def refresh(self, pool: Pool) -> None:
        """Measures anew."""
        async with connected(pool) as connection:
            held, waiting = await measures.documents(connection)
        self._bytes.labels("held").set(held)
        self._bytes.labels("waiting").set(waiting)
