"""Requests made from each service's own OpenAPI, valid ones and such as break the schema, in every role: none fails it,
and each answer is one that the OpenAPI describes.

`make test` tries some of each operation; `make soak` (FIRSTBUY_TEST_EXAMPLES=1000) some hundred thousand in all.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deploy.local.stack import Stack
from services.intake.adapters.spreadsheets.reading import XLSX_TYPE
from shared.contracts.access import SERVICES
from tests.support.examples import ORDINARY, SETTING
from tests.support.rounds import Office, application, clock_map
from tests.support.stacks import LastingStack

pytestmark = [pytest.mark.xdist_group("generated"), pytest.mark.soak]
EACH = 3 if SETTING <= ORDINARY else SETTING * 4 // 5
"""Of an operation, of either kind: 62 operations make a hundred thousand in `make soak`."""
AS_DESCRIBED = [content_type_conformance, response_schema_conformance, status_code_conformance]
"""Every answer, problems too, is one that OpenAPI describes."""
ROLES = ("nobody", "wrong", "applicant", "institution", "officer", "auditor", "operator")


@schemathesis.serializer("message/rfc822", "text/csv", XLSX_TYPE)  # type: ignore[untyped-decorator]
def as_it_is(_: Any, value: Any) -> bytes:
    """A file's bytes; of what breaks the schema, its words."""
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    async with lasting_stack(SERVICES) as running:
        yield running


@pytest.fixture(scope="module")
async def tokens(stack: Stack) -> dict[str, str | None]:
    """By role."""
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        await office.institution("kepco", generated=1_000_000_000)
        round_id = await office.announce("generated", rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        entered = (await client.post(f"/rounds/{round_id}/applications", json=application(1))).raise_for_status().json()
        operator = {"Authorization": f"Bearer {stack.operator_token}"}
        made: dict[str, str | None] = {"nobody": None, "wrong": "fb_wrong", "operator": stack.operator_token}
        made["applicant"] = entered["token"]
        for role in ("officer", "auditor", "institution"):
            body = {"role": role, "name": f"{role} {secrets.token_hex(4)}"}
            body |= {"institution": "kepco"} if role == "institution" else {}
            answer = (await client.post("/tokens", json=body, headers=operator)).raise_for_status().json()
            made[role] = answer["token"]
        return made


@pytest.mark.parametrize("service", SERVICES)
def test_no_generated_request_fails_a_service(stack: Stack, tokens: dict[str, str | None], service: str) -> None:
    url = stack.url(service)
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    schema.config.base_url = url
    tried = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        tried += _tried(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), tokens)
        if _takes_any_text(operation):  # hypothesis would look long for what is wrong with it
            continue
        with suppress(Unsatisfiable):
            tried += _tried(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), tokens)
    assert tried > 30


def _takes_any_text(operation: Any) -> bool:
    """Whether no request breaks its schema: it has no body, and its parameters are texts without a pattern."""
    schemas = [parameter.definition.get("schema", {}) for parameter in operation.iter_parameters()]
    return not operation.body and all(schema == {"type": "string", "title": schema.get("title")} for schema in schemas)


def _tried(strategy: st.SearchStrategy[Any], tokens: dict[str, str | None]) -> int:
    """How many requests were made."""
    tried = 0

    @settings(
        max_examples=EACH,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy, st.sampled_from(ROLES))
    def none_fails(case: Any, role: str) -> None:
        nonlocal tried
        tried += 1
        token = tokens[role]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = case.call(headers=headers, timeout=30)
        assert answer.status_code < 500, (case.as_curl_command(), answer.text[:500])
        case.validate_response(answer, checks=AS_DESCRIBED)

    none_fails()
    return tried
