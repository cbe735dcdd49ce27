"""Sources of chance: when the value that decides is due, and what a rehearsal's source says."""

import hashlib
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def due_at(committed_at: datetime, lead_seconds: int, period_seconds: int) -> datetime:
    """The first moment the source gives a value at least `lead_seconds` after the commitment."""
    earliest = int((committed_at - _EPOCH) / timedelta(seconds=1)) + 1 + lead_seconds
    turns = -(-earliest // period_seconds)
    return _EPOCH + timedelta(seconds=turns * period_seconds)


def rehearsed_value(seed: str, round_id: str, supplementary: int | None = None) -> str:
    """Six numbers of 1 to 45 from the rehearsal's seed, as RFC 3797 writes them: ascending, `.` behind each, then `/`.

    `supplementary`: the epoch whose new entries draw under it; None for the round's own value. It does not depend on
    the moment, so that a disturbed and an undisturbed rehearsal end in the same roots.
    """
    what = round_id if supplementary is None else f"{round_id}:supplementary-{supplementary}"
    numbers: list[int] = []
    turn = 0
    while len(numbers) < 6:
        digest = hashlib.sha256(f"{seed}:{what}:{turn}".encode()).digest()
        number = int.from_bytes(digest, "big") % 45 + 1
        if number not in numbers:
            numbers.append(number)
        turn += 1
    return "".join(f"{number}." for number in sorted(numbers)) + "/"
