"""Who is signed in, by a cookie that only these pages get."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request, Response

from services.portal.storage.accounts import Session
from services.portal.usecases.attaching import Attaching
from services.portal.usecases.drafting import Drafting
from services.portal.usecases.entries import Entries
from services.portal.usecases.signing_in import SigningIn
from services.portal.usecases.submitting import Submitting
from shared.clock import Clock
from shared.service.problems import Problem

_KEPT_SECONDS: Final = 7 * 24 * 3600
"""Longer than a session: a step that is saved after it has ended is not lost."""
_LONGEST: Final = 100
"""More characters than any session's secret has."""


class SignedOutError(Exception):
    """Nobody is signed in. `back`: where to go afterwards."""

    code = "signed-out"

    def __init__(self, back: str) -> None:
        super().__init__(back)
        self.back = back


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What the pages of an account share: made once, in `app.py`."""

    clock: Clock
    signing_in: SigningIn
    drafting: Drafting
    attaching: Attaching
    submitting: Submitting
    entries: Entries


def own(request: Request) -> Own:
    """What `app.py` made."""
    found: Own = request.app.state.own
    return found


def cookie_name(request: Request) -> str:
    """Bound to this host alone where pages are reached by https (RFC 6265bis)."""
    return "__Host-session" if request.app.state.settings.secure else "session"


async def known_session(request: Request) -> Session | None:
    """The session of the cookie, also one that has expired."""
    secret = request.cookies.get(cookie_name(request), "")
    return await own(request).signing_in.session_of(secret) if 0 < len(secret) <= _LONGEST else None


async def signed_in(request: Request) -> Session:
    """Who is signed in. Raises SignedOutError."""
    session = await known_session(request)
    if session is None or session.expires_at <= own(request).clock.now():
        query = f"?{request.url.query}" if request.url.query else ""
        raise SignedOutError(f"{request.url.path}{query}" if request.method in {"GET", "HEAD"} else "/account")
    return session


def of_this_session(typed: Mapping[str, str], session: Session) -> None:
    """Refuses a form that was not made for this session. Raises Problem 403."""
    if not secrets.compare_digest(typed.get("form", "").encode(), session.form_token.encode()):
        raise Problem(403, "foreign-form", "This form was not made for this session.")


def remember(request: Request, answer: Response, secret: str) -> None:
    """Sets the cookie."""
    secure = request.app.state.settings.secure
    answer.set_cookie(
        cookie_name(request), secret, max_age=_KEPT_SECONDS, path="/", samesite="lax", httponly=True, secure=secure
    )


def forget(request: Request, answer: Response) -> None:
    """Deletes the cookie."""
    secure = request.app.state.settings.secure
    answer.delete_cookie(cookie_name(request), path="/", samesite="lax", httponly=True, secure=secure)


def of_account(session: Session) -> dict[str, Any]:
    """What every page of an account shows."""
    return {"email": session.email, "form_token": session.form_token}
