"""Applying: a draft, its task list, and its steps, each saved as it is."""

import json
from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from services.portal.adapters.kept import Shown
from services.portal.api.answers import language_of, page
from services.portal.api.choosing import choices_of, needs_of
from services.portal.api.forms import read_form
from services.portal.api.public import left_of
from services.portal.api.sessions import known_session, of_account, of_this_session, own, signed_in
from services.portal.domain.asking import asked
from services.portal.domain.drafts import FIELDS_OF, Draft, DraftStep
from services.portal.domain.fields import MOST_CERTIFICATES, Field, certificate, number_of
from services.portal.domain.rounds import Round
from services.portal.domain.showing import read_of, wrong_of
from services.portal.domain.texts import TEXTS
from services.portal.storage.accounts import Session
from services.portal.usecases.drafting import NoDraftError, SavedElsewhereError, TooManyDraftsError

router = APIRouter(include_in_schema=False)


@router.get("/rounds/{round_id}/apply")
async def begin(round_id: str, request: Request) -> Response:
    """What it takes to apply, and a button to begin."""
    found = (await request.app.state.public.round(round_id)).value
    return page(request, "apply.html", {"round": found, "left": _left(found, request), "error": ""})


@router.post("/rounds/{round_id}/drafts")
async def start(round_id: str, request: Request) -> Response:
    """A new draft, with what was typed so far. Who is not signed in is asked to, and keeps it."""
    typed = await read_form(request)
    found = (await request.app.state.public.round(round_id)).value
    session = await known_session(request)
    now = own(request).clock.now()
    if session is None or session.expires_at <= now:
        carried = json.dumps({"round": found.round, "fields": typed}, ensure_ascii=False)
        values = {"typed": {"email": "", "back": "/account", "carried": carried}, "error": ""}
        return page(request, "sign_in.html", values)
    try:
        draft = await own(request).drafting.start(session.account, found.round, typed, session.email)
    except TooManyDraftsError:
        texts = TEXTS[language_of(request)]
        values = {"round": found, "left": _left(found, request), "error": texts("draft.too_many")}
        return page(request, "apply.html", values, status=409)
    return RedirectResponse(f"/drafts/{draft}", 303)


@router.get("/drafts/{draft}")
async def show(draft: str, request: Request) -> Response:
    """The task list: each step and how far it is."""
    session = await signed_in(request)
    found = await own(request).drafting.load(session.account, draft)
    if (elsewhere := beyond(found)) is not None:
        return elsewhere
    round_ = (await request.app.state.public.round(found.round)).value
    needs = needs_of(round_, found.fields.get("track", ""))
    texts = TEXTS[language_of(request)]
    steps = [
        {
            "name": step.value,
            "progress": found.progress(step, needs).value,
            "saved_at": texts.minute(found.saved[step].at) if step in found.saved else "",
        }
        for step in DraftStep
    ]
    values = {"round": round_, "draft": found, "steps": steps, "left": _left(round_, request)}
    return page(request, "draft.html", {**values, **of_account(session)}, status=410 if round_.over else 200)


@router.post("/drafts/{draft}/delete")
async def delete(draft: str, request: Request) -> Response:
    """Deletes the draft."""
    session = await signed_in(request)
    of_this_session(await read_form(request), session)
    await own(request).attaching.drop([await own(request).drafting.load(session.account, draft)])
    await own(request).drafting.delete(session.account, draft)
    return RedirectResponse("/account", 303)


@router.get("/drafts/{draft}/steps/{step}")
async def show_step(draft: str, step: str, request: Request) -> Response:
    """A step as it is saved, with what is wrong in it."""
    session = await signed_in(request)
    found = await own(request).drafting.load(session.account, draft)
    if (elsewhere := beyond(found)) is not None:
        return elsewhere
    return await _step(request, session, found, _named(step), found.fields, {})


@router.post("/drafts/{draft}/steps/{step}")
async def save_step(draft: str, step: str, request: Request) -> Response:
    """Saves the step as it is; also for somebody whose session has ended meanwhile, who then signs in again."""
    typed = await read_form(request)
    named = _named(step)
    session = await known_session(request)
    if session is None:
        return await _signed_out(request, draft, step)
    of_this_session(typed, session)
    typed, then = _changed(typed, named)
    version = number_of(typed.get("version", ""))
    by_itself = "application/json" in request.headers.get("accept", "")
    texts = TEXTS[language_of(request)]
    try:
        saved = await own(request).drafting.save(
            session.account, draft, named, typed, version if isinstance(version, int) else None
        )
    except SavedElsewhereError as error:
        if by_itself:
            return JSONResponse({"told": texts("draft.saved_elsewhere_short")}, 409)
        return await _step(request, session, error.draft, named, typed, error.differs, status=409)
    if session.expires_at <= own(request).clock.now():
        return await _signed_out(request, draft, step)
    if by_itself:
        told = texts("draft.saved_at", at=texts.minute(saved.saved_at))
        return JSONResponse({"told": told, "version": saved.version(named)})
    round_ = (await request.app.state.public.round(saved.round)).value
    if round_.over:
        return await _step(request, session, saved, named, saved.fields, {}, status=410)
    return RedirectResponse(_next(saved, named, then, round_), 303)


