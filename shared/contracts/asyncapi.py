"""The interface for institutions as one AsyncAPI 3 document: what they send and receive, and every payload.

Services publish theirs at `/asyncapi`, from their own side and with their deployment's prefix; this one is for whoever
has not met one yet.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from shared.contracts import topics
from shared.contracts.topics import Topic
from shared.contracts.values import Contract

Document = dict[str, Any]
_PARAMETERS: Final = {
    "prefix": {"default": "firstbuy.", "description": "Of the deployment; the configuration handed over has it."},
    "code": {"description": "The institution's short code.", "examples": ["kepco"]},
}
_SENT_HEADERS: Final = {
    "ce_id": {"type": "string", "maxLength": 200, "description": "Your own id of this message; the answer quotes it."},
    "ce_dataschema": {"type": "string"},
    "traceparent": {"type": "string"},
    "content-type": {"type": "string"},
}
_HEARD_HEADERS: Final = {
    "ce_specversion": {"const": "1.0"},
    "ce_id": {"type": "string", "description": "The same for the same event, however often it is published."},
    "ce_source": {"type": "string"},
    "ce_subject": {"type": "string"},
    "ce_time": {"type": "string", "format": "date-time"},
    "ce_dataschema": {"type": "string"},
    "content-type": {"const": "application/json"},
    "traceparent": {"type": "string"},
}


def institution_side(examples: Mapping[str, Any]) -> Document:
    """The document. `examples`: a body of each message, by name."""
    inbox, outbox = topics.inbox("{code}"), topics.outbox("{code}")
    models = [*inbox.events, *outbox.events]
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Firstbuy, as an institution meets it",
            "version": "1",
            "description": "CloudEvents 1.0 over Kafka in binary mode. What is sent may also be plain JSON whose "
            "`type` and `id` stand in the body, or in structured mode; see docs/institutions.md.",
        },
        "defaultContentType": "application/json",
        "channels": {"inbox": _channel(inbox), "outbox": _channel(outbox)},
        "operations": {
            "send": _operation("send", "inbox", inbox, "Each message has exactly one InboxAnswered on the outbox."),
            "hear": _operation("receive", "outbox", outbox, "Pass over types that you do not know: more may come."),
        },
        "components": {
            "messages": {model.__name__: _message(model, _SENT_HEADERS, examples) for model in inbox.events}
            | {model.__name__: _message(model, _HEARD_HEADERS, examples) for model in outbox.events},
            "schemas": schemas["$defs"],
        },
    }


def _channel(topic: Topic) -> Document:
    names = [model.__name__ for model in topic.events]
    return {
        "address": f"{{prefix}}{topic.name}",
        "parameters": _PARAMETERS,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"partitions": topic.partitions}},
    }


def _operation(action: str, channel: str, topic: Topic, summary: str) -> Document:
    messages = [{"$ref": f"#/channels/{channel}/messages/{model.__name__}"} for model in topic.events]
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": messages,
    }


def _message(model: type[Contract], headers: Document, examples: Mapping[str, Any]) -> Document:
    extra_headers = {"ce_type": {"const": f"kr.firstbuy.{model.__name__}.v1"}}
    return {
        "name": f"kr.firstbuy.{model.__name__}.v1",
        "title": model.__name__,
        "headers": {"type": "object", "properties": extra_headers | headers},
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "examples": [{"payload": examples[model.__name__]}],
        "bindings": {"kafka": {"key": {"type": "string", "description": "The request's id."}}},
    }
