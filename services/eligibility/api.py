"""HTTP: how far a round is judged, and what verdict a firm's facts would have before it applies."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter

from services.eligibility.domain.completion import differing, parked
from services.eligibility.domain.counterfactual import counterfactual
from services.eligibility.domain.judge import finding_json, judge
from services.eligibility.domain.registry_facts import questions
from services.eligibility.storage import pending, rounds, verdicts
from services.eligibility.storage.pending import Wait
from services.eligibility.usecases.judging import Judge
from shared.contracts.events import Language
from shared.contracts.facts import Applicant, ApplicationFacts, Certificate, DocumentFile, Product
from shared.contracts.findings import Change, Finding, VerdictOutcome
from shared.contracts.policy import RegistryUse
from shared.contracts.registries import Registry
from shared.contracts.values import Code, Contract
from shared.policies.applicant_kinds import tickets_given
from shared.reading.json_read import told
from shared.service.http import body_of, parsed, read_body
from shared.service.postgres import connected
from shared.service.problems import Problem
from shared.service.runtime import Runtime
from shared.wording.explanation import explain, explain_change, speaks_against

BODY_BYTES: Final = 262_144
router = APIRouter(tags=["rounds"])


class CheckBody(Contract):
    """An application as it would be sent to intake; a contact may be left out, and is ignored."""

    track: Code
    applicant: Applicant
    product: Product
    certificates: Annotated[tuple[Certificate, ...], Field(max_length=50)] = ()
    documents: Annotated[tuple[DocumentFile, ...], Field(max_length=50)] = ()
    contact: Any = None

    def facts(self) -> ApplicationFacts:
        return ApplicationFacts(
            track=self.track,
            applicant=self.applicant,
            product=self.product,
            certificates=self.certificates,
            documents=self.documents or None,
        )


_CHECK: Final = TypeAdapter(CheckBody)
_CHANGES: Final = TypeAdapter(tuple[Change, ...])


@router.post("/rounds/{round_id}/check", openapi_extra=body_of(CheckBody))
async def check(round_id: str, request: Request) -> Response:
    """The verdict these facts would have under the round's policy, explained. Nothing is stored or decided.

    Judges the facts as stated. The response names the `registries` that would be asked about an application; none is
    asked here, so that nobody can use up their calls or learn what they say of others.
    """
    read = parsed(_CHECK, await read_body(request, BODY_BYTES))
    application: CheckBody = read.value
    judging: Judge = request.app.state.judge
    async with connected(request.app.state.runtime.pool) as connection:
        rules = await judging.rules(connection, round_id)
    if rules is None:
        raise Problem(404, "unknown-round", f"No round {round_id} is open yet: its policy is known when it opens.")
    facts = application.facts()
    verdict = judge(facts, rules)
    nearest = counterfactual(facts, rules) if verdict.outcome is not VerdictOutcome.ELIGIBLE else None
    changes = nearest.changes if nearest else ()
    return JSONResponse(
        {
            "round": round_id,
            "policy_hash": rules.policy_hash,
            "as_of": verdict.as_of.isoformat(),
            "outcome": verdict.outcome.value,
            "registries": [
                {"registry": use.registry.value, "authority": use.authority}
                for use in rules.registries
                if any(question.registry is use.registry for question in questions(facts, rules))
            ],
            "findings": [finding_json(finding) for finding in verdict.findings],
            "findings_in_words": {language.value: _in_words(verdict.findings, language) for language in Language},
            "tickets": tickets_given(rules.tickets, verdict.findings, facts.applicant.supply_record)
            if verdict.outcome is VerdictOutcome.ELIGIBLE
            else 0,
            "counterfactual": _CHANGES.dump_python(changes, mode="json") if nearest else None,
            "explanation": {language.value: _explained(verdict.findings, changes, language) for language in Language},
            **told(read.read_as),
        }
    )


def _explained(findings: Iterable[Finding], changes: tuple[Change, ...], language: Language) -> dict[str, Any]:
    """The findings against the firm, and the changes that would have helped, in words."""
    return {
        "against": _in_words(filter(speaks_against, findings), language),
        "would_help": [explain_change(change, language) for change in changes],
    }


def _in_words(findings: Iterable[Finding], language: Language) -> list[dict[str, str]]:
    return [asdict(explain(finding, language)) for finding in findings]


@router.get("/rounds/{round_id}/completeness")
async def completeness(round_id: str, request: Request) -> Response:
    """What a round still lacks before it is judged: all empty or 0 once it is.

    `differing_buckets`: their verdicts differ from what was admitted; `parked`: applications that wait for officers;
    `pending`: applications that wait for a registry.
    """
    runtime: Runtime = request.app.state.runtime
    async with connected(runtime.pool) as connection:
        frozen = await rounds.frozen(connection, round_id)
        if frozen is None:
            raise Problem(404, "not-frozen", f"No frozen round {round_id} is known here.")
        current = await verdicts.current(connection, round_id)
        waiting = await verdicts.waiting(connection, round_id)
        wait = await pending.wait(connection, round_id)
        rules = await request.app.state.judge.rules(connection, round_id)
    unset = request.app.state.unset_registries
    buckets = differing(current, frozen.applications, frozen.judged_in)
    unjudged = parked(current)
    return JSONResponse(
        {
            "round": round_id,
            "epoch": frozen.epoch,
            "expected": frozen.applications.count,
            "judged": len(current),
            "waiting": waiting,
            "pending": wait.applications,
            "registries": [_use(use, wait, unset) for use in rules.registries] if rules else [],
            "parked": unjudged,
            "void": frozen.void,
            "differing_buckets": buckets,
            "complete": not (buckets or waiting or unjudged or wait.applications),
        }
    )


def _use(use: RegistryUse, wait: Wait, unset: frozenset[Registry]) -> dict[str, Any]:
    """One registry of the round. `pending` applications wait for it, the first of them `since` (real time)."""
    applications, since = wait.by_registry.get(use.registry, (0, None))
    return {
        "registry": use.registry.value,
        "authority": use.authority,
        "pending": applications,
        "since": since.isoformat() if since else None,
        "waived": use.registry in wait.waived,
        "address_set": use.registry not in unset,
    }
