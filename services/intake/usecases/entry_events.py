"""Events of an entry's version, its contact and its token."""

from datetime import datetime

from services.intake.domain.entries import EntryVersion
from services.intake.domain.submissions import ContactDetails, Entry
from services.intake.storage.versions import StoredApplication
from shared.contracts import topics
from shared.contracts.events import AccessTokenChanged
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.proof.canonical import canonical_json
from shared.service.networks import named


def entry_events(entry: Entry, networks: bytes | None = None) -> tuple[Outgoing, Outgoing]:
    """The events of a new entry. `networks`: the key for names of networks; without it none is stated."""
    submission = entry.submission
    return (
        submitted_event(entry.round, entry.party, entry.first, submission.traceparent),
        contact_event(entry.party, submission.contact, entry.first, submission.traceparent, networks),
    )


def submitted_event(round_id: str, party: str, version: EntryVersion, traceparent: str | None) -> Outgoing:
    """ApplicationSubmitted. Its JSON is assembled by hand around facts that are canonical JSON already."""
    arrived = f'"arrived_at":"{_written(version.arrived_at)}",' if version.arrived_at else ""
    contested = '"contested":true,' if version.contested else ""
    identity = f'"identity":"{version.identity}",' if version.identity else ""
    restated = '"restated":true,' if version.restated else ""
    body = (
        f'{{"application":"{version.identifier}",{arrived}{contested}"facts":{version.facts},{identity}"nonce":"{version.nonce}",'
        f'"party":"{party}","payload_hash":"{version.payload_hash}","received_at":"{_utc(version)}",{restated}'
        f'"round":"{round_id}","version":{version.version}}}'
    )
    return Outgoing(
        topic=topics.APPLICATIONS.name,
        key=version.identifier,
        type="ApplicationSubmitted",
        id=event_id("application", version.identifier, version.version),
        subject=version.identifier,
        time=version.received_at,
        body=body.encode(),
        traceparent=traceparent,
    )


def contact_event(
    party: str, contact: ContactDetails, version: EntryVersion, traceparent: str | None, networks: bytes | None
) -> Outgoing:
    """ContactChanged, of a contact that was validated by its contract."""
    body = {
        "changed_at": _utc(version),
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
        id=event_id("contact", party, version.identifier, version.version),
        subject=party,
        time=version.received_at,
        body=canonical_json(body),
        traceparent=traceparent,
    )


def _utc(version: EntryVersion) -> str:
    return _written(version.received_at)


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


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
