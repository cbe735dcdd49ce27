"""Events of an entry's version, its contact and its token."""

from datetime import datetime

from services.intake.domain.entries import StatedVersion
from services.intake.domain.networks import named
from services.intake.domain.submissions import ContactDetails, Entry
from services.intake.storage.versions import StoredApplication
from shared.contracts import topics
from shared.contracts.events import AccessTokenChanged
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.proof.canonical import canonical_json


def entry_events(entry: Entry, networks: bytes | None = None) -> tuple[Outgoing, Outgoing]:
    """The events of a new entry. `networks`: the key for names of networks; without it none is stated."""
    submission = entry.submission
    return (
        submitted_event(entry.round, entry.party, entry.stated, submission.traceparent),
        contact_event(entry.party, submission.contact, entry.stated, submission.traceparent, networks),
    )


def submitted_event(round_id: str, party: str, stated: StatedVersion, traceparent: str | None) -> Outgoing:
    """ApplicationSubmitted. Its JSON is assembled by hand around facts that are canonical JSON already."""
    contested = '"contested":true,' if stated.contested else ""
    identity = f'"identity":"{stated.identity}",' if stated.identity else ""
    restated = '"restated":true,' if stated.restated else ""
    body = (
        f'{{"application":"{stated.identifier}",{contested}"facts":{stated.facts},{identity}"nonce":"{stated.nonce}",'
        f'"party":"{party}","payload_hash":"{stated.payload_hash}","received_at":"{_utc(stated)}",{restated}'
        f'"round":"{round_id}","version":{stated.version}}}'
    )
    return Outgoing(
        topic=topics.APPLICATIONS.name,
        key=stated.identifier,
        type="ApplicationSubmitted",
        id=event_id("application", stated.identifier, stated.version),
        subject=stated.identifier,
        time=stated.received_at,
        body=body.encode(),
        traceparent=traceparent,
    )


def contact_event(
    party: str, contact: ContactDetails, stated: StatedVersion, traceparent: str | None, networks: bytes | None
) -> Outgoing:
    """ContactChanged, of a contact that was validated by its contract."""
    body = {
        "changed_at": _utc(stated),
        "email": contact.email,
        "language": contact.language,
        "name": contact.name,
        "party": party,
        "phone": contact.phone,
    }
    if network := named(contact.network, networks):
        body["network"] = network
    return Outgoing(
        topic=topics.CONTACTS.name,
        key=party,
        type="ContactChanged",
        id=event_id("contact", party, stated.identifier, stated.version),
        subject=party,
        time=stated.received_at,
        body=canonical_json(body),
        traceparent=traceparent,
    )


def _utc(stated: StatedVersion) -> str:
    return stated.received_at.isoformat().replace("+00:00", "Z")


def token_event(
    stored: StoredApplication,
    generation: int,
    asked_at: datetime,
    *,
    in_force: int,
    token: str | None = None,
) -> Outgoing:
    """AccessTokenChanged."""
    event = AccessTokenChanged(
        application=stored.application,
        party=stored.party,
        round=stored.round,
        generation=generation,
        token=token,
        asked_at=asked_at,
        in_force=in_force,
    )
    state = "sent" if token else "used" if in_force == generation else "over"
    identifier = event_id("token", stored.application, generation, state)
    return outgoing(topics.CONTACTS.name, token_key(stored.application), event, event_id=identifier, time=asked_at)


def token_key(application: str) -> str:
    """Unlike any party's id or institution's code."""
    return f"token/{application}"
