"""Repair of a set, bucket by bucket: requests and lists on `repairs.v1`, and when a list may be used.

A list is used only if its leaves give exactly the wanted root, so old, repeated or forged lists change nothing. Lists
and re-published rows have no common order: a leaf whose row is missing comes later, and a bucket that still differs
then is requested again.

The service's own migration creates the table `bucket_requests`.
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
"""Most buckets of one subject requested in one pass, so that a set that is just catching up is not requested whole."""
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
    """The rows of one bucket."""
    return [row for row in rows if bucket_of(row[0]) == bucket]


def is_bucket_of(manifest: Manifest, bucket: int, leaves: Iterable[Leaf]) -> bool:
    """True if these leaves are exactly that bucket, by count and root."""
    digest = digest_of(leaves)
    wanted = manifest.counts[bucket], manifest.roots[bucket]
    return digest.count == wanted[0] and (digest.counts[bucket], digest.roots[bucket]) == wanted


@dataclass(frozen=True, slots=True)
class Surplus:
    """What contradicts a list: rows, and withdrawals of listed entries."""

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
    """What contradicts the listed `leaves`. `rows`: the whole bucket, in the form of leaves; `withdrawn`: versions of
    withdrawals, by id; `place`: orders the rows of one id, each place having one row.

    Rows of an unlisted entry contradict it, unless its withdrawal is known. Of a listed entry, rows after its leaf do,
    and a row at its place that differs. Earlier rows stay: they were true once and decide nothing.
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
    """Forgets requests for buckets that no longer differ, so that they can be requested at once if they differ
    again."""
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
    """The requests for buckets that are due, to publish with the caller's transaction. Over all replicas, each bucket
    is requested once at a time, with doubling pauses."""
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
        _repair_event(
            BucketRequested(
                round=round_id, epoch=epoch, subject=subject, bucket=bucket, requested_by=service, requested_at=now
            ),
            event_id("bucket-requested", service, round_id, epoch, subject.value, bucket, now.isoformat()),
            now,
        )
        for bucket in due
    ]


def listed(asked: BucketRequested, request_id: str, leaves: Iterable[Leaf], now: datetime) -> Outgoing:
    """The owner's answer: the complete bucket, in order of id."""
    event = BucketListed(
        round=asked.round,
        epoch=asked.epoch,
        subject=asked.subject,
        bucket=asked.bucket,
        leaves=tuple(sorted(tuple(leaf) for leaf in leaves)),
        listed_at=now,
    )
    return _repair_event(event, event_id("bucket-listed", request_id, now.isoformat()), now)


def _repair_event(event: BucketRequested | BucketListed, identifier: str, now: datetime) -> Outgoing:
    key = f"{event.round}/{event.bucket}"
    return outgoing(topics.REPAIRS.name, key, event, event_id=identifier, time=now)
