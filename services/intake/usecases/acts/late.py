"""Admitting one application late, with grounds: drafted with the proposal, entered when another officer approves it.

Its id and nonce are drawn with the proposal, so that both officers agree on the exact leaf. It draws under a source
named now and due after the next commitment, since the round's own value may be known already.
"""

from collections.abc import Sequence
from datetime import datetime
from secrets import token_bytes
from typing import Final

from pydantic_core import from_json

from services.intake.domain.acts import ProposedAct
from services.intake.domain.entries import (
    Chance,
    StatedVersion,
    access_token,
    application_id,
    nonce,
    party_id,
    state_version,
)
from services.intake.domain.entry_refusals import refused_entry
from services.intake.domain.firms import FirmEntry, Names, names, place
from services.intake.domain.receipts import receipt_json
from services.intake.domain.refused import Refused, conflict, unfit
from services.intake.domain.submissions import ContactDetails, Entry, FirmLimit, Refusal, Submission
from services.intake.storage import entries, firms, late, tokens
from services.intake.storage.late import LateEntry
from services.intake.storage.rounds import StoredRound
from services.intake.usecases.acts.act_types import Approved, Change, Done, Terms, text
from services.intake.usecases.acts.epochs import TO_BE_JUDGED, foretell_epoch, open_epoch, standing_terms
from services.intake.usecases.entry_events import entry_events
from services.intake.usecases.fitness import fitness_by, unfit_entry
from shared.contracts.facts import FACTS, ApplicationFacts, facts_json, product_key
from shared.service.postgres import Connection

_DRAFTED: Final = ("application", "payload_hash", "business_number")
DRAWN: Final = frozenset({"application", "payload_hash"})
"""Of a draft: its id, and its nonce, by chance."""


async def terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """The set it is added to, and the `source` it draws under; with what was drafted, once it is."""
    source, standing = text(asked, "source"), standing_terms(stored)
    if isinstance(source, Refused):
        return source
    if source not in {one["source"] for one in stored.sources}:
        named = ", ".join(one["source"] for one in stored.sources)
        return unfit("unknown-source", f"Name in /terms/source one of the round's sources: {named}.")
    if isinstance(standing, Refused):
        return standing
    drafted: Terms = {}
    for name in _DRAFTED:
        if name in asked:
            drafted[name] = text(asked, name)
            if isinstance(drafted[name], Refused):
                refused: Refused = drafted[name]
                return refused
    return standing | {"source": source} | drafted


async def draft(
    connection: Connection, stored: StoredRound, facts: ApplicationFacts, contact: ContactDetails, now: datetime
) -> LateEntry | Refused:
    """The entry as it would be admitted, to be kept beside the proposal."""
    seed, round_id = stored.window.seed, stored.window.round
    number, product = facts.applicant.business_number, product_key(facts.product)
    fitness = fitness_by(round_id, stored.policy, stored.window.time_map)
    if refused := unfit_entry(fitness, facts, now, "/entry"):
        return refused
    others = await _others(connection, round_id, number, names(facts.product), facts.track)
    if isinstance(others, Refused):
        return others
    chance = Chance.of_bytes(token_bytes(48))
    application = application_id(seed, round_id, number, product, chance)
    if any(application == one.application for one in others):  # of a rehearsal, and withdrawn
        application = application_id(seed, round_id, number, product, chance, contact.email.casefold())
    party, drawn = party_id(seed, application, chance), nonce(seed, application, 1, chance.nonce)
    stated = state_version(application, 1, now, drawn, facts_json(facts))
    return LateEntry(
        application=application,
        party=party,
        business_number=number,
        product_key=product,
        facts=stated.facts,
        nonce=drawn,
        payload_hash=stated.payload_hash,
        contact=contact,
    )


async def _others(
    connection: Connection, round_id: str, number: str, product: Names, track: str
) -> Sequence[FirmEntry] | Refused:
    """The firm's other entries. Refused where the product stands already, or as many entries as it may have;
    what is withdrawn, by whomever, is in nobody's way."""
    firm = round_id, number
    await firms.lock(connection, [firm])
    others = (await firms.entries(connection, [firm]))[firm]
    asked = FirmEntry(application="", names=product, track=track, withdrawn=False, token_hash="")
    if any(one.is_rival_of(asked) for one in others):
        return conflict(Refusal.ALREADY_ENTERED.value, "This product of this firm is entered already.")
    found = place(asked, others, (await firms.caps(connection, [round_id]))[round_id])
    if isinstance(found, FirmLimit):
        return refused_entry(found)
    return others


def named(drafted: LateEntry) -> Terms:
    """The terms that name it exactly."""
    return {name: getattr(drafted, name) for name in _DRAFTED}


async def foretell(connection: Connection, stored: StoredRound, act: ProposedAct) -> Change:
    """With the facts as they were drafted; without the contact."""
    change = await foretell_epoch(connection, stored, (), added=1)
    kept = await late.load(connection, act.act)
    if kept is None:
        return change
    facts = from_json(kept.facts)
    entered = {"application": kept.application, "firm": facts["applicant"]["name"]}
    entered |= {"business_number": kept.business_number, "product": facts["product"]["name"], "version": 1}
    entered |= {"state": TO_BE_JUDGED}
    return Change(change.before, {**change.after, "concerned": [entered], "facts": facts})


async def admit(approved: Approved) -> Done | Refused:
    """Enters it as received now, publishes it as any other, and opens the epoch in which it is judged."""
    connection, round_id = approved.connection, approved.act.round
    kept = await late.take(connection, approved.act.act)
    if kept is None:
        return conflict("expired", "The draft of this entry is gone: propose it again.")
    secret = await tokens.secret(connection, "access-tokens")
    facts = FACTS.validate_json(kept.facts)
    others = await _others(connection, round_id, kept.business_number, names(facts.product), facts.track)
    if isinstance(others, Refused):
        return others
    stated = StatedVersion(
        identifier=kept.application,
        version=1,
        received_at=approved.now,
        nonce=kept.nonce,
        payload_hash=kept.payload_hash,
        facts=kept.facts,
    )
    submission = Submission(
        round=round_id,
        received_at=approved.moment,
        business_number=kept.business_number,
        product_key=kept.product_key,
        names=names(facts.product),
        track=facts.track,
        facts={},
        contact=kept.contact,
        idempotency_key=None,
        body_hash=b"",
        chance=Chance(kept.application, kept.party, kept.nonce),
        traceparent=None,
    )
    entry = Entry(
        round=submission.round,
        submission=submission,
        application=kept.application,
        party=kept.party,
        token=access_token(secret, kept.application),
        stated=stated,
    )
    receipts = await entries.insert(connection, [entry], approved.signer)
    if not receipts:
        return conflict("already-entered", "This product of this firm was entered meanwhile.")
    opened = await open_epoch(approved, admitted=[kept.application], supplementary_source=approved.act.terms["source"])
    return Done([*entry_events(entry), opened], {"receipt": receipt_json(receipts[kept.application])})
