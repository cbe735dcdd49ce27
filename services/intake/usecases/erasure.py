"""Erases a contact by a tombstone on contacts.v1: whoever copied it deletes it, and compaction removes the rest."""

from datetime import datetime

from shared.contracts import topics
from shared.contracts.events import ContactChanged
from shared.kafka.cloudevents import Outgoing, event_id


def tombstone(party: str, now: datetime) -> Outgoing:
    """The tombstone of a party's contact."""
    identifier = event_id("contact", party, "erased", now.isoformat())
    return Outgoing(
        topic=topics.CONTACTS.name,
        key=party,
        type=ContactChanged.__name__,
        id=identifier,
        subject=party,
        time=now,
        body=None,
    )
