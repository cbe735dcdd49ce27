"""Decides an appeal, by two officers: if upheld, an epoch opens in which that application alone is judged again."""

from secrets import token_hex

from pydantic_core import from_json

from services.intake.domain.acts import ProposedAct
from services.intake.domain.appeals import Appeal
from services.intake.domain.entries import entry_version, is_id, nonce
from services.intake.domain.receipts import receipt_of, signed
from services.intake.domain.refused import Refused, conflict, unfit
from services.intake.storage import appeals, versions
from services.intake.storage.rounds import StoredRound
from services.intake.usecases.acts.act_types import Approved, Done, Preview, Terms, text
from services.intake.usecases.acts.epochs import open_epoch, preview_epoch, standing_terms
from services.intake.usecases.entry_events import submitted_event
from services.intake.usecases.placing import refused_place_alone
from shared.contracts import topics
from shared.contracts.events import Amended, AppealDecided
from shared.contracts.facts import FACTS
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.proof.canonical import sha256_hex
from shared.service.postgres import Connection


async def terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """The `appeal`, whether it is `upheld`, the SHA-256 of the amended facts (canonical JSON), and the current set."""
    named = text(asked, "appeal")
    if isinstance(named, Refused):
        return named
    appeal = await _undecided(connection, stored, named)
    if isinstance(appeal, Refused):
        return appeal
    if not isinstance(asked.get("upheld"), bool):
        return unfit("invalid-fields", "Say in /terms/upheld whether it is upheld: true or false.")
    amended = sha256_hex(appeal.amended.encode()) if appeal.amended else None
    standing = standing_terms(stored)
    if isinstance(standing, Refused):
        return standing
    return standing | {"appeal": appeal.appeal, "upheld": asked["upheld"], "amended_hash": amended}


async def decide(approved: Approved) -> Done | Refused:
    """Amended facts become a version of their own; the draw keeps its seed and the committed tickets."""
    connection, upheld = approved.connection, bool(approved.act.terms["upheld"])
    appeal = await _undecided(connection, approved.stored, approved.act.terms["appeal"])
    if isinstance(appeal, Refused):
        return appeal
    entered = await versions.load(connection, appeal.application)
    if entered is None or (upheld and entered.withdrawn):
        return conflict("withdrawn", "This application does not stand any more.")
    if upheld and appeal.amended is not None:  # another appeal may have taken the name meanwhile
        refused = await refused_place_alone(connection, entered, FACTS.validate_json(appeal.amended))
        if refused is not None:
            return refused
    await appeals.decide(connection, appeal.appeal, approved.now, upheld, approved.act.reason)
    event = AppealDecided(
        round=approved.act.round,
        actors=approved.actors,
        reason=approved.act.reason,
        appeal=appeal.appeal,
        application=appeal.application,
        party=entered.party,
        decided_at=approved.now,
        upheld=upheld,
    )
    identifier = event_id("appeal-decided", appeal.appeal)
    events = [outgoing(topics.APPLICATIONS.name, appeal.application, event, event_id=identifier, time=approved.now)]
    if not upheld:
        return Done(events)
    amended: list[Amended] = []
    if appeal.amended is not None:
        events.append(await _amend(approved, appeal, entered))
        amended.append(Amended(application=appeal.application, version=entered.newest.version + 1))
    return Done([*events, await open_epoch(approved, [appeal.application], amended=amended)])


async def preview(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview | Refused:
    """The appeal as it was filed, with the facts to be judged instead."""
    appeal = await _undecided(connection, stored, act.terms["appeal"])
    if isinstance(appeal, Refused):
        return appeal
    change = await preview_epoch(connection, stored, [appeal.application])
    filed = {"appeal": appeal.appeal, "filed_at": appeal.filed_at, "answer_due": appeal.answer_due}
    filed |= {"grounds": appeal.grounds, "amended": from_json(appeal.amended) if appeal.amended else None}
    decided = {"appeal": appeal.appeal, "upheld": bool(act.terms["upheld"]), "reason": act.reason}
    after = change.after if decided["upheld"] else change.before
    return Preview({**change.before, "appeal": filed}, {**after, "appeal": decided})


async def _amend(approved: Approved, appeal: Appeal, entered: versions.StoredApplication) -> Outgoing:
    newest = entered.newest.version
    drawn = nonce(approved.stored.window.seed, appeal.application, newest + 1, token_hex(16))
    facts = from_json(appeal.amended or "{}")
    identity = entered.newest.identity
    version = entry_version(appeal.application, newest + 1, approved.now, drawn, facts, identity=identity)
    receipt = signed(receipt_of(approved.act.round, version), approved.signer)
    await versions.append(approved.connection, version, receipt)
    return submitted_event(approved.act.round, entered.party, version, None)


async def _undecided(connection: Connection, stored: StoredRound, appeal: str) -> Appeal | Refused:
    filed = await appeals.load(connection, stored.window.round, appeal) if is_id(appeal) else None
    if filed is None:
        return unfit("unknown-appeal", f"No appeal {appeal[:40]!r} in this round: see GET /rounds/{{round}}/appeals.")
    if filed.decided_at is not None:
        return conflict("decided", "This appeal is decided already.")
    return filed
