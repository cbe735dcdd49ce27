"""Checks whether a changed entry still fits beside the other entries of its firm."""

from dataclasses import replace
from typing import Final

from services.intake.domain.entry_refusals import refused_entry
from services.intake.domain.firms import Caps, Place, came_with, names, place
from services.intake.domain.refused import Refused, conflict
from services.intake.domain.submissions import FirmLimit, Refusal
from services.intake.storage import firms
from services.intake.storage.versions import StoredApplication
from shared.contracts.facts import ApplicationFacts
from shared.contracts.identity import IdentityLevel
from shared.service.postgres import Connection

_ANY_NUMBER: Final = Caps(None, {})


async def placed_beside_others(
    connection: Connection,
    stored: StoredApplication,
    facts: ApplicationFacts,
    identity: IdentityLevel | None = None,
) -> Place | Refused:
    """The entry's place with the new facts. `identity`: its new level, if that changes.

    Refused for another firm or product, for a name of another entry of its party, and where a limit of the firm leaves
    no place. Locks the firm until the transaction ends.
    """
    firm = stored.round, stored.business_number
    await firms.lock(connection, [firm])
    entries = {entry.application: entry for entry in (await firms.entries(connection, [firm]))[firm]}
    own, product = entries.pop(stored.application), names(facts.product)
    if facts.applicant.business_number != stored.business_number or not product & own.names:
        another = "An entry keeps its firm, and its product by reference or by item id: apply anew for another product."
        return conflict("another-product", another)
    asked = replace(own, names=product | came_with(stored.product_key), track=facts.track, withdrawn=False)
    if identity is not None:
        asked = replace(asked, identity=identity)
    stands = not own.withdrawn and asked.track == own.track and asked.names >= own.names
    caps = _ANY_NUMBER if stands else (await firms.caps(connection, [stored.round]))[stored.round]
    placed = place(asked, list(entries.values()), caps)
    return refused_entry(placed) if isinstance(placed, FirmLimit | Refusal) else placed


async def refused_place_alone(
    connection: Connection, stored: StoredApplication, facts: ApplicationFacts
) -> Refused | None:
    """Like `placed_beside_others`, once contests can't be settled any more: also refused where one would begin."""
    placed = await placed_beside_others(connection, stored, facts)
    if isinstance(placed, Refused):
        return placed
    if placed.contested or placed.outranked:
        return conflict(Refusal.ALREADY_ENTERED.value, "Another entry of this firm has this item id or this reference.")
    return None
