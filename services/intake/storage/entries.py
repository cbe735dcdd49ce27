"""Admission under the latch, in order: receipts of retries, the shared lock, the window, the firm's other entries, the
insert."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.intake.domain.entries import access_token
from services.intake.domain.firms import FirmEntry, Place, place
from services.intake.domain.receipts import Receipt, receipt_of, signed
from services.intake.domain.refused import Refused
from services.intake.domain.rounds import RoundWindow
from services.intake.domain.series import cut_at
from services.intake.domain.submissions import Entry, FirmLimit, Refusal, Submission, enter
from services.intake.storage import entry_documents, firms, refused
from services.intake.storage.firms import Firm
from services.intake.storage.refused import RefusedContact
from services.intake.storage.rounds import cuts, latched
from shared.contracts.identity import IdentityLevel
from shared.proof.canonical import sha256_hex
from shared.proof.signing import Signer
from shared.service.postgres import Connection

# The second half: keys stored since the migration by replicas of the previous version.
KNOWN_KEYS = """
SELECT asked.round AS addressed, asked.firm, asked.key, k.body_hash, a.round, v.application::text, v.version, v.nonce,
       v.payload_hash, v.received_at, v.key_id, v.signature, v.contested, v.identity, v.arrived_at
FROM unnest($1::text[], $2::text[], $3::text[]) AS asked(round, firm, key)
CROSS JOIN LATERAL (
    SELECT body_hash, application FROM keys_of_firms kept
    WHERE kept.round = asked.round AND kept.business_number = asked.firm AND kept.key = asked.key
    UNION
    SELECT body_hash, application FROM idempotency_keys kept JOIN applications USING (application)
    WHERE kept.round = asked.round AND kept.key = asked.key AND business_number = asked.firm
) k
JOIN applications a USING (application)
JOIN application_versions v ON v.application = k.application AND v.version = 1
"""
INSERT_APPLICATIONS = """
INSERT INTO applications (application, round, party, business_number, product_key, token_hash, version, payload_hash)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[])
ON CONFLICT DO NOTHING RETURNING application::text
"""
# `idempotency_keys` is written for replicas of the previous version.
INSERT_DETAILS = """
WITH versions AS (
    INSERT INTO application_versions
        (application, version, received_at, nonce, payload_hash, facts, key_id, signature, contested, identity,
         arrived_at)
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $16::text[],
                         $17::text[], $19::boolean[], $20::text[], $21::timestamptz[])
), keys AS (
    INSERT INTO keys_of_firms (round, key, body_hash, application, business_number)
    SELECT * FROM unnest($7::text[], $8::text[], $9::bytea[], $10::uuid[], $18::text[])
), for_before AS (
    INSERT INTO idempotency_keys (round, key, body_hash, application)
    SELECT * FROM unnest($7::text[], $8::text[], $9::bytea[], $10::uuid[]) ON CONFLICT DO NOTHING
)
INSERT INTO contacts (party, name, email, phone, language, changed_at)
SELECT * FROM unnest($11::uuid[], $12::text[], $13::text[], $14::text[], $15::text[], $3::timestamptz[])
"""

_OF_A_RECEIPT = (
    "round", "application", "version", "nonce", "payload_hash", "received_at", "key_id", "signature", "contested",
    "arrived_at",
)  # fmt: skip
Answer = Receipt | Refusal | FirmLimit | Refused
_Decision = Entry | Refusal | FirmLimit | Refused
Key = tuple[str, str, str]
"""(round, business number, idempotency key)."""


@dataclass(frozen=True, slots=True)
class Disturbed:
    """A firm whose other entries are to be settled, since a new one came at `received_at` (programme time)."""

    firm: Firm
    window: RoundWindow
    received_at: datetime
    outranked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Admitted:
    """Answers to the submissions in order, the new entries, and what is to be settled after them."""

    answers: Sequence[Answer]
    entries: Sequence[Entry]
    disturbed: Sequence[Disturbed] = ()


async def admit(connection: Connection, group: Sequence[Submission], secret: bytes, signer: Signer) -> Admitted:
    """Runs in a READ COMMITTED transaction.

    No two submissions of a group may name the same product of a firm, or use the same key of one; the caller keeps them
    apart.
    """
    known = await _known(connection, group, secret, signer)
    fresh = [submission for submission in group if _key(submission) not in known]
    taking = await _windows(connection, fresh)
    decided: dict[int, _Decision] = {
        id(submission): enter(submission, taking[id(submission)], secret) for submission in fresh
    }
    closed = [submission for submission in fresh if decided[id(submission)] is Refusal.CLOSED]
    if closed:
        # A retry may have waited for the freeze, which waited for the first attempt: that one is stored by now.
        known |= await _known(connection, closed, secret, signer)
    late = [
        _late(submission, window)
        for submission in closed
        if _key(submission) not in known and (window := taking[id(submission)]) and not window.frozen
    ]
    if late:
        await refused.remember(connection, late)
    decided |= await entry_documents.refusals(connection, decided.values())
    entering = [each for each in decided.values() if isinstance(each, Entry)]
    placed, disturbed = await _placed(connection, entering, taking, secret)
    decided |= placed
    entries = sorted(
        (each for each in decided.values() if isinstance(each, Entry)), key=lambda entry: entry.application
    )
    new = await insert(connection, entries, signer)
    if len(new) < len(entering):
        # Another replica may have admitted the same submission meanwhile: its receipt is visible now.
        known |= await _known(connection, fresh, secret, signer)
    answers: list[Answer] = []
    for submission in group:
        decision = decided.get(id(submission))
        if isinstance(decision, Entry) and decision.application in new:
            answers.append(new[decision.application])
        elif _key(submission) in known:
            answers.append(_retried(submission, *known[_key(submission)]))
        elif isinstance(decision, (Refusal, FirmLimit, Refused)):
            answers.append(decision)
        else:
            answers.append(Refusal.ALREADY_ENTERED)
    return Admitted(answers, [entry for entry in entries if entry.application in new], disturbed)


async def _placed(
    connection: Connection,
    entering: Sequence[Entry],
    taking: Mapping[int, RoundWindow | None],
    secret: bytes,
) -> tuple[dict[int, _Decision], list[Disturbed]]:
    """Places entries beside their firm's stored ones; also returns firms whose other entries are to be settled.

    By the `id()` of its submission, each entry as it fits, or why it doesn't.
    """
    if not entering:
        return {}, []
    of_firm = {(entry.round, entry.submission.business_number) for entry in entering}
    await firms.lock(connection, of_firm)
    caps = await firms.caps(connection, {entry.round for entry in entering})
    standing = await firms.entries(connection, of_firm)
    decided: dict[int, _Decision] = {}
    disturbed = []
    for entry in entering:
        asked, firm = entry.submission, (entry.round, entry.submission.business_number)
        window, others = taking[id(asked)], standing[firm]
        placed = place(_firm_entry(entry, asked.token_hash or ""), others, caps[entry.round])
        if not isinstance(placed, Place):
            decided[id(asked)] = placed
            continue
        if window is not None and any(entry.application == other.application for other in others):  # in a rehearsal
            again = enter(asked, window, secret, asked.contact.email.casefold())
            entry = again if isinstance(again, Entry) else entry
        if placed.contested:
            entry = replace(entry, first=replace(entry.first, contested=True))
        decided[id(asked)] = entry
        others.append(_firm_entry(entry, sha256_hex(entry.token.encode())))
        if window is not None and (placed.contested or placed.outranked):
            disturbed.append(Disturbed(firm, window, entry.first.received_at, placed.outranked))
            others[:] = [other for other in others if other.application not in placed.outranked]
    return decided, disturbed


def _firm_entry(entry: Entry, token_hash: str) -> FirmEntry:
    asked = entry.submission
    return FirmEntry(
        application=entry.application,
        names=asked.names,
        track=asked.track,
        withdrawn=False,
        token_hash=token_hash,
        contact=asked.contact.email,
        identity=asked.identity,
        contested=entry.first.contested,
    )


async def _windows(connection: Connection, submissions: Sequence[Submission]) -> dict[int, RoundWindow | None]:
    """The window of each submission, by its `id()`, from a latched round; None where there is no such round.

    A submission addressed to a series goes to the cut that is open at its receipt.
    """
    addressed = sorted({submission.round for submission in submissions})
    known = await latched(connection, addressed)
    if len(known) == len(addressed):
        return {id(submission): known[submission.round] for submission in submissions}
    series = await cuts(connection, [name for name in addressed if name not in known])
    for_cuts = {
        id(submission): cut.round
        for submission in submissions
        if (cut := cut_at([stored.window for stored in series.get(submission.round, ())], submission.received_at))
    }
    known = dict(known) | dict(await latched(connection, sorted(set(for_cuts.values()))))
    return {id(each): known.get(for_cuts.get(id(each), each.round)) for each in submissions}


def _late(submission: Submission, window: RoundWindow) -> RefusedContact:
    """Whom to notify if the close is moved: only between the close and the freeze, and none of the facts."""
    contact, received_at = submission.contact, window.time_map.programme(submission.received_at)
    return RefusedContact(window.round, contact.email, contact.name, contact.language, received_at)


def _key(submission: Submission) -> Key:
    """An idempotency key belongs to its firm: keys of other firms don't matter."""
    return submission.round, submission.business_number, submission.idempotency_key or ""


