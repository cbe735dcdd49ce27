"""Puts back contacts, webhooks and renewed tokens from `contacts.v1`."""

from collections.abc import Sequence

from services.intake.domain.entries import access_token
from services.intake.domain.renewals import Renewal
from services.intake.storage import putback, renewals, tokens
from shared.contracts.events import AccessTokenChanged, ContactChanged, WebhookChanged
from shared.kafka.records import Tombstone, events_of
from shared.kafka.step import Incoming
from shared.proof.canonical import sha256_hex
from shared.service.postgres import Connection


async def put_back_contacts(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    """The newest of each party, and of each institution's webhook; a tombstone erases what came before it."""
    newest: dict[str, ContactChanged] = {}
    webhooks: dict[str, WebhookChanged] = {}
    erased: set[str] = set()
    for record in batch:
        if isinstance(record, Tombstone):
            newest.pop(record.key, None)
            webhooks.pop(record.key, None)
            erased.add(record.key)
        elif isinstance(record.body, WebhookChanged):
            webhooks[record.body.institution] = record.body
        elif isinstance(record.body, ContactChanged):
            body = record.body
            known = newest.get(body.party)
            if known is None or known.changed_at <= body.changed_at:
                newest[body.party] = body
    await _put_back_renewals(connection, [event.body for event in events_of(batch, AccessTokenChanged)])
    rows = await putback.contacts(connection, list(newest.values()), sorted(erased))
    return rows + await putback.webhooks(connection, list(webhooks.values()), sorted(erased))


async def _put_back_renewals(connection: Connection, changed: Sequence[AccessTokenChanged]) -> None:
    """Derives each token again from its generation, so that it opens its entry as before."""
    if not changed:
        return
    secret = await tokens.secret(connection, "access-tokens")
    for token in changed:
        known = [
            Renewal(
                generation,
                sha256_hex(access_token(secret, token.application, generation).encode()),
                token.asked_at,
                token.asked_at if generation == token.in_force else None,
            )
            for generation in sorted({token.generation, token.in_force} - {0})
        ]
        await renewals.put_back(connection, token.application, known)
