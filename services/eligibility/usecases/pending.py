"""Tells applications that can be judged now from those that wait for a registry's answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.completion import FIRST_EPOCH, JudgedIn
from services.eligibility.domain.registry_facts import Answers, questions
from services.eligibility.storage import pending as waiting
from services.eligibility.storage import registry_answers
from services.eligibility.storage.pending import Pending
from services.eligibility.storage.registry_answers import RoundEpoch
from shared.contracts.events import ApplicationSubmitted
from shared.service.postgres import Connection


@dataclass(frozen=True, slots=True)
class Due:
    """An application to be judged in an epoch, with the registries' answers where the policy asks any."""

    submitted: ApplicationSubmitted
    raw: bytes
    traceparent: str | None
    epoch: int = FIRST_EPOCH
    answers: Answers | None = None


async def ready(
    connection: Connection,
    due: Sequence[Due],
    known: Mapping[str, PolicyRules],
    judged_in: Mapping[str, JudgedIn],
    now: datetime,
) -> list[Due]:
    """Returns those that can be judged, and stores the others until all questions about them are answered."""
    placed = [_in_its_epoch(application, judged_in) for application in due] if judged_in else list(due)
    if not any(rules.registries for rules in known.values()):
        return placed
    asked = {
        number: questions(application.submitted.facts, known[application.submitted.round])
        for number, application in enumerate(placed)
        if known[application.submitted.round].registries and not application.submitted.contested
    }
    places = {number: RoundEpoch(placed[number].submitted.round, placed[number].epoch) for number in asked}
    answered = await registry_answers.answered(
        connection, [(places[number], question) for number, each in asked.items() for question in each]
    )
    judgeable, pending = [], []
    for number, application in enumerate(placed):
        if number not in asked:
            judgeable.append(application)
            continue
        answers = answered.get(places[number], {})
        if all(question in answers for question in asked[number]):
            judgeable.append(replace(application, answers=answers))
        else:
            pending.append(
                Pending(
                    application=application.submitted.application,
                    version=application.submitted.version,
                    place=places[number],
                    payload_hash=application.submitted.payload_hash,
                    body=application.raw,
                    traceparent=application.traceparent,
                    questions=asked[number],
                )
            )
    if pending:
        await waiting.save(connection, pending, now)
    return judgeable


def _in_its_epoch(application: Due, judged_in: Mapping[str, JudgedIn]) -> Due:
    where = judged_in.get(application.submitted.round)
    return replace(application, epoch=where.epoch(application.submitted.application)) if where else application
