"""What each service says of itself in OpenAPI is whole: nothing it refers to is missing, every write says its body."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.contracts.access import SERVICES
from tests.support.openapi import document, operations

NO_BODY = {
    "/rounds/{round_id}/acts/{act}/approval",
    "/institutions/{code}/webhook/rotation",
    "/deliveries/{delivery}/retry",
    "/not-me/{link}",
    "/applications/{application}/lost-token",
}
"""Writes that are all said by their address."""


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_that_is_referred_to_is_missing(service: str) -> None:
    whole = document(service)
    for reference in references(whole):
        found: Any = whole
        for name in reference.removeprefix("#/").split("/"):
            assert name in found, reference
            found = found[name]


@pytest.mark.parametrize("service", SERVICES)
def test_every_write_says_its_body(service: str) -> None:
    for method, path, operation in operations(service):
        if method in {"post", "put"} and path not in NO_BODY:
            content = operation["requestBody"]["content"]
            assert all(one["schema"] for one in content.values()), path
