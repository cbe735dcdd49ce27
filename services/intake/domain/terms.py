"""Limits of a round's terms. A term beyond them is a slip, or carries its clock past the calendar."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from services.intake.domain.series import SERIES_LENGTH
from shared.contracts.events import Reason, Rehearsal, Source, SourceKind
from shared.contracts.round_file import RoundTerms
from shared.programme.working_days import korean_date
from shared.proof.beacon import ChainKey, UnusableKeyError

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2500, 1, 1, tzinfo=UTC)
LONGEST_WINDOW: Final = timedelta(days=3660)
LONGEST_SECONDS: Final = 366 * 86_400
"""Longest lead, and longest period or patience of a source."""
FASTEST: Final = 10_000_000
"""Most programme seconds per real second: a season."""
MOST_SOURCES: Final = 20


def term_faults(terms: RoundTerms, now: datetime) -> Iterator[Reason]:
    """Faults of any round, whenever it takes place. `now` is real time."""
    yield from window_faults(terms.opens_at, terms.closes_at)
    yield from chance_faults(terms.lead_seconds, terms.sources)
    yield from chain_faults(terms.sources)
    if terms.rehearsal is not None:
        yield from rehearsal_faults(terms.rehearsal, now)


def window_faults(opens_at: datetime, closes_at: datetime, pointer: str = "/round/closes_at") -> Iterator[Reason]:
    """Faults of an opening and a close. `pointer`: the field of the close."""
    yield from _moment_faults("/round/opens_at", opens_at)
    yield from _moment_faults(pointer, closes_at)
    if opens_at >= closes_at:
        yield Reason(pointer=pointer, code="order", detail="it is not after opens_at", fix="give a later close")
    elif closes_at - opens_at > LONGEST_WINDOW:
        detail = f"the window is {(closes_at - opens_at).days} days"
        yield Reason(
            pointer=pointer, code="too-long", detail=detail, fix=f"give {LONGEST_WINDOW.days} days at the most"
        )


def past_faults(closes_at: datetime, rehearsal: Rehearsal | None, now: datetime) -> Iterator[Reason]:
    """A round to be announced whose window is over would be frozen empty at once. `now` is real time."""
    if rehearsal is None and closes_at <= now:
        fix = "give a window to come; one of the past can be rehearsed"
        detail = f"the round would have closed on {korean_date(closes_at)} already"
        yield Reason(pointer="/round/closes_at", code="window-past", detail=detail, fix=fix)


def chance_faults(lead_seconds: int, sources: Sequence[Source]) -> Iterator[Reason]:
    """Faults of the lead and of the sources of chance."""
    yield from _seconds_faults("/round/lead_seconds", lead_seconds)
    if len(sources) > MOST_SOURCES:
        detail = f"there are {len(sources)}"
        yield Reason(pointer="/round/sources", code="too-many", detail=detail, fix=f"name {MOST_SOURCES} at the most")
    for number, source in enumerate(sources):
        pointer = f"/round/sources/{number}"
        yield from _seconds_faults(f"{pointer}/period_seconds", source.period_seconds)
        yield from _seconds_faults(f"{pointer}/fails_after_seconds", source.fails_after_seconds or 0)
        if source.anchor is not None:
            yield from _moment_faults(f"{pointer}/anchor", source.anchor)


def chain_faults(sources: Sequence[Source]) -> Iterator[Reason]:
    """Faults of sources that are drand chains."""
    for number, source in enumerate(sources):
        pointer = f"/round/sources/{number}"
        if source.kind is not SourceKind.DRAND:
            continue
        if not (source.anchor and source.chain_hash):
            fix = "give its genesis as anchor, and its chain_hash"
            detail = f"{source.source} does not name its chain"
            yield Reason(pointer=pointer, code="no-chain", detail=detail, fix=fix)
        elif source.public_key:
            try:
                ChainKey.of(source.public_key, source.scheme)
            except UnusableKeyError as error:
                fix = "give public_key and scheme as the chain's info states them, or no key: none is checked then"
                yield Reason(pointer=f"{pointer}/public_key", code=error.code, detail=str(error), fix=fix)


def first_cut_faults(series: str, closes_at: datetime, as_of: date) -> Iterator[Reason]:
    """Faults of a rolling intake, whose first cut is the round."""
    day = korean_date(closes_at)
    if day != as_of:
        detail = f"the first cut is judged by {as_of}, but closes on {day} in Korea"
        fix = "close the first cut on the policy's as_of, or let that be the day of the close"
        yield Reason(pointer="/round/closes_at", code="not-the-day-of-the-cut", detail=detail, fix=fix)
    if len(series) > SERIES_LENGTH:
        fix = f"at most {SERIES_LENGTH} characters: the cuts' ids are longer by their number"
        yield Reason(pointer="/round/round", code="too-long", detail=f"{len(series)} characters", fix=fix)


def rehearsal_faults(rehearsal: Rehearsal, now: datetime) -> Iterator[Reason]:
    """Faults of a rehearsal's clock. `now` is real time."""
    pointer = "/round/rehearsal"
    yield from _moment_faults(f"{pointer}/programme_anchor", rehearsal.programme_anchor)
    if abs(rehearsal.real_anchor - now) > LONGEST_WINDOW:
        fix = f"give a moment within {LONGEST_WINDOW.days} days of now"
        yield Reason(pointer=f"{pointer}/real_anchor", code="too-far", detail=str(rehearsal.real_anchor), fix=fix)
    if rehearsal.rate > FASTEST:
        fix = f"give {FASTEST:,} programme seconds a real one at the most"
        yield Reason(pointer=f"{pointer}/rate", code="too-fast", detail=f"it is {rehearsal.rate:,}", fix=fix)


def _moment_faults(pointer: str, moment: datetime) -> Iterator[Reason]:
    if not EARLIEST <= moment < LATEST:
        fix = f"give a moment from {EARLIEST.year} on, and before {LATEST.year}"
        yield Reason(pointer=pointer, code="too-far", detail=moment.isoformat(), fix=fix)


def _seconds_faults(pointer: str, seconds: int) -> Iterator[Reason]:
    if seconds > LONGEST_SECONDS:
        detail, fix = f"it is {seconds:,}", f"give {LONGEST_SECONDS:,} seconds at the most, a year"
        yield Reason(pointer=pointer, code="too-long", detail=detail, fix=fix)
