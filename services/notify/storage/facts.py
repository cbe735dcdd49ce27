"""What notices say, as it arrives: rounds, institutions, contacts, applications, verdicts, turns. Newest wins."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from services.notify.domain.notices import Happening
from services.notify.domain.occurrences import Decision, Turn
from shared.contracts.events import ContactChanged, InstitutionChanged, RoundFrozen, RoundOpened
from shared.postgres import Connection

SAVE_ROUND = """
INSERT INTO rounds (round, title_ko, title_en, institutions, rehearsal, notices) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (round) DO UPDATE SET title_ko = excluded.title_ko, title_en = excluded.title_en,
    institutions = excluded.institutions, rehearsal = excluded.rehearsal, notices = excluded.notices
"""
SAVE_TURN = """
INSERT INTO turns (round, happening, occasion, occurred_at, roots, traceparent, closes_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING
"""
TAKE_TURNS = """
UPDATE turns t SET spread = true FROM (
    SELECT t.round, t.happening, t.occasion, r.institutions FROM turns t JOIN rounds r USING (round)
    WHERE NOT t.spread ORDER BY t.occurred_at LIMIT 100 FOR UPDATE OF t SKIP LOCKED) due
WHERE (t.round, t.happening, t.occasion) = (due.round, due.happening, due.occasion)
RETURNING t.round, t.happening, t.occasion, t.occurred_at, t.roots, t.traceparent, t.closes_at, due.institutions
"""
SAVE_PLEDGED = """
UPDATE rounds SET institutions = ARRAY(
    SELECT DISTINCT one FROM unnest(institutions || $2::text[]) AS one ORDER BY one)
WHERE round = $1
"""
SAVE_DECISIONS = """
INSERT INTO decisions (application, epoch, batch, decision)
SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::jsonb[]) ON CONFLICT DO NOTHING
"""
DECISIONS_BEFORE = """
SELECT asked.application, asked.epoch, asked.batch, before.decision
FROM unnest($1::text[], $2::int[], $3::int[]) AS asked(application, epoch, batch)
CROSS JOIN LATERAL (SELECT d.decision FROM decisions d
                    WHERE d.application = asked.application AND (d.epoch, d.batch) < (asked.epoch, asked.batch)
                    ORDER BY d.epoch DESC, d.batch DESC LIMIT 1) before
