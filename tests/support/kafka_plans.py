"""Kafka's topics, users and rights as documents."""

from collections.abc import Callable
from typing import Any

Documents = Callable[..., list[dict[str, Any]]]


def acls(document: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (acl["resource"]["type"], acl["resource"]["name"], acl["operations"][0].lower())
        for acl in document["spec"]["authorization"]["acls"]
    }


def named(documents: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {document["metadata"]["name"]: document for document in documents if document["kind"] == kind}
