"""Our envelope against the CloudEvents SDK: what we write it reads, and what it then writes is what we wrote."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event, to_binary_event

from shared.contracts.events import ApplicationWithdrawn, RoundVoided
from shared.contracts.generate import models
from shared.contracts.values import Contract
from shared.kafka.cloudevents import event_id, headers_of, outgoing, type_name

GOLDEN = Path(__file__).parent / "golden"
MOMENT = datetime(2018, 9, 14, 9, 0, 7, 120_000, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def golden(model: type[Contract]) -> Contract:
    return model.model_validate_json((GOLDEN / f"{model.__name__}.v1.1.json").read_text())


def written(event: Contract, moment: datetime = MOMENT, trace: str | None = None) -> KafkaMessage:
    key = "2018-h2"
    sent = outgoing("rounds.v1", key, event, event_id=event_id("2018-h2", 1, "frozen"), time=moment, traceparent=trace)
    headers = headers_of(sent, "intake")
    assert len({name for name, _ in headers}) == len(headers)
    return KafkaMessage(headers=dict(headers), key=key.encode(), value=sent.body or b"")


@pytest.mark.parametrize("name", sorted(models()))
def test_the_sdk_reads_every_event_as_we_mean_it(name: str) -> None:
    event = golden(models()[name])
    read = from_kafka_event(written(event))
    assert read.get_specversion() == "1.0"
    assert read.get_id() == event_id("2018-h2", 1, "frozen")
    assert read.get_type() == f"kr.firstbuy.{name}.v1"
    assert type_name(read.get_type()) == name
    assert read.get_source() == "/firstbuy/intake"
    assert read.get_subject() == "2018-h2"
    assert read.get_time() == MOMENT
    assert read.get_dataschema() == f"urn:firstbuy:schema:{name}:1"
    assert read.get_datacontenttype() == "application/json"
    data = read.get_data()
    assert isinstance(data, dict)
    assert type(event).model_validate(data) == event


def test_the_sdk_writes_the_headers_we_write() -> None:
    ours = written(golden(RoundVoided))
    # With a key the SDK would add its partitionkey extension, which is the key said again.
    theirs = to_binary_event(from_kafka_event(replace(ours, key=None)))
    assert theirs.headers == ours.headers


def test_the_trace_travels_beside_the_envelope() -> None:
    ours = written(golden(RoundVoided), trace=TRACE)
    assert ours.headers["traceparent"] == TRACE.encode()
    assert "traceparent" not in written(golden(RoundVoided)).headers
    assert from_kafka_event(ours).get_extension("traceparent") is None


def test_a_moment_of_another_offset_stays_that_moment() -> None:
    seoul = MOMENT.astimezone(timezone(timedelta(hours=9)))
    assert from_kafka_event(written(golden(ApplicationWithdrawn), seoul)).get_time() == MOMENT


def test_the_same_business_key_has_the_same_id_and_its_parts_do_not_run_together() -> None:
    assert event_id("a", 1) == event_id("a", "1")
    assert event_id("a", 11) != event_id("a1", 1)


def test_dataschema_is_the_id_of_the_schema_we_publish() -> None:
    schema = json.loads((Path(__file__).parents[2] / "shared/contracts/schemas/RoundVoided.json").read_text())
    assert schema["$id"] == from_kafka_event(written(golden(RoundVoided))).get_dataschema()
