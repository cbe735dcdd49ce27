"""Takes an entry out of its round: for its firm, by an officers' act, or because another entry outranks it."""

from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.entries import entry_version, nonce, withdrawal_nonce
from services.intake.domain.receipts import receipt_of, signed
from services.intake.storage import tokens, versions
from services.intake.storage.versions import StoredApplication
from shared.contracts import topics
from shared.contracts.events import ApplicationWithdrawn
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.proof.canonical import Json
from shared.proof.signing import Signer
from shared.service.postgres import Connection


@dataclass(frozen=True, slots=True)
class Leave:
    """Why the entry leaves, and through what: an officers' act, intake itself (`outranked`), or else the firm."""

    reason: str
    act: str | None = None
    outranked: bool = False

    def payload(self) -> Json:
        """What the payload hash of the withdrawing version covers."""
        payload: dict[str, Json] = {"reason": self.reason, "withdrawn": True}
        if self.act is not None:
            payload["act"] = self.act
        if self.outranked:
            payload["outranked"] = True
        return payload


async def take_out(
    connection: Connection,
    stored: StoredApplication,
    leave: Leave,
    received_at: datetime,
    seed: str | None,
    signer: Signer,
    trace: str | None = None,
) -> Outgoing:
    """Appends a withdrawing version, so that the entry is out wherever versions are compared. `received_at`: programme
    time."""
    application = stored.application
    newest, _ = await versions.lock(connection, application)
    version = newest + 1
    secret = await tokens.secret(connection, "access-tokens")
    drawn = nonce(seed, application, version, withdrawal_nonce(secret, application, version))
    withdrawal = entry_version(application, version, received_at, drawn, leave.payload())
    await versions.append(connection, withdrawal, signed(receipt_of(stored.round, withdrawal, withdrawn=True), signer))
    event = ApplicationWithdrawn(
        round=stored.round,
        application=application,
        party=stored.party,
        version=version,
        received_at=received_at,
        reason=leave.reason,
        act=leave.act,
        outranked=leave.outranked,
    )
    identifier = event_id("application", application, version)
    return outgoing(
        topics.APPLICATIONS.name, application, event, event_id=identifier, time=received_at, traceparent=trace
    )
