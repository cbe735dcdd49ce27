"""The act that ends the wait for a registry. It changes no verdict, so it opens no epoch."""

from services.intake.domain.acts import ProposedAct
from services.intake.domain.refused import Refused, conflict, unfit
from services.intake.domain.rounds import RoundStatus
from services.intake.storage.rounds import StoredRound
from services.intake.usecases.acts.act_types import Approved, Done, Preview, Terms, text
from services.intake.usecases.round_events import round_event
from shared.contracts.events import RegistryWaived
from shared.contracts.registries import Registry
from shared.service.postgres import Connection


async def waive_terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """The `registry`, one that the round's policy asks."""
    if stored.window.status in (RoundStatus.VOID, RoundStatus.FINAL):
        return conflict("ended", f"The round is {stored.window.status} already.")
    uses = [use["registry"] for use in stored.policy.get("registries") or ()]
    registry = text(asked, "registry")
    if isinstance(registry, Refused):
        return registry
    if registry not in uses:
        known = ", ".join(uses) or "none"
        return unfit("unknown-registry", f"Name a registry that this round's policy asks in /terms: {known}.")
    return {"registry": registry}


async def preview(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview:
    """Whether the registry is waited for."""
    asked = {"status": stored.window.status.value, "registry": act.terms["registry"]}
    return Preview(asked | {"waited_for": True}, asked | {"waited_for": False})


async def waive(approved: Approved) -> Done:
    """From now on, what the registry has not answered is judged as stated."""
    registry = Registry(approved.act.terms["registry"])
    event = RegistryWaived(
        round=approved.act.round,
        actors=approved.actors,
        reason=approved.act.reason,
        registry=registry,
        waived_at=approved.now,
    )
    return Done([round_event(event, f"registry-waived {approved.act.act}", 0, approved.now)])
