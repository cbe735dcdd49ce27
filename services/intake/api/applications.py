"""An application after its entry: read, resubmit, status, receipt, contact. Its token opens it."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic_core import from_json

from services.intake.api.bodies import CONTACT, SUBMISSION, ContactBody, FactsBody, SubmissionBody
from services.intake.api.edge import moment_of
from services.intake.api.refusals import granted
from services.intake.api.renewals import first_use
from services.intake.api.state import AUDITOR, OFFICER, holder_on, intake, network
from services.intake.api.submission import upload_key
from services.intake.domain.appeals import Appeal, may_file_until
from services.intake.domain.entries import entry_version, is_id, nonce
from services.intake.domain.receipts import receipt_json, receipt_of, signed
from services.intake.domain.renewals import opens
from services.intake.domain.rounds import Closed, RoundWindow
from services.intake.storage import appeals, disowned, firms, outcomes, releases, renewals, rounds, tokens, versions
from services.intake.storage.versions import StoredApplication
from services.intake.usecases.contests import Settling, settle
from services.intake.usecases.document_naming import renamed_documents, unfit_documents
from services.intake.usecases.entry_events import contact_event, submitted_event
from services.intake.usecases.fitness import unfit_entry, with_warnings
from services.intake.usecases.identity import below_level
from services.intake.usecases.placing import placed_beside_others
from shared.contracts import topics
from shared.contracts.events import ContactChanged
from shared.contracts.facts import facts_json
from shared.contracts.identity import IdentityLevel
from shared.kafka.cloudevents import event_id, outgoing
from shared.proof.inclusion import inclusion_proof
from shared.proof.merkle import bucket_of
from shared.reading.json_read import told
from shared.service.http import bearer_hash, body_of, parse, parsed, read_body
from shared.service.networks import named
from shared.service.postgres import Connection, connected
from shared.service.problems import Problem, in_language

_log = structlog.get_logger()

router = APIRouter(prefix="/applications", tags=["applications"])


READERS: Final = (OFFICER, AUDITOR)


async def opened_application(
    request: Request, application: str, connection: Connection, staff: Sequence[str] = ()
) -> Any:
    """The application, if the token sent is its own or that of one of the `staff` roles. Raises a Problem (404)."""
    token_hash = bearer_hash(request.headers.get("authorization"))
    stored = await versions.load(connection, application) if is_id(application) else None
    if stored is not None and token_hash is not None:
        if secrets.compare_digest(token_hash, stored.token_hash):
            return stored
        now = intake(request).clock.now()
        renewal = opens(await renewals.sent(connection, application), token_hash, now)
        if renewal is not None and await first_use(connection, stored, renewal, now):
            return replace(stored, token_hash=token_hash)
    if staff:
        await holder_on(connection, request, *staff)
        if stored is not None:
            return stored
    raise Problem(404, "unknown-application", "No application of this id opens with this token.")


@router.get("/{application}")
async def read_application(application: str, request: Request) -> Response:
    """The newest version's facts."""
    async with connected(intake(request).runtime.pool) as connection:
        stored: StoredApplication = await opened_application(request, application, connection, READERS)
    head = (
        f'{{"application":"{stored.application}","round":"{stored.round}","version":{stored.newest.version},'
        f'"withdrawn":{str(stored.withdrawn).lower()},"facts":{stored.newest.facts}}}'
    )
    return Response(head, media_type="application/json", headers={"ETag": f'"{stored.newest.version}"'})