"""
SAVE_INSTITUTIONS = """
INSERT INTO institutions (institution, name, status, changed_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
ON CONFLICT (institution) DO UPDATE SET name = excluded.name, status = excluded.status, changed_at = excluded.changed_at
WHERE institutions.changed_at < excluded.changed_at
"""
INSTITUTION_NAMES = "SELECT institution, name FROM institutions WHERE institution = ANY($1::text[])"
# The moment of an erased contact stays, so that a late copy of what was erased does not bring it back.
SAVE_CONTACTS = """
INSERT INTO contacts (party, name, email, language, changed_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
ON CONFLICT (party) DO UPDATE SET name = excluded.name, email = excluded.email, language = excluded.language,
    changed_at = excluded.changed_at
WHERE contacts.changed_at IS NULL OR contacts.changed_at < excluded.changed_at
"""
ERASE_CONTACT = """
INSERT INTO contacts (party) VALUES ($1)
ON CONFLICT (party) DO UPDATE SET name = NULL, email = NULL, language = NULL
"""
SAVE_APPLICATIONS = """
INSERT INTO applications (application, version, product) SELECT * FROM unnest($1::text[], $2::int[], $3::text[])
ON CONFLICT (application) DO UPDATE SET version = excluded.version, product = excluded.product
WHERE applications.version < excluded.version
"""
# Findings are a list: inside an object, since a list of lists would be sent as an array of two dimensions.
SAVE_VERDICTS = """
INSERT INTO verdicts (application, version, epoch, findings, changes)
SELECT application, version, epoch, stated->'findings', stated->'changes'
FROM unnest($1::text[], $2::int[], $3::int[], $4::jsonb[]) AS judged(application, version, epoch, stated)
ON CONFLICT (application) DO UPDATE
SET version = excluded.version, epoch = excluded.epoch, findings = excluded.findings,
    changes = excluded.changes
WHERE (verdicts.version, verdicts.epoch) < (excluded.version, excluded.epoch)
"""


async def save_decisions(connection: Connection, decisions: Sequence[tuple[str, int, int, Decision]]) -> None:
    """(application, epoch, batch, what was decided). The first of an edition stands."""
    if decisions:
        await connection.execute(SAVE_DECISIONS, *zip(*sorted(decisions, key=lambda row: row[:3]), strict=True))


async def decisions_before(
    connection: Connection, editions: Sequence[tuple[str, int, int]]
) -> dict[tuple[str, int, int], Decision]:
    """What was decided last before each (application, epoch, batch), where something was."""
    later = [each for each in editions if each[1:] > (1, 0)]
    if not later:
        return {}
    rows = await connection.fetch(DECISIONS_BEFORE, *zip(*later, strict=True))
    return {(row["application"], row["epoch"], row["batch"]): row["decision"] for row in rows}


async def save_round(connection: Connection, opened: RoundOpened) -> None:
    title = opened.policy.title
    institutions = [invitation.institution for invitation in opened.institutions]
    rehearsal = opened.rehearsal.model_dump(mode="json") if opened.rehearsal else None
    notices = {name: {"ko": words.ko, "en": words.en} for name, words in (opened.policy.notices or {}).items()}
    await connection.execute(SAVE_ROUND, opened.round, title.ko, title.en, institutions, rehearsal, notices)


async def save_pledged(connection: Connection, frozen: RoundFrozen) -> None:
    """Who pledged after the opening is told of the freeze and all that follows."""
    pledged = [invitation.institution for invitation in frozen.pledges or ()]
    await connection.execute(SAVE_PLEDGED, frozen.round, pledged)


async def save_turn(connection: Connection, turn: Turn) -> None:
    await connection.execute(
        SAVE_TURN,
        turn.round,
        turn.happening.value,
        turn.occasion,
        turn.occurred_at,
        dict(turn.roots),
        turn.traceparent,
        turn.closes_at,
    )


async def take_turns(connection: Connection) -> list[tuple[Turn, list[str]]]:
    """Turns of rounds that have become known, each once, with the round's institutions."""
    rows = await connection.fetch(TAKE_TURNS)
    return [
        (
            Turn(
                row["round"],
                Happening(row["happening"]),
                row["occasion"],
                row["occurred_at"],
                row["roots"],
                row["traceparent"],
                row["closes_at"],
            ),
            row["institutions"],
        )
        for row in rows
    ]


async def save_institutions(connection: Connection, changes: Iterable[InstitutionChanged]) -> None:
    rows = [(change.institution, change.name, change.status.value, change.changed_at) for change in changes]
    await connection.execute(SAVE_INSTITUTIONS, *_newest(rows, lambda row: row[3]))


async def institution_names(connection: Connection, codes: Iterable[str]) -> dict[str, str]:
    rows = await connection.fetch(INSTITUTION_NAMES, sorted(set(codes)))
    return {row["institution"]: row["name"] for row in rows}


async def save_contacts(connection: Connection, contacts: Iterable[ContactChanged]) -> None:
    rows = [(c.party, c.name, c.email, c.language.value, c.changed_at) for c in contacts]
    if rows:
        await connection.execute(SAVE_CONTACTS, *_newest(rows, lambda row: row[4]))


async def erase_contact(connection: Connection, party: str) -> None:
    await connection.execute(ERASE_CONTACT, party)


async def save_applications(connection: Connection, products: Iterable[tuple[str, int, str]]) -> None:
    """(application, version, product's name)."""
    await connection.execute(SAVE_APPLICATIONS, *_newest(products, lambda row: row[1]))


async def save_verdicts(
    connection: Connection, verdicts: Iterable[tuple[str, int, int, Sequence[Any], Sequence[Any]]]
) -> None:
    """(application, version, epoch, the findings that speak against it and what would have helped, as JSON)."""
    rows = [(*row[:3], {"findings": row[3], "changes": row[4]}) for row in verdicts]
    await connection.execute(SAVE_VERDICTS, *_newest(rows, lambda row: (row[1], row[2])))


def _newest(rows: Iterable[tuple[Any, ...]], moment: Callable[[tuple[Any, ...]], Any]) -> list[tuple[Any, ...]]:
    """The columns of each key's newest row, in order of keys: two replicas lock rows in one order."""
    newest: dict[str, tuple[Any, ...]] = {}
    for row in rows:
        if row[0] not in newest or moment(newest[row[0]]) < moment(row):
            newest[row[0]] = row
    return list(zip(*(newest[key] for key in sorted(newest)), strict=True))
