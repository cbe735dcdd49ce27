"""What notices say, as it arrives: rounds, institutions, applications, verdicts, turns. Newest wins."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from services.notify.domain.notices import Happening
from services.notify.domain.occurrences import Committed, Decision, Judged
from services.notify.domain.reminders import Window
from services.notify.domain.turns import Turn
from services.notify.storage.deliveries import round_time
from shared.contracts.events import (
    ApplicationSubmitted,
    ApplicationWithdrawn,
    InstitutionChanged,
    RoundFrozen,
    RoundOpened,
)
from shared.contracts.findings import VerdictOutcome
from shared.service.postgres import Connection

SAVE_ROUND = """
INSERT INTO rounds (round, title_ko, title_en, institutions, rehearsal, notices, opens_at, closes_at)
VALUES ($1, $2, $3, $4, $5, $6, $7,
        greatest($8, (SELECT max(closes_at) FROM turns WHERE round = $1 AND happening = 'extended')))
ON CONFLICT (round) DO UPDATE SET title_ko = excluded.title_ko, title_en = excluded.title_en,
    institutions = excluded.institutions, rehearsal = excluded.rehearsal, notices = excluded.notices,
    opens_at = excluded.opens_at, closes_at = greatest(rounds.closes_at, excluded.closes_at)