@router.get("/{application}/status")
async def status(application: str, request: Request) -> Response:
    """The version, its verdict and its result, as far as they are published."""
    async with connected(intake(request).runtime.pool) as connection:
        stored: StoredApplication = await opened_application(request, application, connection, READERS)
        outcome = await outcomes.outcome(connection, application)
        window = (await rounds.windows(connection, [stored.round]))[stored.round]
        filed = await appeals.of_application(connection, application)
        left = await releases.freed(connection, stored.round, application)
        disowned_at = await disowned.since(connection, application)
    return JSONResponse(
        {
            "application": stored.application,
            "round": stored.round,
            "round_status": window.status.value,
            "version": stored.newest.version,
            "withdrawn": stored.withdrawn,
            "contested": stored.newest.contested and not stored.withdrawn,
            "identity": stored.newest.identity or IdentityLevel.NONE,
            "verdict": outcome.get("verdict") if outcome.get("verdict_version") == stored.newest.version else None,
            "result_type": outcome.get("result_type"),
            "appeal": _appeal_status(outcome, filed),
            "result": outcome.get("result"),
            "left": {"cause": left.cause, "at": left.freed_at.isoformat(), "reason": left.reason} if left else None,
            "contact_disowned_at": disowned_at.isoformat() if disowned_at else None,
            "status_ended_at": ended.isoformat() if (ended := outcome.get("status_ended_at")) else None,
        }
    )


def _appeal_status(outcome: dict[str, Any], filed: Sequence[Appeal]) -> dict[str, Any]:
    """Until when the result may be appealed against, and what became of appeals that were filed."""
    until = may_file_until(outcome.get("noticed_at"))
    return {
        "may_file_until": until.isoformat() if until else None,
        "filed": [
            {
                "appeal": appeal.appeal,
                "answer_due": appeal.answer_due.isoformat(),
                "upheld": appeal.upheld,
                "reason": appeal.reason,
            }
            for appeal in filed
        ],
    }


@router.get("/{application}/receipt")
async def receipt(application: str, request: Request) -> Response:
    """The receipts of every version, oldest first."""
    state = intake(request)
    signer = await state.signing.signer(state.runtime.pool)
    async with connected(state.runtime.pool) as connection:
        await opened_application(request, application, connection)
        stored = await versions.receipts(connection, application)
    return JSONResponse([receipt_json(signed(version_receipt, signer)) for version_receipt in stored])


@router.get("/{application}/proof")
async def proof(application: str, request: Request) -> Response:
    """Proves that the newest version is in the frozen set: the path from its leaf to the manifest's root."""
    pool = intake(request).runtime.pool
    async with connected(pool) as connection:
        stored: StoredApplication = await opened_application(request, application, connection, READERS)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            frozen = await rounds.load(connection, stored.round)
            rows = await versions.bucket_leaves(connection, stored.round, bucket_of(application))
    if frozen is None or frozen.applications is None:
        raise Problem(409, "not-frozen", "There is nothing to prove before the freeze: see closes_at at GET /rounds.")
    if stored.withdrawn:
        raise Problem(409, "withdrawn", "This application was withdrawn, so the manifest does not hold it.")
    proven = inclusion_proof(application, rows, frozen.applications["roots"])
    if proven is None:
        _log.error("failed to prove inclusion", round=stored.round, application=application)
        raise Problem(409, "not-in-manifest", "The frozen set does not hold this version: ask the programme's office.")
    return JSONResponse({"round": stored.round, "epoch": frozen.epoch, **asdict(proven)})


