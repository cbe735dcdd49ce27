"""The act that admits one application late, with grounds.

It is drafted with the proposal, and entered when another officer approves. Its id and nonce are drawn with the
proposal, so that both officers agree on the exact leaf. It draws with a source named now and due after the next
commitment, since the round's own value may be known already.
"""

from collections.abc import Sequence
from datetime import datetime
from secrets import token_bytes
from typing import Final

from pydantic_core import from_json

from services.intake.domain.acts import ProposedAct
from services.intake.domain.entries import (
    Chance,
    EntryVersion,
    access_token,
    application_id,
    entry_version,
    nonce,
    party_id,
)
from services.intake.domain.entry_refusals import refused_entry
from services.intake.domain.firms import FirmEntry, Names, names, place
from services.intake.domain.receipts import receipt_json
from services.intake.domain.refused import Refused, conflict, unfit
from services.intake.domain.submissions import ContactDetails, Entry, FirmLimit, Refusal, Submission
from services.intake.storage import entries, firms, late, tokens
from services.intake.storage.late import LateEntry
from services.intake.storage.rounds import StoredRound
from services.intake.usecases.acts.act_types import Approved, Done, Preview, Terms, text
from services.intake.usecases.acts.epochs import TO_BE_JUDGED, open_epoch, preview_epoch, standing_terms
from services.intake.usecases.entry_events import entry_events
from services.intake.usecases.fitness import fitness_by, unfit_entry
from shared.contracts.facts import FACTS, ApplicationFacts, facts_json, product_key
from shared.service.postgres import Connection

_DRAFTED: Final = ("application", "payload_hash", "business_number")
DRAWN: Final = frozenset({"application", "payload_hash"})
"""Terms of a draft that depend on chance: its id, and through its nonce the payload hash."""


async def terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """The set it is added to, and the `source` it draws with; with the draft, once there is one."""
    source, standing = text(asked, "source"), standing_terms(stored)
    if isinstance(source, Refused):
        return source
    if source not in {known["source"] for known in stored.sources}:
        named = ", ".join(known["source"] for known in stored.sources)
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
    """The entry as it would be admitted, to be stored with the proposal."""
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
    if any(application == other.application for other in others):  # in a rehearsal, and withdrawn
        application = application_id(seed, round_id, number, product, chance, contact.email.casefold())
    party, drawn = party_id(seed, application, chance), nonce(seed, application, 1, chance.nonce)
    version = entry_version(application, 1, now, drawn, facts_json(facts))
    return LateEntry(
        application=application,
        party=party,
        business_number=number,
        product_key=product,
        facts=version.facts,
        nonce=drawn,
        payload_hash=version.payload_hash,
        contact=contact,
    )


async def _others(
    connection: Connection, round_id: str, number: str, product: Names, track: str
) -> Sequence[FirmEntry] | Refused:
    """The firm's other entries. Refused where the product is entered already, or the firm has reached its limit;
    withdrawn entries don't count."""
    firm = round_id, number
    await firms.lock(connection, [firm])
    others = (await firms.entries(connection, [firm]))[firm]
    asked = FirmEntry(application="", names=product, track=track, withdrawn=False, token_hash="")
    if any(other.is_rival_of(asked) for other in others):
        return conflict(Refusal.ALREADY_ENTERED.value, "This product of this firm is entered already.")
    placed = place(asked, others, (await firms.caps(connection, [round_id]))[round_id])
    if isinstance(placed, FirmLimit):
        return refused_entry(placed)
    return others


def named(drafted: LateEntry) -> Terms:
    """The terms that identify the draft."""
    return {name: getattr(drafted, name) for name in _DRAFTED}


async def preview(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview:
    """The facts as drafted; without the contact."""
    change = await preview_epoch(connection, stored, (), added=1)
    drafted = await late.load(connection, act.act)
    if drafted is None:
        return change
    facts = from_json(drafted.facts)
    entered = {"application": drafted.application, "firm": facts["applicant"]["name"]}
    entered |= {"business_number": drafted.business_number, "product": facts["product"]["name"], "version": 1}
    entered |= {"state": TO_BE_JUDGED}
    return Preview(change.before, {**change.after, "concerned": [entered], "facts": facts})


async def admit(approved: Approved) -> Done | Refused:
    """Enters it as received now, publishes it like any other, and opens the epoch in which it is judged."""
    connection, round_id = approved.connection, approved.act.round
    drafted = await late.take(connection, approved.act.act)
    if drafted is None:
        return conflict("expired", "The draft of this entry is gone: propose it again.")
    secret = await tokens.secret(connection, "access-tokens")
    facts = FACTS.validate_json(drafted.facts)
    others = await _others(connection, round_id, drafted.business_number, names(facts.product), facts.track)
    if isinstance(others, Refused):
        return others
    version = EntryVersion(
        identifier=drafted.application,
        version=1,
        received_at=approved.now,
        nonce=drafted.nonce,
        payload_hash=drafted.payload_hash,
        facts=drafted.facts,
    )
    submission = Submission(
        round=round_id,
        received_at=approved.moment,
        business_number=drafted.business_number,
        product_key=drafted.product_key,
        names=names(facts.product),
        track=facts.track,
        facts={},
        contact=drafted.contact,
        idempotency_key=None,
        body_hash=b"",
        chance=Chance(drafted.application, drafted.party, drafted.nonce),
        traceparent=None,
    )
    entry = Entry(
        round=submission.round,
        submission=submission,
        application=drafted.application,
        party=drafted.party,
        token=access_token(secret, drafted.application),
        first=version,
    )
    receipts = await entries.insert(connection, [entry], approved.signer)
    if not receipts:
        return conflict("already-entered", "This product of this firm was entered meanwhile.")
    opened = await open_epoch(
        approved, admitted=[drafted.application], supplementary_source=approved.act.terms["source"]
    )
    return Done([*entry_events(entry), opened], {"receipt": receipt_json(receipts[drafted.application])})
