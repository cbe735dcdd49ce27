"""Questions to registries and their answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter

from services.eligibility.domain.registry_facts import Question
from shared.clock import TimeMap, time_map
from shared.contracts.events import Rehearsal
from shared.contracts.registries import Registry, RegistryAnswer
from shared.service.postgres import Connection

_ANSWER: Final = TypeAdapter(RegistryAnswer)
_LOCKS: Final = 0x72656773  # "regs": one asker of a registry at a time

TRY_LOCK = "SELECT pg_try_advisory_lock($1, $2)"
UNLOCK = "SELECT pg_advisory_unlock($1, $2)"
ANSWERED = """
SELECT round, epoch, answer FROM registry_answers
JOIN unnest($1::text[], $2::int[], $3::text[], $4::text[]) AS asked(round, epoch, registry, subject)
     USING (round, epoch, registry, subject)
WHERE said
"""
_UNANSWERED = """
SELECT DISTINCT q.round, q.epoch, q.subject FROM pending_questions q
LEFT JOIN registry_answers a USING (round, epoch, registry, subject)
WHERE q.registry = $1 AND a.round IS NULL
"""
WAIVED = f"""
SELECT u.round, u.epoch, u.subject FROM ({_UNANSWERED}) u
JOIN registry_waivers w ON w.round = u.round AND w.registry = $1 LIMIT $2
"""  # noqa: S608 -- of constants
REUSABLE = f"""
SELECT DISTINCT ON (u.round, u.subject) u.round, u.epoch, u.subject, a.answer, a.heard_at
FROM ({_UNANSWERED}) u JOIN registry_answers a ON a.registry = $1 AND a.subject = u.subject
WHERE u.epoch = 1 AND a.heard_at > $3 AND a.answer->>'outcome' <> 'waived'
ORDER BY u.round, u.subject, a.heard_at DESC LIMIT $2
"""  # noqa: S608 -- of constants
WANTED = f"""
WITH unanswered AS ({_UNANSWERED}),
subjects AS (
    SELECT u.subject, coalesce(m.times, 0) AS times FROM (SELECT DISTINCT subject FROM unanswered) u
    LEFT JOIN misread m ON m.registry = $1 AND m.subject = u.subject ORDER BY times, u.subject LIMIT $2)
SELECT u.round, u.epoch, u.subject, s.times FROM unanswered u JOIN subjects s USING (subject)
ORDER BY s.times, u.subject
"""  # noqa: S608 -- of constants
COUNT_UNANSWERED = f"SELECT count(DISTINCT subject) FROM ({_UNANSWERED}) u"  # noqa: S608 -- of constants
SAVE_ANSWERS = """
INSERT INTO registry_answers (round, epoch, registry, subject, answer, heard_at)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::jsonb[], $6::timestamptz[])
ON CONFLICT DO NOTHING RETURNING round, epoch, answer
"""
# The topic counts, not what a database restored from a backup has instead.
SAVE_PUBLISHED = """
INSERT INTO registry_answers AS kept (round, epoch, registry, subject, answer, heard_at, said)
SELECT *, true FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::jsonb[], $6::timestamptz[])
ON CONFLICT (round, epoch, registry, subject) DO UPDATE
SET said = true, answer = excluded.answer, heard_at = excluded.heard_at WHERE NOT kept.said
"""
SAVE_WAIVER = "INSERT INTO registry_waivers (round, registry) VALUES ($1, $2) ON CONFLICT DO NOTHING"
MISREAD = """
INSERT INTO misread (registry, subject, times) SELECT $1, subject, 1 FROM unnest($2::text[]) AS subject
ON CONFLICT (registry, subject) DO UPDATE SET times = misread.times + 1
"""
READ_WELL = "DELETE FROM misread WHERE registry = $1 AND subject = ANY($2::text[])"
REHEARSALS = "SELECT round, rehearsal FROM rounds WHERE round = ANY($1::text[])"


@dataclass(frozen=True, slots=True, order=True)
class RoundEpoch:
    """Where an answer is used to judge."""

    round: str
    epoch: int


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer in its round and epoch. `heard_at` is real time, by which it ages; `said_at` is programme time."""

    place: RoundEpoch
    answer: RegistryAnswer
    heard_at: datetime

    @property
    def key(self) -> tuple[str, int, str, str]:
        """What has one answer only: (round, epoch, registry, subject)."""
        return self.place.round, self.place.epoch, self.answer.registry.value, self.answer.subject


def _columns(answers: Sequence[StoredAnswer]) -> Sequence[Sequence[Any]]:
    """The columns of `registry_answers`."""
    return (
        [stored.place.round for stored in answers],
        [stored.place.epoch for stored in answers],
        [stored.answer.registry.value for stored in answers],
        [stored.answer.subject for stored in answers],
        [_ANSWER.dump_python(stored.answer, mode="json", exclude_none=True) for stored in answers],
        [stored.heard_at for stored in answers],
    )


