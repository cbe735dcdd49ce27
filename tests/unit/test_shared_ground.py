"""Clock maps, problem details, bearer tokens, trace context: what every service stands on."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import REAL_TIME, SetClock, TimeMap
from shared.contracts.topics import CONSUMED, SHARED_TOPICS, provisioned
from shared.kafka.cloudevents import event_id
from shared.reading.json_read import reasons_of
from shared.service.http import bearer_hash
from shared.service.problems import Problem
from shared.service.telemetry import open_tracing

ANCHOR = datetime(2026, 11, 22, tzinfo=UTC)


@given(st.integers(1, 10**6), st.timedeltas(timedelta(0), timedelta(days=300)))
def test_the_rehearsal_map_goes_there_and_back(rate: int, programme: timedelta) -> None:
    line = TimeMap(ANCHOR, datetime(2018, 8, 16, tzinfo=UTC), rate)
    moment = line.programme_anchor + programme
    # A real moment has microseconds: the way back is off by at most what one of them maps to.
    assert abs(line.programme(line.real(moment)) - moment) <= timedelta(microseconds=rate)


def test_without_a_rehearsal_programme_time_is_real_time() -> None:
    assert REAL_TIME.programme(ANCHOR) == ANCHOR == REAL_TIME.real(ANCHOR)
    assert SetClock(ANCHOR).now() == ANCHOR


@pytest.mark.parametrize(
    ("header", "known"),
    [("Bearer secret", True), ("bearer  secret ", True), ("Basic secret", False), ("Bearer ", False), (None, False)],
)
def test_only_a_bearer_token_opens(header: str | None, known: bool) -> None:
    assert (bearer_hash(header) is not None) is known


def test_a_problem_names_field_and_fix() -> None:
    error = {"loc": ("product", "price_won"), "type": "missing", "msg": "Field required"}
    answer = Problem(422, "invalid-fields", "Some fields can't be accepted.", reasons_of([error])).response()
    assert answer.headers["content-type"] == "application/problem+json"
    assert b'"pointer": "/product/price_won"' in bytes(answer.body)
    assert b'"fix": "add this field"' in bytes(answer.body)


def test_a_trace_keeps_its_id_and_an_unsampled_one_costs_nothing() -> None:
    tracing, provider = open_tracing("intake", "0", 0.0, "")
    sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    followed = tracing.follow("judge", sampled)
    assert followed.split("-")[1] == sampled.split("-")[1]
    assert followed != sampled
    unsampled = tracing.begin("POST application")
    assert unsampled.endswith("-00")
    assert tracing.follow("judge", unsampled) == unsampled
    provider.shutdown()


def test_an_event_id_is_a_name_not_a_moment() -> None:
    assert event_id("verdict", "a", 1) == event_id("verdict", "a", "1") != event_id("verdict", "a", 2)


def test_every_consumed_topic_is_provisioned_with_its_dead_letters() -> None:
    names = {topic.name for topic in provisioned()}
    for service, topics in CONSUMED.items():
        for topic in topics:
            assert topic in SHARED_TOPICS
            assert f"{topic.name}.{service}.dlq" in names
