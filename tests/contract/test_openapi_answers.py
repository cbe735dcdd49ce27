"""Every answer has its schema in OpenAPI, problems too, and an example that the schema takes."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from shared.contracts.access import SERVICES
from shared.service.openapi import EXAMPLE
from shared.service.problems import Problem
from tests.support.openapi import document, operations

FILES = ("text/", "image/", "application/pdf", "application/x-", "application/hwp", "application/vnd.")
SUCCESSES = ("2", "3")


def contents(service: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for method, path, operation in operations(service):
        for status, answer in operation["responses"].items():
            for kind, content in answer.get("content", {}).items():
                yield f"{method.upper()} {path} {status}", kind, content


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_says_what_it_answers(service: str) -> None:
    for method, path, operation in operations(service):
        answers = operation["responses"]
        done = {status: answer for status, answer in answers.items() if status.startswith(SUCCESSES)}
        assert done, f"{method} {path}"
        for status, answer in done.items():
            assert ("content" in answer) == (status not in ("204", "304")), f"{method} {path} {status}"
        for refused in ("4XX", "5XX"):
            assert "Problem" in str(answers[refused]["content"]["application/problem+json"]["schema"])


@pytest.mark.parametrize("service", SERVICES)
def test_every_schema_has_an_example_that_it_takes(service: str) -> None:
    whole = document(service)
    for where, kind, content in contents(service):
        schema = content["schema"]
        if kind.startswith(FILES):
            assert schema["type"] == "string", where
            continue
        assert "example" in content, where
        validator = jsonschema_rs.validator_for({**schema, "components": whole["components"]})
        assert [str(error) for error in validator.iter_errors(content["example"])] == [], where


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_of_fastapis_own_answers_is_left(service: str) -> None:
    assert "HTTPValidationError" not in str(document(service))


def test_a_problem_is_as_its_schema_says() -> None:
    schema = document("intake")["components"]["schemas"]["Problem"]
    validator = jsonschema_rs.validator_for(schema)
    made = Problem(404, "unknown-round", "No round r: see GET /rounds.").response()
    assert validator.is_valid(EXAMPLE)
    assert validator.is_valid(json.loads(bytes(made.body)))