async def take_lock(connection: Connection, registry: Registry) -> bool:
    """True if this session is now the only one that asks this registry, until it releases the lock or ends."""
    taken: bool = await connection.fetchval(TRY_LOCK, _LOCKS, list(Registry).index(registry))
    return taken


async def release_lock(connection: Connection, registry: Registry) -> None:
    """Lets another session ask this registry."""
    await connection.execute(UNLOCK, _LOCKS, list(Registry).index(registry))


async def answered(
    connection: Connection, asked: Iterable[tuple[RoundEpoch, Question]]
) -> dict[RoundEpoch, dict[Question, RegistryAnswer]]:
    """Published answers to these questions, by place."""
    keys = [(place.round, place.epoch, question.registry.value, question.subject) for place, question in set(asked)]
    by_place: dict[RoundEpoch, dict[Question, RegistryAnswer]] = {}
    for row in await connection.fetch(ANSWERED, *zip(*keys, strict=True)) if keys else ():
        answer = _ANSWER.validate_python(row["answer"], strict=False)
        place = by_place.setdefault(RoundEpoch(row["round"], row["epoch"]), {})
        place[Question(answer.registry, answer.subject)] = answer
    return by_place


async def waived(connection: Connection, registry: Registry, limit: int) -> list[tuple[RoundEpoch, str]]:
    """Subjects whose answers two officers have waived."""
    rows = await connection.fetch(WAIVED, registry.value, limit)
    return [(RoundEpoch(row["round"], row["epoch"]), row["subject"]) for row in rows]


async def reusable(connection: Connection, registry: Registry, since: datetime, limit: int) -> list[StoredAnswer]:
    """Answers heard since then, at every place that asks the same in its first epoch."""
    rows = await connection.fetch(REUSABLE, registry.value, limit, since)
    return [
        StoredAnswer(
            RoundEpoch(row["round"], row["epoch"]),
            _ANSWER.validate_python(row["answer"], strict=False),
            row["heard_at"],
        )
        for row in rows
    ]


async def wanted(
    connection: Connection, registry: Registry, at_once: int, calls: int
) -> list[dict[str, list[RoundEpoch]]]:
    """Subjects of the next `calls`, with the places that ask about each. Subjects of a misread call come last, in one
    call with fewer of them each time, so that the subject that spoils it is isolated in the end."""
    rows = await connection.fetch(WANTED, registry.value, at_once * calls)
    by_subject: dict[str, list[RoundEpoch]] = {}
    for row in rows:
        if row["times"] > rows[0]["times"]:
            break
        by_subject.setdefault(row["subject"], []).append(RoundEpoch(row["round"], row["epoch"]))
    subjects = list(by_subject.items())
    if rows and rows[0]["times"]:
        return [dict(subjects[: max(1, at_once >> min(rows[0]["times"], 30))])]
    return [dict(subjects[start : start + at_once]) for start in range(0, len(subjects), at_once)]


async def unanswered(connection: Connection, registry: Registry) -> int:
    """How many subjects have no answer yet."""
    count: int = await connection.fetchval(COUNT_UNANSWERED, registry.value)
    return count


async def save_answers(
    connection: Connection, heard: Iterable[StoredAnswer]
) -> list[tuple[RoundEpoch, RegistryAnswer]]:
    """Returns the new ones: an answer is never replaced."""
    ordered = sorted(heard, key=lambda stored: stored.key)
    saved = await connection.fetch(SAVE_ANSWERS, *_columns(ordered)) if ordered else ()
    return [
        (RoundEpoch(row["round"], row["epoch"]), _ANSWER.validate_python(row["answer"], strict=False)) for row in saved
    ]


async def save_published(connection: Connection, heard: Iterable[StoredAnswer]) -> None:
    """Stores answers read from the topic, in its order: the first answer to a question counts."""
    first: dict[tuple[str, int, str, str], StoredAnswer] = {}
    for stored in heard:
        first.setdefault(stored.key, stored)
    if first:
        await connection.execute(SAVE_PUBLISHED, *_columns([first[key] for key in sorted(first)]))


async def save_waiver(connection: Connection, round_id: str, registry: Registry) -> None:
    await connection.execute(SAVE_WAIVER, round_id, registry.value)


async def misread(connection: Connection, registry: Registry, subjects: Sequence[str]) -> None:
    """Counts one more misread call for each subject."""
    await connection.execute(MISREAD, registry.value, sorted(subjects))


async def read_well(connection: Connection, registry: Registry, subjects: Sequence[str]) -> None:
    """Resets the count of misread calls."""
    await connection.execute(READ_WELL, registry.value, list(subjects))


async def time_maps(connection: Connection, rounds: Iterable[str]) -> Mapping[str, TimeMap]:
    """The clock of each round."""
    rows = await connection.fetch(REHEARSALS, sorted(set(rounds)))
    return {
        row["round"]: time_map(Rehearsal.model_validate(row["rehearsal"]) if row["rehearsal"] else None) for row in rows
    }