RETURNING closes_at
"""
EXTEND = "UPDATE rounds SET closes_at = greatest(closes_at, $2) WHERE round = $1"
# Those whose close its institutions were not reminded of. Of a frozen round the close has passed; one that is void has
# none, and one whose opening was read before windows were kept has no reminder.
UNREMINDED = """
SELECT round, opens_at, closes_at, rehearsal FROM rounds r
WHERE closes_at IS DISTINCT FROM reminded AND opens_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM turns t WHERE t.round = r.round AND t.happening = 'voided')
FOR UPDATE SKIP LOCKED
"""
REMINDED = "UPDATE rounds SET reminded = closes_at WHERE round = $1"
SAVE_TURN = """
INSERT INTO turns
    (round, happening, occasion, occurred_at, roots, traceparent, closes_at, opens_at, title, appended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT DO NOTHING
"""
# An announcement is told to all who take part, since whom the round invites is said at its opening: a moment later, so
# that a service that begins has read who they are.
# Of an announcement and its amendments the newest that is known is told, whatever order they are read in: those before
# are over.
_UNSPREAD = """
    FROM turns t LEFT JOIN rounds r USING (round)
    WHERE NOT t.spread
      AND CASE WHEN t.happening IN ('announced', 'amended') THEN t.noted_at < now() - interval '2 seconds'
               ELSE r.round IS NOT NULL END
      AND NOT EXISTS (
        SELECT FROM turns n WHERE n.round = t.round AND n.happening = 'amended'
          AND (t.happening = 'announced' OR t.happening = 'amended' AND n.occasion > t.occasion))
"""
ROUNDS_WITH_TURNS = f"SELECT DISTINCT t.round {_UNSPREAD} ORDER BY t.round"
TAKE_TURNS = f"""
UPDATE turns t SET spread = true FROM (
    SELECT t.round, t.happening, t.occasion, CASE WHEN t.happening IN ('announced', 'amended')
        THEN ARRAY(SELECT institution FROM institutions WHERE status = 'active' ORDER BY institution)
        ELSE r.institutions END AS institutions
    {_UNSPREAD} AND t.round = $1
    ORDER BY t.occurred_at LIMIT 100 FOR UPDATE OF t SKIP LOCKED) due
WHERE (t.round, t.happening, t.occasion) = (due.round, due.happening, due.occasion)
RETURNING t.round, t.happening, t.occasion, t.occurred_at, t.roots, t.traceparent, t.closes_at, t.opens_at, t.title,
    t.appended_at, due.institutions
"""  # noqa: S608
SAVE_PLEDGED = """
UPDATE rounds SET institutions = ARRAY(
    SELECT DISTINCT one FROM unnest(institutions || $2::text[]) AS one ORDER BY one)
WHERE round = $1
"""
# After the freeze it is named by that.
JOIN = """
UPDATE rounds r SET institutions = ARRAY(SELECT one FROM unnest(r.institutions || $1::text) AS one ORDER BY one)
WHERE r.round = ANY ($2::text[]) AND $1 <> ALL (r.institutions)
  AND NOT EXISTS (SELECT FROM turns t WHERE t.round = r.round AND t.happening IN ('frozen', 'voided'))
RETURNING round
"""
TOLD_TURNS = """
SELECT round, happening, occasion, occurred_at, roots, traceparent, closes_at, opens_at, title, appended_at FROM turns
WHERE round = ANY ($1::text[]) AND spread AND happening IN ('opened', 'extended') ORDER BY occurred_at
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
SAVE_APPLICATIONS = """
INSERT INTO applications (application, version, product, round, party)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[])
ON CONFLICT (application) DO UPDATE SET version = greatest(applications.version, excluded.version),
    product = CASE WHEN applications.version < excluded.version THEN excluded.product ELSE applications.product END,
    round = excluded.round, party = excluded.party
WHERE applications.version < excluded.version OR applications.party IS NULL
"""
# A withdrawal is a version too: no verdict is of it.
WITHDRAW = """
UPDATE applications a SET version = w.version FROM unnest($1::text[], $2::int[]) AS w(application, version)
WHERE a.application = w.application AND a.version < w.version
"""
# Findings are a list: inside an object, since a list of lists would be sent as an array of two dimensions.
SAVE_VERDICTS = """
INSERT INTO verdicts (application, version, epoch, findings, changes, round, outcome)
SELECT application, version, epoch, stated->'findings', stated->'changes', round, outcome
FROM unnest($1::text[], $2::int[], $3::int[], $4::jsonb[], $5::text[], $6::text[])
    AS judged(application, version, epoch, stated, round, outcome)
ON CONFLICT (application) DO UPDATE
SET version = excluded.version, epoch = excluded.epoch, findings = excluded.findings,
    changes = excluded.changes, round = excluded.round, outcome = excluded.outcome,
    told = verdicts.told AND verdicts.version = excluded.version
        AND verdicts.outcome = excluded.outcome AND verdicts.findings = excluded.findings
WHERE (verdicts.version, verdicts.epoch) < (excluded.version, excluded.epoch)
"""
# A verdict is told when its epoch is committed: until then it may be another. Looked for from the committed rounds on,
# which are few: all others' verdicts wait meanwhile.
_COMMITTED = """
WITH committed AS MATERIALIZED (
    SELECT DISTINCT ON (round) round, substring(occasion FROM '^epoch-([0-9]+)$')::int AS epoch,
           roots->>'commitment' AS commitment, traceparent
    FROM turns WHERE happening = 'committed' AND round = coalesce($1, round) ORDER BY round, 2 DESC)
"""
_UNTOLD = """
    FROM committed c
    JOIN verdicts v ON v.round = c.round AND NOT v.told AND v.epoch <= c.epoch
    JOIN applications a ON a.application = v.application AND a.version = v.version AND a.party IS NOT NULL
"""
ROUNDS_WITH_VERDICTS = f"{_COMMITTED} SELECT DISTINCT c.round {_UNTOLD} ORDER BY c.round"
TAKE_VERDICTS = f"""
{_COMMITTED}, due AS (
    SELECT v.application, a.party, c.commitment, c.traceparent {_UNTOLD}
    LIMIT 2000 FOR UPDATE OF v SKIP LOCKED)
UPDATE verdicts v SET told = true FROM due WHERE v.application = due.application
RETURNING v.application, v.version, v.round, v.outcome, due.party, due.commitment, due.traceparent,
    encode(sha256(convert_to(v.outcome || v.findings::text, 'UTF8')), 'hex') AS said
"""  # noqa: S608


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


async def save_round(connection: Connection, opened: RoundOpened) -> datetime:
    """When it closes as far as is known: an extension may have come before the opening."""
    title = opened.policy.title
    institutions = [invitation.institution for invitation in opened.institutions]
    rehearsal = opened.rehearsal.model_dump(mode="json") if opened.rehearsal else None
    notices = {name: {"ko": words.ko, "en": words.en} for name, words in (opened.policy.notices or {}).items()}
    window = opened.opens_at, opened.closes_at
    values = opened.round, title.ko, title.en, institutions, rehearsal, notices, *window
    closes_at: datetime = await connection.fetchval(SAVE_ROUND, *values)
    return closes_at


async def extend(connection: Connection, round_id: str, closes_at: datetime) -> None:
    await connection.execute(EXTEND, round_id, closes_at)


async def unreminded(connection: Connection) -> list[Window]:
    """Rounds whose close nobody was reminded of, until the transaction ends."""
    return [
        Window(row["round"], row["opens_at"], row["closes_at"], round_time(row["rehearsal"]))
        for row in await connection.fetch(UNREMINDED)
    ]


async def set_reminded(connection: Connection, round_id: str) -> None:
    await connection.execute(REMINDED, round_id)


async def save_pledged(connection: Connection, frozen: RoundFrozen) -> None:
    """Who pledged after the opening is told of the freeze and all that follows."""
    pledged = [invitation.institution for invitation in frozen.pledges or ()]
    await connection.execute(SAVE_PLEDGED, frozen.round, pledged)


async def join(connection: Connection, institution: str, rounds: Sequence[str]) -> list[Turn]:
    """Takes an institution into those of the rounds that are open without it; what the others were told of them."""
    joined = [row["round"] for row in await connection.fetch(JOIN, institution, list(rounds))]
    return [_turn(row) for row in await connection.fetch(TOLD_TURNS, joined)] if joined else []


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
        turn.opens_at,
        turn.title,
        turn.appended_at,
    )


