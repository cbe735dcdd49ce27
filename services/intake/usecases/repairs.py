"""Answers requests on `repairs.v1`: a bucket's complete list, and its rows once more."""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from pydantic_core import from_json

from services.intake.storage import repairs, rounds
from services.intake.storage.repairs import NewestVersion, PublishedRequest
from services.intake.usecases.entry_events import submitted_event
from shared.contracts import topics
from shared.contracts.events import ApplicationWithdrawn, BucketRequested, Manifest, RepairSubject
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.kafka.records import events_of
from shared.kafka.step import Incoming
from shared.service.postgres import Connection
from shared.service.repairs import is_bucket_of, listed

_log = structlog.get_logger()


class Repairs:
    """Intake owns applications and requests; it lists a bucket only if it matches the published root."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    async def answer(self, connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        """Answers requests for buckets of the current epoch."""
        published: list[Outgoing] = []
        for event in events_of(batch, BucketRequested):
            published += await self._answer(connection, event.body, event.id)
        return published

    async def _answer(self, connection: Connection, asked: BucketRequested, request_id: str) -> Sequence[Outgoing]:
        stored = await rounds.load(connection, asked.round)
        if asked.subject is RepairSubject.VERDICTS or stored is None or stored.epoch != asked.epoch:
            return ()  # another service's, or of a past epoch: whoever still needs it asks in the new one
        of_applications = asked.subject is RepairSubject.APPLICATIONS
        manifest = Manifest.model_validate(stored.applications if of_applications else stored.requests)
        find = repairs.application_leaves if of_applications else repairs.request_leaves
        leaves = await find(connection, asked.round, asked.bucket)
        where = {"round": asked.round, "epoch": asked.epoch, "subject": asked.subject.value, "bucket": asked.bucket}
        if not is_bucket_of(manifest, asked.bucket, leaves):
            _log.error("left request unanswered: differs from frozen set", **where, requested_by=asked.requested_by)
            return ()
        _log.info("listed bucket", **where, leaves=len(leaves), requested_by=asked.requested_by)
        answer = listed(asked, request_id, leaves, self._now())
        if of_applications:
            versions = await repairs.newest_versions(connection, asked.round, asked.bucket)
            return [answer, *(_application(asked.round, version) for version in versions)]
        requests = await repairs.published_requests(connection, asked.round, asked.bucket)
        return [answer, *(event for event in map(_request, requests) if event is not None)]


def _application(round_id: str, newest: NewestVersion) -> Outgoing:
    """The event of this version as published, under the same id."""
    version = newest.version
    if not newest.withdrawn:
        return submitted_event(round_id, newest.party, version, None)
    facts = from_json(version.facts)
    event = ApplicationWithdrawn(
        round=round_id,
        application=version.identifier,
        party=newest.party,
        version=version.version,
        received_at=version.received_at,
        reason=facts.get("reason", ""),
        act=facts.get("act"),
        outranked=facts.get("outranked", False),
    )
    # A reason that was not stored can't be repeated, and an id always means the same event.
    again = () if "reason" in facts else ("without its reason",)
    identifier = event_id("application", version.identifier, version.version, *again)
    return outgoing(topics.APPLICATIONS.name, version.identifier, event, event_id=identifier, time=version.received_at)


def _request(newest: PublishedRequest) -> Outgoing | None:
    if newest.body is None or newest.received_at is None:
        _log.error("can't republish request: its event was not stored", request=newest.request)
        return None
    return Outgoing(
        topic=topics.PURCHASE_REQUESTS.name,
        key=newest.request,
        type="PurchaseRequestWithdrawn" if newest.withdrawn else "PurchaseRequestAccepted",
        id=event_id("purchase-request", newest.request, newest.version),
        subject=newest.request,
        time=newest.received_at,
        body=newest.body,
    )
