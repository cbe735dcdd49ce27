"""`POST /rounds/{round}/applications`: the route of the deadline rush, raw and with group commit."""

import hashlib
import json
import secrets
from collections.abc import Callable
from typing import Any, Final

from fastapi import Request, Response

from services.intake.api.bodies import SUBMISSION, SubmissionBody
from services.intake.api.edge import moment_of
from services.intake.api.refusals import granted, problem
from services.intake.api.state import intake, network
from services.intake.domain.documents import key_hash
from services.intake.domain.entries import Chance
from services.intake.domain.entry_refusals import refused_entry
from services.intake.domain.firms import names
from services.intake.domain.receipts import receipt_json
from services.intake.domain.refused import Refused
from services.intake.domain.submissions import FirmLimit, Refusal, Submission
from services.intake.usecases.admission import TooManyWaitingError
from services.intake.usecases.document_naming import unfit_documents
from services.intake.usecases.fitness import unfit_entry, with_warnings
from services.intake.usecases.identity import below_level
from shared.contracts.events import Reason
from shared.contracts.facts import facts_json, product_key
from shared.reading.json_read import told
from shared.service.http import bearer_hash, body_of, parsed, read_body
from shared.service.problems import Problem, in_language

_KEY: Final = "write 1 to 200 printable characters, such as 2018-017"
Warned = Callable[[dict[str, Any]], dict[str, Any]]


async def submit_application(request: Request) -> Response:
    """201 with a receipt once the application is durable; a retry under the same Idempotency-Key gets the same."""
    try:
        submission, warned = await read_submission(request)
    except Problem as refused:
        return refused.response()
    try:
        answer = await intake(request).admission.submit(submission)
    except TooManyWaitingError:
        return Problem(429, "busy", "Many apply at once: send it again.", headers={"Retry-After": "1"}).response()
    if isinstance(answer, FirmLimit | Refusal | Refused):
        return problem(refused_entry(answer)).response()
    return Response(
        json.dumps(warned(receipt_json(answer))),
        201,
        in_language({"Location": f"/applications/{answer.application}", "ETag": f'"{answer.version}"'}),
        "application/json",
    )


async def read_submission(request: Request) -> tuple[Submission, Warned]:
    """The body as a submission, stamped when it was fully read, and a function that adds remarks to its answer. Raises
    a Problem where it can't be read or could never count."""
    state = intake(request)
    round_id = request.path_params["round"]
    if not round_id.isprintable():  # a statement that can't hold it would fail for all who share its group
        raise problem(refused_entry(Refusal.UNKNOWN_ROUND))
    body = await read_body(request, state.settings.body_bytes)
    moment = moment_of(request, state.clock.now())
    received_at = moment.received_at
    read = parsed(SUBMISSION, body)
    application: SubmissionBody = read.value
    facts = application.facts()
    fitness = await state.fitnesses.of(state.runtime.pool, round_id)
    granted(unfit_entry(fitness, facts, received_at))
    granted(unfit_documents(facts, state.documents.limits))
    level = granted(
        await state.identities.level(state.runtime.pool, application.identity, application.applicant, received_at)
    )
    granted(below_level(fitness.identity if fitness else None, level))
    submission = Submission(
        round=round_id,
        received_at=received_at,
        business_number=application.applicant.business_number,
        product_key=product_key(application.product),
        names=names(application.product),
        track=application.track,
        facts=facts_json(facts),
        contact=application.contact.details(network(request)),
        idempotency_key=idempotency_key(request),
        body_hash=hashlib.sha256(body).digest(),
        chance=Chance.of_bytes(secrets.token_bytes(48)),
        traceparent=state.runtime.tracing.begin("POST application", request.headers.get("traceparent")),
        token_hash=bearer_hash(request.headers.get("authorization")),
        identity=level,
        arrived_at=moment.arrived_at,
        documents=facts.documents or (),
        upload_key=upload_key(request),
    )
    return submission, lambda answer: with_warnings(answer | told(read.read_as), fitness, facts)


def idempotency_key(request: Request) -> str | None:
    """The key, if one was sent. Raises a Problem."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= 200 and key.isprintable()):
        raise Problem(
            422,
            "invalid-fields",
            "The Idempotency-Key can't be accepted.",
            (Reason(pointer="", code="header", detail=f"it has {len(key)} characters", fix=_KEY),),
        )
    return key


def upload_key(request: Request) -> str | None:
    """The hash of the key that documents were uploaded under, if one was sent. Raises a Problem."""
    sent = request.headers.get("upload-key")
    return granted(key_hash(sent)) if sent is not None else None


OPENAPI: Final = {
    "summary": "Apply with a product",
    "parameters": [
        {"name": "round", "in": "path", "required": True, "schema": {"type": "string"}},
        {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}},
        {"name": "Firstbuy-Edge-Token", "in": "header", "required": False, "schema": {"type": "string"}},
        {"name": "Firstbuy-Read-At", "in": "header", "required": False, "schema": {"type": "string"}},
        {"name": "Upload-Key", "in": "header", "required": False, "schema": {"type": "string"}},
    ],
    **body_of(SubmissionBody),
    "responses": {
        "201": {"description": "Signed receipt: id, version, nonce, payload hash, time, key id; token; warnings"},
        "400": {"description": "Unreadable"},
        "404": {"description": "No such round"},
        "409": {"description": "Not open yet, entered already, or as many entries as a firm may have"},
        "410": {"description": "Closed"},
        "413": {"description": "Too large"},
        "415": {"description": "Not JSON"},
        "422": {"description": "Fields, or an idempotency key used with another body"},
        "429": {"description": "Busy: retry"},
        "503": {"description": "The database is away, or is being brought up to date: retry"},
    },
}
"""The route is raw for speed, so its OpenAPI is given by hand."""