@router.put("/{application}", openapi_extra=body_of(SubmissionBody))
async def resubmit(application: str, request: Request) -> Response:
    """A new version in place of the one that `If-Match` names; 412 when that is not the newest, 428 without it."""
    state = intake(request)
    body = await read_body(request, state.settings.body_bytes)
    moment = moment_of(request, state.clock.now())
    received_at = moment.received_at
    read = parsed(SUBMISSION, body)
    stated_body = read.value
    replaces = _if_match(request)
    stated_facts = stated_body.facts()
    facts, key = facts_json(stated_facts), upload_key(request)
    granted(unfit_documents(stated_facts, state.documents.limits))
    identities, pool = state.identities, state.runtime.pool
    level = granted(await identities.level(pool, stated_body.identity, stated_body.applicant, received_at))
    trace = state.runtime.tracing.begin("PUT application", request.headers.get("traceparent"))
    signer = await state.signing.signer(state.runtime.pool)
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        stored: StoredApplication = await opened_application(request, application, connection)
        window = await latched(connection, stored.round)
        received = inside(window, window.time_map.programme(received_at))
        firm = stored.round, stored.business_number
        await firms.lock(connection, [firm])
        newest, _ = await versions.lock(connection, application)
        if newest != replaces:
            raise Problem(412, "version-mismatch", f'Version {newest} stands: read it and send If-Match: "{newest}".')
        fitness = await state.fitnesses.read(connection, stored.round)
        granted(unfit_entry(fitness, stated_facts, received_at))
        granted(await renamed_documents(connection, stated_facts, key, stored))
        before = identity_before(stored, stated_body)
        identity = level if level.surer_than(before) else before
        granted(below_level(fitness.identity if fitness else None, identity))
        placed = granted(await placed_beside_others(connection, stored, stated_facts, identity))
        drawn = nonce(window.seed, application, newest + 1, secrets.token_hex(16))
        version = entry_version(
            application,
            newest + 1,
            received,
            drawn,
            facts,
            contested=placed.contested,
            identity=identity,
            arrived_at=window.time_map.programme(moment.arrived_at) if moment.arrived_at else None,
        )
        receipt = signed(receipt_of(stored.round, version), signer)
        await versions.append(connection, version, receipt)
        contact = stated_body.contact.details(network(request))
        networks = await tokens.secret(connection, tokens.NETWORKS)
        await versions.set_contact(connection, stored.party, contact, received)
        events += [
            submitted_event(stored.round, stored.party, version, trace),
            contact_event(stored.party, contact, version, trace, networks),
            *await settle(Settling(connection, firm, received, window.seed, signer), placed.outranked),
        ]
    answer = with_warnings(receipt_json(receipt) | told(read.read_as), fitness, stated_facts)
    return JSONResponse(answer, headers=in_language({"ETag": f'"{version.version}"'}))


def identity_before(stored: StoredApplication, body: FactsBody) -> IdentityLevel:
    """The confirmed level stays, unless the stated founding day changed or the application was withdrawn."""
    if stored.withdrawn or stored.newest.identity is None:
        return IdentityLevel.NONE
    began = from_json(stored.newest.facts)["applicant"]["started_on"]
    return stored.newest.identity if began == body.applicant.started_on.isoformat() else IdentityLevel.NONE


@router.put("/{application}/contact", openapi_extra=body_of(ContactBody))
async def change_contact(application: str, request: Request) -> Response:
    """Changes who is notified from now on; also possible after the close."""
    state = intake(request)
    contact = parse(CONTACT, await read_body(request, state.settings.body_bytes))
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        stored: StoredApplication = await opened_application(request, application, connection)
        now = state.clock.now()
        await versions.set_contact(connection, stored.party, contact.details(), now)
        network_name = named(network(request), await tokens.secret(connection, tokens.NETWORKS))
        event = ContactChanged(party=stored.party, changed_at=now, network=network_name, **contact.model_dump())
        identifier = event_id("contact", stored.party, now.isoformat())
        events.append(outgoing(topics.CONTACTS.name, stored.party, event, event_id=identifier, time=now))
    return Response(status_code=204)


async def latched(connection: Connection, round_id: str) -> RoundWindow:
    """The round's window, under the shared latch."""
    return (await rounds.latched(connection, [round_id]))[round_id]


def inside(window: RoundWindow, received: Any) -> Any:
    """The moment, if the round accepts changes then. Raises a Problem."""
    match window.refusal(received):
        case Closed.CLOSED:
            raise Problem(410, "closed", "The round is closed: this application can't be changed any more.")
        case Closed.NOT_OPEN_YET:
            raise Problem(409, "not-open-yet", "The round is not open yet: see opens_at at GET /rounds.")
    return received


def _if_match(request: Request) -> int:
    sent = request.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
    if not sent:
        raise Problem(428, "no-if-match", 'Name the version you replace: If-Match: "<version>".')
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 9):
        raise Problem(412, "version-mismatch", 'If-Match takes the version as its receipt has it, such as "1".')
    return int(sent)
