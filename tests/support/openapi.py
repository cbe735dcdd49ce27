"""What services say of themselves in OpenAPI."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.support.apps import APPS

MORE = {"notify": {"smtp_url": "smtp://x"}}


@cache
def document(service: str) -> dict[str, Any]:
    create, settings = APPS[service]
    given = {"database_url": "postgresql://x/y", "http_port": 1}
    described: dict[str, Any] = create(settings(**given | MORE.get(service, {}))).openapi()
    return described


def operations(service: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document(service)["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation
