"""The documents of a draft: uploaded one by one, listed, and each removable. And those of an application, to read."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from services.portal.adapters.services import RefusedThereError, ServiceAwayError
from services.portal.api.answers import language_of, page
from services.portal.api.choosing import choices_of, needs_of
from services.portal.api.drafts import beyond
from services.portal.api.forms import read_form
from services.portal.api.public import left_of
from services.portal.api.sessions import of_account, of_this_session, own, signed_in
from services.portal.api.uploads import read_upload
from services.portal.domain.drafts import Draft
from services.portal.domain.showing import files_of, in_bytes
from services.portal.domain.texts import TEXTS
from services.portal.storage.accounts import Session
from services.portal.usecases.attaching import TooLongFileError

router = APIRouter(include_in_schema=False)
LARGEST_UPLOAD: Final = 64 * 1024 * 1024
"""Largest body of a form with a file that is read at all; intake's own bound is told before."""
_PASSED_ON: Final = ("content-type", "content-length", "content-disposition", "content-security-policy")


@router.get("/drafts/{draft}/steps/documents")
async def show_documents(draft: str, request: Request) -> Response:
    """What is there, what is asked for, and what may be uploaded."""
    session = await signed_in(request)
    found = await own(request).drafting.load(session.account, draft)
    if (elsewhere := beyond(found)) is not None:
        return elsewhere
    return await _documents(request, session, found, "")


@router.post("/drafts/{draft}/documents")
async def attach(draft: str, request: Request) -> Response:
    """Takes one file. The form's token comes before it, so that nobody else's file is read."""
    session = await signed_in(request)
    found = await own(request).drafting.load(session.account, draft)
    sent = await read_upload(request)
    of_this_session(sent.typed, session)
    language = language_of(request)
    texts = TEXTS[language]
    kind = sent.typed.get("kind", "")
    if not sent.name or not kind:
        return await _documents(request, session, found, texts("documents.none_chosen"), 422)
    attaching = own(request).attaching
    try:
        limit = (await request.app.state.public.documents(found.round)).value["file_bytes"]
        await attaching.attach(session.account, draft, kind, sent.name, sent.content, limit, language)
    except TooLongFileError as error:
        told = texts("documents.too_large", name=sent.name, limit=in_bytes(error.limit, texts))
        return await _documents(request, session, found, told, 413)
    except RefusedThereError as refused:
        reasons = [f"{each['detail'].rstrip('.')}. {texts('check.fix')}: {each['fix']}" for each in refused.errors]
        told = f"{sent.name}: {' '.join(reasons) or refused.title}"
        return await _documents(request, session, found, told, refused.status)
    except ServiceAwayError:
        return await _documents(request, session, found, texts("documents.away", name=sent.name), 503)
    return RedirectResponse(f"/drafts/{draft}/steps/documents", 303)


@router.post("/drafts/{draft}/documents/removal")
async def detach(draft: str, request: Request) -> Response:
    """Removes one document."""
    session = await signed_in(request)
    typed = await read_form(request)
    of_this_session(typed, session)
    await own(request).attaching.detach(session.account, draft, typed.get("sha256", ""), typed.get("kind", ""))
    return RedirectResponse(f"/drafts/{draft}/steps/documents", 303)


@router.get("/applications/{application}/documents/{sha256}")
async def read(application: str, sha256: str, request: Request) -> Response:
    """A document of an application, as an attachment, passed on while it comes."""
    session = await signed_in(request)
    passed = await own(request).entries.open(session.account, application, f"/documents/{sha256}")
    kept = {name: value for name in _PASSED_ON if (value := passed.headers.get(name))}
    headers = {**kept, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(passed.content_closed(), passed.status, headers)


async def _documents(request: Request, session: Session, draft: Draft, error: str, status: int = 200) -> Response:
    language = language_of(request)
    texts = TEXTS[language]
    round_ = (await request.app.state.public.round(draft.round)).value
    needs = needs_of(round_, draft.fields.get("track", ""))
    choices = choices_of(round_, language)
    named = dict(choices["document_kinds"])
    limits = (await request.app.state.public.documents(draft.round)).value
    kinds = {each["kind"]: named.get(each["kind"], each["kind"]) for each in limits["kinds"]}
    kinds |= {kind: named.get(kind, kind) for kind in needs.documents}
    values = {
        "round": round_,
        "draft": draft,
        "documents": list(zip(draft.documents, files_of(draft.documents, choices, texts), strict=True)),
        "lacking": [kinds[kind] for kind in draft.lacking_documents(needs)],
        "kinds": list(kinds.items()),
        "first": (draft.lacking_documents(needs) or [""])[0],
        "types": ", ".join(each["name"] for each in limits["types"]),
        "endings": ",".join(f".{ending}" for each in limits["types"] for ending in each["endings"]),
        "file_limit": in_bytes(limits["file_bytes"], texts),
        "limit": in_bytes(limits["application_bytes"], texts),
        "error": error,
        "left": left_of(round_, texts),
        **of_account(session),
    }
    over = 410 if round_.over and status == 200 else status
    return page(request, "documents.html", values, status=over)
