"""The first half of 2018 beside the second: firms apply, are judged by its rules, and are replayed under the other's.

The firms are the simulator's sample. The round is scored, and no panel marks it here: nothing is committed before two
officers close a panel's marks, so that nothing is selected in it.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic_core import from_json

from firstbuy.commands.simulate import replayed
from firstbuy.demo.client import Senders, Traffic
from firstbuy.demo.entries import CHANGE, Call, Script, as_bytes, contact
from firstbuy.demo.observer import Observer, Seen
from firstbuy.demo.office import Office, rehearsed
from firstbuy.demo.progress import Screen
from firstbuy.demo.target import DemoFailedError, Target, TooSlowError
from firstbuy.simulate.results import Results
from firstbuy.simulate.sample import ROUND, sample_records
from shared.contracts.policy import Policy

STOPS: Final = (
    f"{ROUND} stops here, judged: it is selected by score, and waits for the marks of a panel, which the demo has not"
)
_SHARE: Final = 0.8
"""Of the other round's window: it is judged while that one is still open."""
_SHORTEST: Final = 6.0
_LAST_SECONDS: Final = 1.0
_PATIENCE: Final = 120.0
_CONTACTS_FROM: Final = 900_000


@dataclass(frozen=True, slots=True)
class FirstHalf:
    """What was sent, what was seen of it on the topics, and what the simulator read there."""

    scripts: tuple[Script, ...]
    traffic: Traffic
    seen: Seen
    results: Results

    @property
    def mails(self) -> int:
        return mails_of(self.scripts)


@dataclass(frozen=True, slots=True)
class Beside:
    """Both policies, and the terms of the round as its file states them."""

    terms: Mapping[str, Any]
    stated: Any
    own: Policy
    other: Policy


def scripts_of(policy: Policy) -> tuple[Script, ...]:
    """The sample as calls: an application is entered, and changed where the sample has a second version of it."""
    rng = random.Random("firstbuy-first-half")  # noqa: S311 -- a rehearsal's data, repeatable
    versions: dict[str, list[dict[str, Any]]] = {}
    for application, kind, record in sample_records(policy):
        if kind == "ApplicationSubmitted":
            versions.setdefault(application, []).append(from_json(record)["facts"])
    scripts = []
    for number, (application, facts) in enumerate(versions.items()):
        reach = {"contact": contact(_CONTACTS_FROM + number, rng)}
        first, *later = (as_bytes(each | reach) for each in facts)
        calls = [Call("entered", 201, first, key=f"sample-{application}")]
        calls += [
            Call("resubmitted", 200, each, CHANGE, "PUT", if_match=version) for version, each in enumerate(later, 1)
        ]
        scripts.append(Script(tuple(calls)))
    return tuple(scripts)


def mails_of(scripts: tuple[Script, ...]) -> int:
    """A receipt for each version; results come with a selection."""
    return sum(len(script.calls) for script in scripts)


async def announce(office: Office, beside: Beside, opens: datetime, seconds: float) -> datetime:
    """To open at the same moment as the other round; returns when it closes, in real time."""
    lasts = max(_SHORTEST, seconds * _SHARE)
    told, _ = rehearsed(beside.terms, opens, lasts, ROUND, draws=False)
    await office.announce(told, beside.stated, "the first round of 2018, rehearsed up to its verdicts")
    return opens + timedelta(seconds=lasts)


async def hold(
    target: Target, observer: Observer, screen: Screen, beside: Beside, sends_at: datetime, closes: datetime
) -> FirstHalf:
    """From the first application, sent when the other round has had its rush, to the simulator's reading."""
    seen, scripts, traffic = observer.seen(ROUND), scripts_of(beside.own), Traffic()

    async def until(reached: Callable[[], bool], complaint: str) -> None:
        if not await observer.until(reached, _PATIENCE):
            raise DemoFailedError(f"{ROUND}: {complaint} in {_PATIENCE:.0f} s; the logs are in {target.logs}")

    await until(lambda: bool(seen.of("RoundOpened")), "it did not open")
    await asyncio.sleep(max(0.0, (sends_at - datetime.now(UTC)).total_seconds()))
    last = closes - timedelta(seconds=_LAST_SECONDS)
    senders = Senders(target.urls["intake"], ROUND, traffic)
    if not await senders.send(scripts, stop=lambda: datetime.now(UTC) >= last):
        raise TooSlowError(
            f"this machine was too slow for {ROUND}: it closed with {traffic.answered} of its {mails_of(scripts)} "
            "requests answered. Run again with a longer --window"
        )
    await until(lambda: bool(seen.of("EligibilityCompleted")), "it was not judged")
    await until(lambda: seen.delivered["mail"] >= mails_of(scripts), "its receipts were not delivered")
    kafka = target.client
    results = await replayed(kafka, target.topic_prefix, ROUND, beside.other, listed=len(scripts))
    by_own, by_other = results.eligible
    screen.phase(
        ROUND,
        f"beside it {results.applied} applied: {by_own} eligible by its rules, {by_other} by {beside.other.policy}'s",
    )
    screen.note(STOPS)
    return FirstHalf(scripts, traffic, seen, results)
