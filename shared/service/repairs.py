"""Repair of a set, bucket by bucket: what is asked on `repairs.v1`, what is answered, and when an answer may be used.

A list is believed for one reason only: its leaves make the very root that is wanted. So a list that is old, doubled or
made up changes nothing. Records of `repairs.v1` and re-published rows are not ordered among each other: a leaf whose
row is not there yet simply comes later, and what still differs then is asked for again.

The service's own migration has the table `bucket_requests`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog

from shared.contracts import topics
from shared.contracts.events import BucketListed, BucketRequested, Manifest, RepairSubject
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.proof.merkle import bucket_of, digest_of
from shared.service.postgres import Connection

AT_ONCE: Final = 16
"""Most buckets of one subject asked for in one pass: a set that is only catching up is not asked for as a whole."""
LONGEST_PAUSE_SECONDS: Final = 300.0

CLAIM = """
INSERT INTO bucket_requests AS asked (round, subject, bucket, epoch, requested_at, attempts)
SELECT $1, $2, bucket, $3, $5, 1 FROM unnest($4::int[]) AS bucket
WHERE NOT EXISTS (SELECT FROM bucket_requests b
                  WHERE b.round = $1 AND b.subject = $2 AND b.bucket = bucket.bucket AND b.epoch >= $3
                    AND b.requested_at + make_interval(secs => least($6 * 2 ^ b.attempts, $7)) > $5)
ORDER BY bucket LIMIT $8
ON CONFLICT (round, subject, bucket) DO UPDATE
SET epoch = excluded.epoch, requested_at = excluded.requested_at,
    attempts = CASE WHEN asked.epoch = excluded.epoch THEN asked.attempts + 1 ELSE 1 END
WHERE asked.epoch < excluded.epoch
   OR asked.requested_at + make_interval(secs => least($6 * 2 ^ asked.attempts, $7)) <= excluded.requested_at
RETURNING bucket
"""
FORGET = """
DELETE FROM bucket_requests WHERE round = $1 AND subject = $2 AND epoch <= $3 AND NOT bucket = ANY($4::int[])
"""
_log = structlog.get_logger()

Leaf = Sequence[Any]


def in_bucket(rows: Iterable[Leaf], bucket: int) -> list[Leaf]:
    return [row for row in rows if bucket_of(row[0]) == bucket]


def is_bucket_of(manifest: Manifest, bucket: int, leaves: Iterable[Leaf]) -> bool:
    """Whether these leaves are that bucket, all of it and nothing else, by count and root."""
    digest = digest_of(leaves)
    wanted = manifest.counts[bucket], manifest.roots[bucket]
    return digest.count == wanted[0] and (digest.counts[bucket], digest.roots[bucket]) == wanted


@dataclass(frozen=True, slots=True)
class Surplus:
    """What a list says can't stand: rows, and withdrawals of entries that stand."""

    rows: tuple[Leaf, ...]
    withdrawals: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.rows or self.withdrawals)


def surplus(
    rows: Iterable[Leaf],
    withdrawn: Mapping[str, int],
    leaves: Iterable[Leaf],
    place: Callable[[Leaf], tuple[int, ...]],
) -> Surplus:
    """Pure. `rows`: all of the bucket, in the shape of its leaves; `withdrawn`: versions that are withdrawals, by id;
    `place` orders the rows of one id, and there is one row at a place.

    Rows of an entry that isn't listed go, unless its withdrawal is known; of a listed one, what stands after the leaf
    or differs at its place. What stands before stays: it was true once and decides nothing.
    """
    listed_ones = {leaf[0]: tuple(leaf) for leaf in leaves}
    dropped = []
    for row in rows:
        leaf = listed_ones.get(row[0])
        if leaf is None:
            if withdrawn.get(row[0], 0) <= row[1]:
                dropped.append(row)
        elif place(row) > place(leaf) or (place(row) == place(leaf) and tuple(row) != leaf):
            dropped.append(row)
    undone = [each for each, version in withdrawn.items() if each in listed_ones and version > listed_ones[each][1]]
    return Surplus(tuple(dropped), tuple(sorted(undone)))


async def forget_requests(
    connection: Connection, round_id: str, epoch: int, subject: RepairSubject, differing: Sequence[int]
) -> None:
    """Buckets that no longer differ may be asked for at once, should they differ again."""
    await connection.execute(FORGET, round_id, subject.value, epoch, list(differing))


async def request_buckets(
    connection: Connection,
    service: str,
    round_id: str,
    epoch: int,
    subject: RepairSubject,
    buckets: Sequence[int],
    now: datetime,
    pause_seconds: float,
) -> list[Outgoing]:
    """Requests for those of the buckets that are due: one at a time for each, whatever replica asks, with pauses that
    double. To be published with the caller's transaction."""
    rows = await connection.fetch(
        CLAIM,
        round_id,
        subject.value,
        epoch,
        sorted(buckets),
        now,
        pause_seconds,
        LONGEST_PAUSE_SECONDS,
        AT_ONCE,
    )
    due = sorted(row["bucket"] for row in rows)
    if due:
        _log.warning("requested buckets", round=round_id, epoch=epoch, subject=subject.value, buckets=due)
    return [
        _said(
            BucketRequested(
                round=round_id, epoch=epoch, subject=subject, bucket=bucket, requested_by=service, requested_at=now
            ),
            event_id("bucket-requested", service, round_id, epoch, subject.value, bucket, now.isoformat()),
            now,
        )
        for bucket in due
    ]


def listed(asked: BucketRequested, request_id: str, leaves: Iterable[Leaf], now: datetime) -> Outgoing:
    """The owner's answer: the complete list of the bucket, in order of id."""
    event = BucketListed(
        round=asked.round,
        epoch=asked.epoch,
        subject=asked.subject,
        bucket=asked.bucket,
        leaves=tuple(sorted(tuple(leaf) for leaf in leaves)),
        listed_at=now,
    )
    return _said(event, event_id("bucket-listed", request_id, now.isoformat()), now)


def _said(event: BucketRequested | BucketListed, identifier: str, now: datetime) -> Outgoing:
    key = f"{event.round}/{event.bucket}"
    return outgoing(topics.REPAIRS.name, key, event, event_id=identifier, time=now)