def beyond(draft: Draft) -> Response | None:
    """Where a draft that was sent is to be seen."""
    if draft.application is not None:
        return RedirectResponse(f"/applications/{draft.application}", 303)
    return RedirectResponse(f"/drafts/{draft.draft}/sending", 303) if draft.sending is not None else None


def _named(step: str) -> DraftStep:
    if step == DraftStep.DOCUMENTS or step not in set(DraftStep):
        raise NoDraftError(step)
    return DraftStep(step)


def _changed(typed: Mapping[str, str], step: DraftStep) -> tuple[dict[str, str], str]:
    """What was typed without a certificate that is removed, and what is to follow."""
    then = typed.get("then", "")
    command, _, place = then.partition("-")
    if step is not DraftStep.CERTIFICATES or command != "remove" or not place.isdecimal():
        return dict(typed), then
    own_fields = {field.name for field in FIELDS_OF[step]}
    kept = {name: value for name, value in typed.items() if name not in own_fields}
    places = [at for at in range(MOST_CERTIFICATES) if at != int(place)]
    for new, old in enumerate(places):
        for to, source in zip(certificate(new), certificate(old), strict=True):
            if value := typed.get(source.name, ""):
                kept[to.name] = value
    return kept, "stay"


def _next(draft: Draft, step: DraftStep, then: str, round_: Round) -> str:
    here = f"/drafts/{draft.draft}/steps/{step}"
    fields = {field.name for field in asked(FIELDS_OF[step], needs_of(round_, draft.fields.get("track", "")).rules)}
    seen = draft.read()
    if then == "stay" or fields & (seen.wrong.keys() | seen.digits):
        return here
    steps = list(DraftStep)
    after = steps.index(step) + 1
    if then == "list" or after == len(steps):
        return f"/drafts/{draft.draft}"
    return f"/drafts/{draft.draft}/steps/{steps[after]}"


async def _signed_out(request: Request, draft: str, step: str) -> Response:
    """The session has ended; what was typed is saved where it was known whose it is."""
    back = f"/drafts/{draft}/steps/{step}"
    texts = TEXTS[language_of(request)]
    values = {"typed": {"email": "", "back": back, "carried": ""}, "error": texts("sign_in.ended")}
    return page(request, "sign_in.html", values, status=403)


async def _step(
    request: Request,
    session: Session,
    draft: Draft,
    step: DraftStep,
    typed: Mapping[str, str],
    differs: Mapping[str, str],
    status: int = 200,
) -> Response:
    language = language_of(request)
    texts = TEXTS[language]
    shown: Shown[Round] = await request.app.state.public.round(draft.round)
    round_ = shown.value
    needs = needs_of(round_, draft.fields.get("track", ""))
    seen = draft.read()
    groups = _groups(step, needs.rules, typed)
    fields = [field for group in groups for field in group]
    errors = {} if differs else wrong_of(seen, fields, texts)
    values = {
        "round": round_,
        "draft": draft,
        "step": step.value,
        "groups": groups,
        "choices": choices_of(round_, language),
        "typed": {**draft.fields, **typed},
        "errors": errors,
        "differs": differs,
        "read_as": {} if differs else read_of(seen, fields, draft.fields, texts),
        "version": draft.version(step),
        "saved_at": texts.minute(draft.saved[step].at) if step in draft.saved else "",
        "left": _left(round_, request),
        **of_account(session),
    }
    return page(request, "step.html", values, status=status, fetches=True)


def _groups(step: DraftStep, rules: frozenset[str], typed: Mapping[str, str]) -> list[list[Field]]:
    """The step's fields; of certificates those that were typed, and an empty one."""
    if step is not DraftStep.CERTIFICATES:
        return [asked(FIELDS_OF[step], rules)]
    filled = [at for at in range(MOST_CERTIFICATES) if any(typed.get(field.name) for field in certificate(at))]
    shown = min(MOST_CERTIFICATES, max(filled, default=-1) + 2)
    return [list(certificate(at)) for at in range(shown)]


def _left(round_: Round, request: Request) -> str:
    return left_of(round_, TEXTS[language_of(request)])
