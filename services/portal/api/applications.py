"""An applicant's own pages: the list, one application with its receipt, and what may be done with it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.portal.adapters.services import Asking, RefusedThereError
from services.portal.api.answers import language_of, page
from services.portal.api.choosing import Choices, choices_of
from services.portal.api.forms import read_form
from services.portal.api.sessions import of_account, of_this_session, own, signed_in
from services.portal.domain.drafts import FIELDS, FIELDS_OF, Replaces
from services.portal.domain.fields import CONTACT, stated, typed_of
from services.portal.domain.own import findings_of, reason_of, stages, state_of
from services.portal.domain.reading import read
from services.portal.domain.rounds import Round
from services.portal.domain.showing import files_of, rows_of
from services.portal.domain.texts import TEXTS, Texts
from services.portal.storage.accounts import Session
from services.portal.usecases.drafting import TooManyDraftsError
from services.portal.usecases.entries import NoEntryError, Shown
from shared.service.http import download

router = APIRouter(include_in_schema=False)
_ID_CHARACTERS: Final = 36


@router.get("/account")
async def show_account(request: Request) -> Response:
    """Drafts and applications, each with its state in a line."""
    session = await signed_in(request)
    texts = TEXTS[language_of(request)]
    drafts = await own(request).drafting.of_account(session.account)
    entries = await own(request).entries.of_account(session.account)
    rounds = {each.round: each for each in (await request.app.state.public.rounds()).value}
    values = {
        "drafts": [(draft, rounds.get(draft.round), texts.minute(draft.saved_at)) for draft in drafts],
        "entries": [(entry, rounds.get(entry.round), state_of(status, texts)) for entry, status in entries],
        "rounds": [each for each in rounds.values() if each.open],
    }
    return page(request, "account.html", {**values, **of_account(session)})


@router.get("/applications/find")
async def find_form(request: Request) -> Response:
    """For an application that was made elsewhere, or whose token was lost."""
    session = await signed_in(request)
    return await _find(request, session, {}, "")


@router.post("/applications/find")
async def find(request: Request) -> Response:
    """Has new tokens mailed to where the firm's applications are told of."""
    session = await signed_in(request)
    typed = await read_form(request)
    of_this_session(typed, session)
    language = language_of(request)
    texts = TEXTS[language]
    try:
        await own(request).entries.find(
            typed.get("round", ""), typed.get("business_number", ""), session.email, language
        )
    except RefusedThereError as refused:
        return await _find(request, session, typed, _told(refused), status=422)
    return await _find(request, session, typed, "", told=texts("find.mailed"))


@router.post("/applications/opened")
async def add(request: Request) -> Response:
    """Adds an application by its number and its token."""
    session = await signed_in(request)
    typed = await read_form(request)
    of_this_session(typed, session)
    number, token = typed.get("application", "").strip().lower(), typed.get("token", "").strip()
    try:
        if len(number) != _ID_CHARACTERS or not (token.isascii() and token.isprintable()):
            raise NoEntryError(number)
        entry = await own(request).entries.add(session.account, number, token)
    except NoEntryError:
        texts = TEXTS[language_of(request)]
        return await _find(request, session, typed, texts("find.not_opened"), status=422)
    return RedirectResponse(f"/applications/{entry.application}", 303)


@router.get("/applications/{application}")
async def show(application: str, request: Request, sent: str = "") -> Response:
    """The application: its state, receipt, verdict, chance, result, and what was sent."""
    session = await signed_in(request)
    return await _shown(request, session, application, sent=bool(sent))


@router.get("/applications/{application}/receipt.json")
async def receipt(application: str, request: Request) -> Response:
    """The newest signed receipt, as a file."""
    session = await signed_in(request)
    found = await own(request).entries.show(session.account, application, language_of(request))
    return _file(found.receipts[-1], f"receipt-{application[:8]}-{found.receipts[-1]['version']}.json")


@router.get("/applications/{application}/copy.json")
async def copy(application: str, request: Request) -> Response:
    """All that was sent, and every receipt, as a file."""
    session = await signed_in(request)
    found = await own(request).entries.show(session.account, application, language_of(request))
    return _file({**found.whole, "receipts": found.receipts}, f"application-{application[:8]}.json")


@router.get("/applications/{application}/proof.json")
async def proof(application: str, request: Request) -> Response:
    """The proof that it is in the frozen set, as a file."""
    session = await signed_in(request)
    asking = Asking(language_of(request))
    proven = await own(request).entries.ask(session.account, application, "GET", "/proof", None, asking)
    return _file(proven, f"proof-{application[:8]}.json")


@router.post("/applications/{application}/replacement")
async def replace(application: str, request: Request) -> Response:
    """A draft that has what the application states, to be sent in its place."""
    session = await signed_in(request)
    of_this_session(await read_form(request), session)
    found = await own(request).entries.show(session.account, application, language_of(request))
    replaces = Replaces(application, found.whole["version"])
    try:
        draft = await own(request).drafting.begin_replacing(
            session.account, found.entry.round, found.whole["facts"], replaces, session.email
        )
    except TooManyDraftsError:
        texts = TEXTS[language_of(request)]
        return await _shown(request, session, application, error=texts("draft.too_many"), status=409)
    return RedirectResponse(f"/drafts/{draft}", 303)