async def rounds_with_turns(connection: Connection) -> list[str]:
    """That have become known, and of which a turn was not spread."""
    return [row["round"] for row in await connection.fetch(ROUNDS_WITH_TURNS)]


async def take_turns(connection: Connection, round_id: str) -> list[tuple[Turn, list[str]]]:
    """Of a round that has become known: each once, with the round's institutions."""
    rows = await connection.fetch(TAKE_TURNS, round_id)
    return [(_turn(row), row["institutions"]) for row in rows]


def _turn(row: Any) -> Turn:
    return Turn(
        row["round"],
        Happening(row["happening"]),
        row["occasion"],
        row["occurred_at"],
        row["roots"],
        row["traceparent"],
        row["closes_at"],
        row["opens_at"],
        row["title"],
        row["appended_at"],
    )


async def save_institutions(connection: Connection, changes: Iterable[InstitutionChanged]) -> None:
    rows = [(change.institution, change.name, change.status.value, change.changed_at) for change in changes]
    await connection.execute(SAVE_INSTITUTIONS, *newest(rows, lambda row: row[3]))


async def institution_names(connection: Connection, codes: Iterable[str]) -> dict[str, str]:
    rows = await connection.fetch(INSTITUTION_NAMES, sorted(set(codes)))
    return {row["institution"]: row["name"] for row in rows}


async def save_applications(connection: Connection, submitted: Iterable[ApplicationSubmitted]) -> None:
    rows = [
        (event.application, event.version, event.facts.product.name, event.round, event.party) for event in submitted
    ]
    if rows:
        await connection.execute(SAVE_APPLICATIONS, *newest(rows, lambda row: row[1]))


async def withdraw(connection: Connection, withdrawn: Iterable[ApplicationWithdrawn]) -> None:
    rows = [(event.application, event.version) for event in withdrawn]
    if rows:
        await connection.execute(WITHDRAW, *newest(rows, lambda row: row[1]))


async def save_verdicts(connection: Connection, verdicts: Iterable[Judged]) -> None:
    rows = [
        (verdict.application, verdict.version, verdict.epoch, verdict.stated(), verdict.round, verdict.outcome.value)
        for verdict in verdicts
    ]
    await connection.execute(SAVE_VERDICTS, *newest(rows, lambda row: (row[1], row[2])))


async def rounds_with_verdicts(connection: Connection) -> list[str]:
    """With verdicts whose epoch has been committed and that were not told."""
    return [row["round"] for row in await connection.fetch(ROUNDS_WITH_VERDICTS, None)]


async def take_verdicts(connection: Connection, round_id: str) -> list[Committed]:
    """Of a round: those whose epoch has been committed, each once."""
    return [
        Committed(
            row["round"],
            row["application"],
            row["party"],
            row["version"],
            row["said"],
            VerdictOutcome(row["outcome"]),
            row["commitment"],
            row["traceparent"],
        )
        for row in await connection.fetch(TAKE_VERDICTS, round_id)
    ]


def newest(rows: Iterable[tuple[Any, ...]], moment: Callable[[tuple[Any, ...]], Any]) -> list[tuple[Any, ...]]:
    """The columns of each key's newest row, in order of keys: two replicas lock rows in one order."""
    newest: dict[str, tuple[Any, ...]] = {}
    for row in rows:
        if row[0] not in newest or moment(newest[row[0]]) < moment(row):
            newest[row[0]] = row
    return list(zip(*(newest[key] for key in sorted(newest)), strict=True))
