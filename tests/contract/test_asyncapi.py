"""The AsyncAPI page of institutions says what the contracts and the rights say."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.contracts import topics
from shared.contracts.access import Right, institution_grants
from shared.contracts.asyncapi import institution_side
from shared.contracts.generate import PAGE, examples, models, page_drift

EXAMPLES = examples()
DOCUMENT = institution_side(EXAMPLES)


def referenced(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in referenced(item)]
    if not isinstance(value, dict):
        return []
    here = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return here + [found for item in value.values() for found in referenced(item)]


def resolved(reference: str) -> Any:
    place: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place


def test_the_page_is_what_the_contracts_say(tmp_path: Path) -> None:
    assert page_drift() == []
    assert json.loads(PAGE.read_text()) == DOCUMENT
    assert page_drift(tmp_path / "institution.json") != []


def test_every_reference_leads_somewhere() -> None:
    found = referenced(DOCUMENT)
    assert found
    assert all(isinstance(resolved(reference), dict) for reference in found)


def test_it_sends_and_hears_just_what_an_institution_may() -> None:
    rights = {grant.name: grant.right for grant in institution_grants("{prefix}", "{code}")}
    for operation, right in (("send", Right.WRITE), ("hear", Right.READ)):
        channel = resolved(DOCUMENT["operations"][operation]["channel"]["$ref"])
        assert rights[channel["address"]] is right


@pytest.mark.parametrize(("channel", "topic"), [("inbox", topics.inbox("any")), ("outbox", topics.outbox("any"))])
def test_every_message_of_a_channel_has_its_payload_model(channel: str, topic: topics.Topic) -> None:
    messages = DOCUMENT["channels"][channel]["messages"]
    assert set(messages) == {model.__name__ for model in topic.events}
    for name, reference in messages.items():
        message = resolved(reference["$ref"])
        assert message["headers"]["properties"]["ce_type"]["const"] == f"kr.firstbuy.{name}.v1"
        payload = resolved(message["payload"]["$ref"])
        assert message["examples"] == [{"payload": EXAMPLES[name]}]
        assert models()[name].model_validate_json(json.dumps(EXAMPLES[name]))
        assert set(payload["properties"]) == set(models()[name].model_json_schema()["properties"])
