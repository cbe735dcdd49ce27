"""Checking the answers of a draft, and sending it once."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.portal.adapters.services import RefusedThereError, ServiceAwayError, UnknownThereError
from services.portal.api.answers import language_of, page
from services.portal.api.choosing import choices_of, needs_of
from services.portal.api.forms import read_form
from services.portal.api.public import left_of, verdict_in_words
from services.portal.api.sessions import of_account, of_this_session, own, signed_in
from services.portal.domain.asking import asked
from services.portal.domain.drafts import FIELDS, FIELDS_OF, Draft, DraftStep
from services.portal.domain.fields import field_at, number_of
from services.portal.domain.rounds import Round
from services.portal.domain.showing import files_of, rows_of, wrong_of
from services.portal.domain.texts import TEXTS, Texts
from services.portal.storage.accounts import Session
from services.portal.usecases.submitting import IncompleteError

router = APIRouter(include_in_schema=False)
_REFRESH_SECONDS: Final = 3


@router.get("/drafts/{draft}/check")
async def check_answers(draft: str, request: Request) -> Response:
    """Every answer, how it would be judged, and the button to send it."""
    session = await signed_in(request)
    found = await own(request).drafting.load(session.account, draft)
    if found.application is not None or found.sending is not None:
        return RedirectResponse(f"/drafts/{draft}/sending", 303)
    return await _answers(request, session, found)


@router.post("/drafts/{draft}/submission")
async def submit(draft: str, request: Request) -> Response:
    """Sends it. The moment that counts is the one at which the form had been read whole."""
    typed = await read_form(request)
    read_at = own(request).clock.now()
    session = await signed_in(request)
    of_this_session(typed, session)
    found = await own(request).drafting.load(session.account, draft)
    round_ = (await request.app.state.public.round(found.round)).value
    needs = needs_of(round_, found.fields.get("track", ""))
    submitting = own(request).submitting
    try:
        over = number_of(typed.get("over", ""))
        await submitting.begin(session.account, draft, needs, language_of(request), read_at, over)
    except IncompleteError:
        return await _answers(request, session, found, status=422)
    sent = await submitting.send(session.account, draft)
    if sent.application is not None:
        return RedirectResponse(f"/applications/{sent.application}?sent=1", 303)
    if sent.sending is not None:
        return RedirectResponse(f"/drafts/{draft}/sending", 303)
    return await _answers(request, session, sent, status=(sent.refused or {}).get("status", 422))


@router.get("/drafts/{draft}/sending")
async def sending(draft: str, request: Request) -> Response:
    """Says that it waits, and asks again by itself until there is an answer."""
    session = await signed_in(request)
    found = await own(request).drafting.load(session.account, draft)
    if found.application is not None:
        return RedirectResponse(f"/applications/{found.application}?sent=1", 303)
    if found.sending is None:
        return RedirectResponse(f"/drafts/{draft}/check", 303)
    texts = TEXTS[language_of(request)]
    values = {"draft": found, "read_at": texts.second(found.sending.read_at)}
    answer = page(request, "sending.html", {**values, **of_account(session)})
    answer.headers["Refresh"] = str(_REFRESH_SECONDS)
    return answer


async def _answers(request: Request, session: Session, draft: Draft, status: int = 200) -> Response:
    language = language_of(request)
    texts = TEXTS[language]
    round_: Round = (await request.app.state.public.round(draft.round)).value
    needs = needs_of(round_, draft.fields.get("track", ""))
    choices = choices_of(round_, language)
    seen = draft.read()
    steps = []
    lacking = []
    errors: list[tuple[str, str]] = []
    for step in DraftStep:
        fields = asked(FIELDS_OF[step], needs.rules)
        rows = rows_of(fields, draft.fields, seen, choices, texts)
        if step is DraftStep.DOCUMENTS:
            rows = files_of(draft.documents, choices, texts)
        steps.append({"name": step.value, "rows": rows})
        if not draft.progress(step, needs).suffices:
            lacking.append(step.value)
        wrong = wrong_of(seen, fields, texts)
        errors += [(f"/drafts/{draft.draft}/steps/{step}#{name}", told) for name, told in wrong.items()]
    errors += _refused(draft, texts)
    values = {
        "round": round_,
        "draft": draft,
        "steps": steps,
        "lacking": lacking,
        "errors": errors,
        "judged": None if lacking else await _judged(request, draft, texts),
        "left": left_of(round_, texts),
        **of_account(session),
    }
    return page(request, "answers.html", values, status=410 if round_.over and status == 200 else status)


async def _judged(request: Request, draft: Draft, texts: Texts) -> Mapping[str, Any] | None:
    """How it would be judged as it is; None where that can't be said now."""
    body = {name: value for name, value in draft.body().items() if name != "contact"}
    try:
        verdict = await request.app.state.public.check(draft.round, body, texts.language)
    except (RefusedThereError, ServiceAwayError, UnknownThereError):
        return None
    return verdict_in_words(verdict, texts)


def _refused(draft: Draft, texts: Texts) -> list[tuple[str, str]]:
    """Where to mend it, and what was said against it when it was sent last."""
    if draft.refused is None:
        return []
    if "version" in draft.refused and draft.replaces:
        at = f"/applications/{draft.replaces.application}"
        return [(at, texts("draft.crossed", version=draft.refused["version"]))]
    steps = {field.name: step for step, fields in FIELDS_OF.items() for field in fields}
    found = []
    for each in draft.refused.get("errors", ()):
        field = field_at(each["pointer"], FIELDS)
        label = f"{texts(f'field.{field.label}')}: " if field else ""
        at = f"/drafts/{draft.draft}/steps/{steps[field.name]}#{field.name}" if field else ""
        found.append((at, f"{label}{each['detail'].rstrip('.')}. {texts('check.fix')}: {each['fix']}"))
    return found or [("", str(draft.refused["title"]))]
