"""A contact is erased by a tombstone on contacts.v1: whoever copied it forgets it, and compaction takes the rest."""

from datetime import datetime

from shared.contracts import topics
from shared.contracts.events import ContactChanged
from shared.kafka.cloudevents import Outgoing, event_id


def tombstone(party: str, now: datetime) -> Outgoing:
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
