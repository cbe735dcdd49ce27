"""`firstbuy simulate`: a round's recorded applications under another policy; who changes side, and why."""

import asyncio
import logging
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.state import PROJECT
from firstbuy.commands.http import AsJson
from firstbuy.commands.operator import operator_kafka
from firstbuy.commands.policies import sound
from firstbuy.commands.screen import console, fail, print_json
from firstbuy.policy_review.checking import policy_hash
from firstbuy.simulate import sample
from firstbuy.simulate.cases import Comparison, Side
from firstbuy.simulate.page import html as as_html
from firstbuy.simulate.recorded import NotReadableError, UnknownRoundError, read_topic, recorded_round
from firstbuy.simulate.registries import recorded_answers
from firstbuy.simulate.replay import Replay
from firstbuy.simulate.results import Results, results_of
from firstbuy.simulate.shown import as_json as results_json
from firstbuy.simulate.shown import show
from shared.contracts import topics
from shared.contracts.policy import Policy
from shared.reading import as_written
from shared.service.settings import KafkaSettings


def simulate(
    policy: Annotated[Path, typer.Option(help="The other policy, a file of deploy/policies/.")],
    round_id: Annotated[str | None, typer.Option("--round", help="The recorded round, such as 2018-h1.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="Judge both by this day; else by the recorded round's own, so that only rules differ."),
    ] = None,
    track: Annotated[
        list[str] | None,
        typer.Option(
            help="OLD=NEW: judge applications of a recorded track in another of the other policy. May repeat."
        ),
    ] = None,
    listed: Annotated[
        int, typer.Option("--list", min=0, max=100_000, help="How many that change side are listed.")
    ] = 20,
    html: Annotated[Path | None, typer.Option(help="Write a page with charts, one file, too.")] = None,
    from_sample: Annotated[
        bool, typer.Option("--sample", help="171 generated firms in the shape of 2018-h1, without Kafka.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Replays what is recorded on applications.v1 under the round's own policy and another one: who changes side, by
    rule and by kind of firm, and what becomes of tickets and chances. Reads only; stores nothing.

    Kafka is the running local stack's, else what FIRSTBUY_KAFKA_… and FIRSTBUY_TOPIC_PREFIX say."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what ends the command is said by it
    other = sound(policy)
    if from_sample == (round_id is not None):
        fail("name the recorded round with --round, or replay the generated one with --sample")
    day, moved = _day(as_of), _moved(track or [], other)
    try:
        if from_sample:
            results = sampled(other, day, moved, listed)
        else:
            kafka, prefix = where()
            results = asyncio.run(replayed(kafka, prefix, str(round_id), other, day, moved, listed))
    except (NotReadableError, UnknownRoundError) as error:
        fail(str(error))
    if html is not None:
        try:
            html.write_text(as_html(results), encoding="utf-8")
        except OSError as error:
            fail(f"{html}: {error.strerror}")
    if as_json:
        print_json(results_json(results))
    else:
        show(results, console)


async def replayed(
    kafka: KafkaSettings,
    prefix: str,
    round_id: str,
    other: Policy,
    day: date | None = None,
    moved: dict[str, str] | None = None,
    listed: int = 20,
) -> Results:
    """A round from its topics, under the policies asked for."""
    opened, frozen = await recorded_round(kafka, prefix, round_id)
    replay = _replay(round_id, opened.policy, opened.policy_hash, other, day, moved or {}, listed)
    said = await recorded_answers(kafka, prefix, round_id, replay.comparison.old.rules)
    replay.confirm = said.confirm
    await read_topic(kafka, prefix, topics.APPLICATIONS, replay.take, replay.settle)
    return _results(replay, opened.title, frozen)


def sampled(other: Policy, day: date | None = None, moved: dict[str, str] | None = None, listed: int = 20) -> Results:
    policy = sample.sample_policy(sound(PROJECT / "deploy" / "policies" / f"{sample.ROUND}.yaml"))
    replay = _replay(sample.ROUND, policy, policy_hash(policy), other, day, moved or {}, listed)
    for _, kind, body in sample.sample_records(policy):
        replay.take(kind, body)
    replay.settle()
    return _results(replay, sample.TITLE, replay.tally.applications)


def _replay(
    round_id: str, own: Policy, own_hash: str, other: Policy, day: date | None, moved: dict[str, str], listed: int
) -> Replay:
    as_of = day or own.as_of
    old, new = Side.of(own, own_hash, as_of), Side.of(other, policy_hash(other), as_of)
    return Replay(round_id, Comparison.of(old, new, moved), listed)


def _results(replay: Replay, title: str, frozen: int | None) -> Results:
    sides = replay.comparison
    as_of = sides.old.rules.as_of.isoformat()
    return results_of(replay.tally, replay.round, title, as_of, sides.old.policy, sides.new.policy, frozen)


def where() -> tuple[KafkaSettings, str]:
    """The environment's Kafka where it names one, else that of the local stack that runs."""
    found = operator_kafka(None)
    if found is None:
        fail("no local stack runs: start one with `firstbuy up`, or name Kafka by FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS")
    return found


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    day = as_written.day(text)
    if isinstance(day, as_written.Wrong):
        fail(f"--as-of {text}: {day.detail}: give a day of the calendar as YYYY-MM-DD")
    return date.fromisoformat(day)


def _moved(given: list[str], other: Policy) -> dict[str, str]:
    known = {track.track for track in other.tracks}
    moved = {}
    for each in given:
        old, sign, new = each.partition("=")
        if not old or not sign or new not in known:
            fail(f"--track {each}: write OLD=NEW, where NEW is one of {', '.join(sorted(known))}")
        moved[old] = new
    return moved
