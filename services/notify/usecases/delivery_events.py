"""Events of deliveries.v1 (delivered, failed, contact disowned), and the audit row for deliveries given up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.notify.storage.deliveries import Delivery
from services.notify.storage.disowning import Entry
from shared.contracts import topics
from shared.contracts.events import ContactDisowned, NoticeDelivered, NoticeFailed
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.proof.canonical import sha256_hex
from shared.service import audit
from shared.service.postgres import Connection


def delivered(delivery: Delivery, message_id: str, now: datetime) -> Outgoing:
    """`now` is programme time, here and below."""
    event = NoticeDelivered(**_stated(delivery), message_id=message_id, delivered_at=now)
    return _announcement(delivery, event, "notice-delivered", now)


def failed(delivery: Delivery, error: str, now: datetime) -> Outgoing:
    """A delivery that is given up, with its stable error code."""
    event = NoticeFailed(**_stated(delivery), error=error, failed_at=now)
    return _announcement(delivery, event, "notice-failed", now)


def contact_disowned(entry: Entry, now: datetime) -> Outgoing:
    """Names the application, never the address."""
    event = ContactDisowned(application=entry.application, round=entry.round, party=entry.party, disowned_at=now)
    identifier = event_id("contact-disowned", entry.application, now.isoformat())
    return outgoing(topics.DELIVERIES.name, entry.application, event, event_id=identifier, time=now)


def _stated(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery": delivery.id,
        "round": delivery.round,
        "kind": delivery.kind,
        "subject": delivery.subject,
        "occasion": delivery.occasion,
        "recipient": delivery.recipient,
        "channel": delivery.channel,
        "attempts": delivery.attempts,
    }


async def gave_up(connection: Connection, now: datetime, failures: Sequence[Outgoing]) -> list[Outgoing]:
    """One audit row for all deliveries given up together: their event ids and content hashes, sealed.

    Giving up is the only decision notify takes; delivered mails are on deliveries.v1 but not in its audit log.
    """
    if not failures:
        return []
    sealed = {"events": [[event.id, sha256_hex(event.body or b"")] for event in failures]}
    return [await audit.record(connection, "notify", now, "notify", "give-up", {"notices": len(failures)}, sealed)]


def _announcement(delivery: Delivery, event: NoticeDelivered | NoticeFailed, name: str, now: datetime) -> Outgoing:
    """The event id includes the attempts: a retry may end differently, and is then another event."""
    return outgoing(
        topics.DELIVERIES.name,
        delivery.id,
        event,
        event_id=event_id(name, delivery.id, delivery.attempts),
        time=now,
        traceparent=delivery.traceparent,
    )