def _retried(submission: Submission, body_hash: bytes, receipt: Receipt) -> Answer:
    return receipt if body_hash == submission.body_hash else Refusal.KEY_REUSED


async def _known(
    connection: Connection, group: Sequence[Submission], secret: bytes, signer: Signer
) -> dict[Key, tuple[bytes, Receipt]]:
    asked = [_key(submission) for submission in group if submission.idempotency_key]
    if not asked:
        return {}
    rows = await connection.fetch(KNOWN_KEYS, *([key[part] for key in asked] for part in range(3)))
    return {
        (row["addressed"], row["firm"], row["key"]): (
            row["body_hash"],
            signed(
                Receipt(
                    **{name: row[name] for name in _OF_A_RECEIPT},
                    token=access_token(secret, row["application"]),
                    identity=row["identity"] and IdentityLevel(row["identity"]),
                ),
                signer,
            ),
        )
        for row in rows
    }


async def insert(connection: Connection, entries: Sequence[Entry], signer: Signer) -> dict[str, Receipt]:
    """Inserts in order of id, so that two replicas never deadlock; returns the receipts of the new ones."""
    if not entries:
        return {}
    rows = await connection.fetch(
        INSERT_APPLICATIONS,
        [entry.application for entry in entries],
        [entry.round for entry in entries],
        [entry.party for entry in entries],
        [entry.submission.business_number for entry in entries],
        [entry.submission.product_key for entry in entries],
        [sha256_hex(entry.token.encode()) for entry in entries],
        [entry.first.version for entry in entries],
        [entry.first.payload_hash for entry in entries],
    )
    new = {row["application"] for row in rows}
    inserted = [entry for entry in entries if entry.application in new]
    if not inserted:
        return {}
    receipts = [signed(receipt_of(entry.round, entry.first), signer) for entry in inserted]
    keyed = [entry for entry in inserted if entry.submission.idempotency_key]
    await connection.execute(
        INSERT_DETAILS,
        [entry.application for entry in inserted],
        [entry.first.version for entry in inserted],
        [entry.first.received_at for entry in inserted],
        [entry.first.nonce for entry in inserted],
        [entry.first.payload_hash for entry in inserted],
        [entry.first.facts for entry in inserted],
        [entry.submission.round for entry in keyed],
        [entry.submission.idempotency_key for entry in keyed],
        [entry.submission.body_hash for entry in keyed],
        [entry.application for entry in keyed],
        [entry.party for entry in inserted],
        [entry.submission.contact.name for entry in inserted],
        [entry.submission.contact.email for entry in inserted],
        [entry.submission.contact.phone for entry in inserted],
        [entry.submission.contact.language for entry in inserted],
        [receipt.key_id for receipt in receipts],
        [receipt.signature for receipt in receipts],
        [entry.submission.business_number for entry in keyed],
        [entry.first.contested for entry in inserted],
        [entry.first.identity for entry in inserted],
        [entry.first.arrived_at for entry in inserted],
    )
    await entry_documents.name_new(connection, inserted)
    return {
        entry.application: replace(receipt, token=entry.token)
        for entry, receipt in zip(inserted, receipts, strict=True)
    }