@router.get("/applications/{application}/{act}")
async def ask(application: str, act: str, request: Request) -> Response:
    """Asks before something that can't be undone, or what to say."""
    session = await signed_in(request)
    return await _asked(request, session, application, act, {}, "")


@router.post("/applications/{application}/{act}")
async def do(application: str, act: str, request: Request) -> Response:
    """Withdraws, appeals, changes or erases the contact, or takes it off the list."""
    session = await signed_in(request)
    typed = await read_form(request)
    of_this_session(typed, session)
    if act not in _ACTS:
        raise NoEntryError(application)
    if act == "removal":
        await own(request).entries.remove(session.account, application)
        return RedirectResponse("/account", 303)
    method, below, body = _ACTS[act]
    asking = Asking(language_of(request))
    try:
        await own(request).entries.ask(session.account, application, method, below, body(typed), asking)
    except RefusedThereError as refused:
        return await _asked(request, session, application, act, typed, _told(refused), refused.status)
    return RedirectResponse(f"/applications/{application}?done={act}", 303)


def _withdrawal(typed: Mapping[str, str]) -> dict[str, Any]:
    return {"reason": typed.get("reason", "")}


def _appeal(typed: Mapping[str, str]) -> dict[str, Any]:
    return {"grounds": typed.get("grounds", "")}


def _contact(typed: Mapping[str, str]) -> dict[str, Any]:
    contact: dict[str, Any] = stated(typed, CONTACT).get("contact", {})
    return contact


def _nothing(typed: Mapping[str, str]) -> None:
    return None


_ACTS: Final = {
    "withdrawal": ("POST", "/withdrawal", _withdrawal),
    "appeal": ("POST", "/appeal", _appeal),
    "contact": ("PUT", "/contact", _contact),
    "erasure": ("DELETE", "/contact", _nothing),
    "removal": ("", "", _nothing),
}


async def _shown(
    request: Request, session: Session, application: str, *, sent: bool = False, error: str = "", status: int = 200
) -> Response:
    language = language_of(request)
    texts = TEXTS[language]
    found = await own(request).entries.show(session.account, application, language)
    round_: Round = (await request.app.state.public.round(found.entry.round)).value
    choices = choices_of(round_, language)
    done = request.query_params.get("done", "")
    values = {
        "round": round_,
        "shown": found,
        "state": state_of(found.status, texts),
        "stages": stages(round_, found.receipts, texts),
        "findings": findings_of(found.status["verdict"], texts),
        "reason": reason_of(found.status["result"], texts),
        "receipt": found.receipts[-1],
        "received": texts.second(datetime.fromisoformat(found.receipts[0]["received_at"])),
        "answers": _answers(found, choices, texts),
        "files": _files(found, choices, texts),
        "sent": sent,
        "done": done if done in _ACTS else "",
        "error": error,
        **_appealing(found, texts),
        **of_account(session),
    }
    return page(request, "application.html", values, status=status, fetches=True)


def _appealing(found: Shown, texts: Texts) -> dict[str, Any]:
    until = found.status["appeal"]["may_file_until"]
    return {"appeal_until": texts.minute(datetime.fromisoformat(until)) if until else ""}


def _answers(found: Shown, choices: Choices, texts: Texts) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """What stands, by step, as it would be typed."""
    typed = typed_of(found.whole["facts"], FIELDS)
    seen = read(stated(typed, FIELDS), typed, FIELDS)
    return [
        (step.value, rows)
        for step, fields in FIELDS_OF.items()
        if (rows := rows_of(fields, typed, seen, choices, texts))
    ]


def _files(found: Shown, choices: Choices, texts: Texts) -> list[tuple[str, tuple[str, str, str]]]:
    """The documents that stand, each with its hash."""
    documents = found.whole["facts"].get("documents", ())
    return list(zip((file["sha256"] for file in documents), files_of(documents, choices, texts), strict=True))


async def _asked(
    request: Request,
    session: Session,
    application: str,
    act: str,
    typed: Mapping[str, str],
    error: str,
    status: int = 200,
) -> Response:
    if act not in _ACTS:
        raise NoEntryError(application)
    found = await own(request).entries.show(session.account, application, language_of(request))
    round_ = (await request.app.state.public.round(found.entry.round)).value
    choices = choices_of(round_, language_of(request))
    values = {"shown": found, "act": act, "typed": typed, "error": error, "contact": CONTACT, "choices": choices}
    return page(request, "act.html", {**values, **of_account(session)}, status=status)


async def _find(
    request: Request, session: Session, typed: Mapping[str, str], error: str, *, told: str = "", status: int = 200
) -> Response:
    rounds = (await request.app.state.public.rounds()).value
    values = {"rounds": rounds, "typed": typed, "error": error, "told": told}
    return page(request, "find.html", {**values, **of_account(session)}, status=status)


def _told(refused: RefusedThereError) -> str:
    reasons = [f"{each['detail'].rstrip('.')}. {each['fix']}" for each in refused.errors]
    return " ".join([refused.title, *reasons])


def _file(content: Any, name: str) -> Response:
    headers = {
        "Content-Disposition": download(name),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(json.dumps(content, ensure_ascii=False, indent=2), headers=headers, media_type="application/json")
