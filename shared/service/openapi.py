"""Completes a service's OpenAPI document: every answer with its schema and an example, problems included.

Routes build their answers themselves, so the service's `answers.json` describes them by operation and status;
`answers.json` beside this module has what all services share. Tests compare both with real answers.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from shared.contracts.events import Reason
from shared.service.problems import PROBLEM

Document = dict[str, Any]
_SHARED: Final = Path(__file__).with_name("answers.json")
_PAGE: Final = "text/html"
_OF_FASTAPI: Final = ("HTTPValidationError", "ValidationError")
"""FastAPI's schemas of unreadable requests, which problems replace here."""
EXAMPLE: Final[Document] = {
    "type": "urn:firstbuy:problem:invalid-fields",
    "title": "Some fields can't be accepted.",
    "status": 422,
    "errors": [
        {
            "pointer": "/product/price_won",
            "code": "int-type",
            "detail": "'cheap' came: this is no whole number",
            "fix": "write a whole number, without quotes, such as 120000000; in quotes with commas between thousands",
        }
    ],
}


def problem_schema() -> Document:
    """The schema of problem details (RFC 9457). More members may be added."""
    return {
        "title": "Problem",
        "description": "What is wrong with a request (RFC 9457), in the language of Accept-Language; `type` and codes "
        "are stable.",
        "type": "object",
        "required": ["type", "title", "status", "errors"],
        "properties": {
            "type": {"type": "string", "pattern": "^urn:firstbuy:problem:[a-z0-9-]+$"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "errors": {"type": "array", "items": Reason.model_json_schema()},
        },
        "example": EXAMPLE,
    }


def describe(app: FastAPI, answers: Path, raw: Mapping[str, Document]) -> None:
    """Adds answers to the app's document. `answers`: the service's file. `raw`: OpenAPI paths that FastAPI does not
    know."""
    plain = app.openapi

    def openapi() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = _whole(plain(), {**_read(_SHARED), **_read(answers)}, raw)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _read(path: Path) -> Document:
    document: Document = json.loads(path.read_text(encoding="utf-8"))
    return document


def _whole(document: Document, answers: Mapping[str, Any], raw: Mapping[str, Document]) -> Document:
    document["paths"] |= {path: dict(methods) for path, methods in raw.items()}
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _OF_FASTAPI:
        schemas.pop(name, None)
    schemas["Problem"] = problem_schema()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            responses = _responses(operation["responses"], answers.get(f"{method.upper()} {path}", {}))
            methods[method] = {**operation, "responses": responses}
    return document


def _responses(own: Mapping[str, Any], answers: Mapping[str, Any]) -> Document:
    """The responses of a route. Its own refusals keep their descriptions; pages also have refusals as pages."""
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": EXAMPLE}
    pages = next(
        ({_PAGE: answer["content"][_PAGE]} for answer in answers.values() if _PAGE in answer.get("content", {})), {}
    )
    refused = {"description": "What is wrong, and what to do about it.", "content": {PROBLEM: problem, **pages}}
    apart = {
        status: refused | answer for status, answer in own.items() if status[0] in "45" and "content" not in answer
    }
    return {**answers, **apart, "4XX": refused, "5XX": refused}
