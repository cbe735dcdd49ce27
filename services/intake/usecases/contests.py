"""Settles a firm's entries after one of them came, changed or left: contests begin and end, outranked entries leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Final

from services.intake.domain.entries import nonce, restate
from services.intake.domain.firms import contested
from services.intake.domain.receipts import receipt_of, signed
from services.intake.storage import firms, versions
from services.intake.storage.firms import Firm
from services.intake.usecases.entry_events import submitted_event
from services.intake.usecases.withdrawal import Leave, take_out
from shared.kafka.cloudevents import Outgoing
from shared.proof.signing import Signer
from shared.service.postgres import Connection

OUTRANKED: Final = Leave("another entry is surer to come from this firm", outranked=True)


@dataclass(frozen=True, slots=True)
class Settling:
    """Everything needed to settle a firm's entries, under its lock. `received_at`: programme time."""

    connection: Connection
    firm: Firm
    received_at: datetime
    seed: str | None
    signer: Signer

    async def take_out(self, application: str, leave: Leave) -> list[Outgoing]:
        """Withdraws an entry; no event if it is withdrawn already."""
        stored = await versions.load(self.connection, application)
        if stored is None or stored.withdrawn:
            return []
        return [await take_out(self.connection, stored, leave, self.received_at, self.seed, self.signer)]

    async def restate(self, application: str, *, contested: bool) -> Outgoing:
        """A version of intake's own, with the same facts. Raises LookupError."""
        await versions.lock(self.connection, application)
        stored = await versions.load(self.connection, application)
        if stored is None:
            raise LookupError(f"no application {application}")
        drawn = nonce(self.seed, application, stored.newest.version + 1, token_hex(16))
        version = restate(stored.newest, self.received_at, drawn, contested=contested)
        await versions.append(self.connection, version, signed(receipt_of(stored.round, version), self.signer))
        return submitted_event(stored.round, stored.party, version, None)


async def settle(settling: Settling, outranked: Sequence[str] = ()) -> list[Outgoing]:
    """Takes out outranked entries, and restates each entry whose contest began or ended."""
    events = []
    for application in outranked:
        events += await settling.take_out(application, OUTRANKED)
    standing = (await firms.entries(settling.connection, [settling.firm]))[settling.firm]
    disputed = contested(standing)
    for entry in standing:
        is_contested = entry.application in disputed
        if not entry.withdrawn and entry.contested != is_contested:
            events.append(await settling.restate(entry.application, contested=is_contested))
    return events
