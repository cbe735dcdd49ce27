"""Signing in: a form for the address, the mailed link's page, and out again. A link is used up by POST alone."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import TypeAdapter, ValidationError

from services.portal.adapters.mail import AddressRefusedError, MailAwayError
from services.portal.adapters.services import UnknownThereError
from services.portal.api.answers import language_of, page
from services.portal.api.forms import read_form
from services.portal.api.sessions import (
    cookie_name,
    forget,
    known_session,
    of_account,
    of_this_session,
    own,
    remember,
    signed_in,
)
from services.portal.domain.signing_in import inner_path
from services.portal.domain.texts import TEXTS
from services.portal.usecases.drafting import TooManyDraftsError
from services.portal.usecases.public import NamesASeriesError
from services.portal.usecases.signing_in import LINK_MINUTES, SignedIn, TooManyLinksError
from shared.contracts.values import RoundId, Text
from shared.programme.mail_addresses import MailableEmail
from shared.service.networks import network_of

router = APIRouter(include_in_schema=False)
ACCOUNT: Final = "/account"
_EMAIL: Final[TypeAdapter[str]] = TypeAdapter(MailableEmail)


@dataclass(frozen=True, slots=True)
class _Carried:
    round: RoundId
    fields: dict[str, Text]


_CARRIED: Final = TypeAdapter(_Carried)


@router.get("/sign-in")
async def form(request: Request, back: str = ACCOUNT) -> Response:
    """Asks for the address."""
    return _form(request, {"back": inner_path(back, ACCOUNT)})


@router.post("/sign-in")
async def mail_link(request: Request) -> Response:
    """Mails a link. The answer is the same for every address."""
    typed = await read_form(request)
    texts = TEXTS[language_of(request)]
    back = inner_path(typed.get("back", ACCOUNT), ACCOUNT)
    kept = {"back": back, "email": typed.get("email", ""), "carried": typed.get("carried", "")}
    try:
        email = _EMAIL.validate_python(typed.get("email", ""))
    except ValidationError:
        return _form(request, kept, texts("sign_in.email_wrong"), status=422)
    base = request.app.state.settings.public_url
    network = network_of(request.client.host if request.client else None)
    try:
        until = await own(request).signing_in.mail_link(email, network, base, back, _carried(kept["carried"]), texts)
    except TooManyLinksError as error:
        told = texts("sign_in.too_many", until=texts.minute(error.until))
        answer = _form(request, kept, told, status=429)
        answer.headers["Retry-After"] = str(max(1, int((error.until - own(request).clock.now()).total_seconds())))
        return answer
    except MailAwayError:
        return _form(request, kept, texts("sign_in.mail_away"), status=503)
    except AddressRefusedError:
        return _form(request, kept, texts("sign_in.address_refused"), status=422)
    values = {"address": email, "until": texts.minute(until), "minutes": LINK_MINUTES, "back": back}
    return page(request, "link_sent.html", values)


@router.get("/sign-in/{secret}")
async def show_link(secret: str, request: Request) -> Response:
    """The mailed link's page: a button. Looking at it, as programs that scan mails do, uses nothing up."""
    link = await own(request).signing_in.usable(secret)
    if link is None:
        return _ended(request)
    return page(request, "link.html", {"address": link.email, "secret": secret})


@router.post("/sign-in/{secret}")
async def use_link(secret: str, request: Request) -> Response:
    """Uses the link up."""
    await read_form(request)
    done = await own(request).signing_in.sign_in(secret)
    if done is None:
        return _ended(request)
    answer = RedirectResponse(await _leads(request, done), 303)
    remember(request, answer, done.secret)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Ends the session."""
    typed = await read_form(request)
    session = await known_session(request)
    if session is not None:
        of_this_session(typed, session)
        await own(request).signing_in.sign_out(request.cookies[cookie_name(request)])
    answer = RedirectResponse("/", 303)
    forget(request, answer)
    return answer


@router.get("/account/erasure")
async def ask_to_erase(request: Request) -> Response:
    """Says what is deleted and what stands."""
    session = await signed_in(request)
    return page(request, "erase_account.html", of_account(session))


@router.post("/account/erasure")
async def erase(request: Request) -> Response:
    """Deletes the account, its drafts and its tokens."""
    session = await signed_in(request)
    of_this_session(await read_form(request), session)
    await own(request).attaching.drop(await own(request).drafting.of_account(session.account))
    await own(request).signing_in.erase(session)
    answer = RedirectResponse("/", 303)
    forget(request, answer)
    return answer


def _form(request: Request, typed: dict[str, str], error: str = "", status: int = 200) -> Response:
    values = {"typed": {"email": "", "carried": "", **typed}, "error": error}
    return page(request, "sign_in.html", values, status=status)


def _ended(request: Request) -> Response:
    return page(request, "link_ended.html", {"minutes": LINK_MINUTES}, status=410)


def _carried(text: str) -> dict[str, Any] | None:
    """A draft that was begun without an account, as the form has it."""
    try:
        return asdict(_CARRIED.validate_json(text)) if text else None
    except ValidationError:
        return None


async def _leads(request: Request, done: SignedIn) -> str:
    """To the draft that was carried, if there is one."""
    carried = done.link.carried
    if carried is None:
        return done.link.back
    try:
        await request.app.state.public.round(carried["round"])
        draft = await own(request).drafting.start(done.account, carried["round"], carried["fields"], done.link.email)
    except (TooManyDraftsError, UnknownThereError, NamesASeriesError):
        return ACCOUNT
    return f"/drafts/{draft}"
