"""Signing in by a mailed link."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from services.portal.adapters.mail import AddressRefusedError, MailAwayError, Mailer
from services.portal.domain.signing_in import LinkRates, fingerprint, new_secret
from services.portal.domain.texts import Texts
from services.portal.storage import accounts
from services.portal.storage.accounts import Link, Session
from shared.clock import Clock
from shared.service.database import Database
from shared.service.postgres import connected

LINK_MINUTES = 30
_KEPT = timedelta(days=7)
"""How long a session that has expired is known, so that a step that is saved after it is not lost."""


class TooManyLinksError(Exception):
    """Enough links were sent. `until`: when another one may be."""

    code = "too-many-links"

    def __init__(self, until: datetime) -> None:
        super().__init__(until.isoformat())
        self.until = until


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has just signed in: the session's secret, the account, and where the link leads."""

    secret: str
    account: str
    link: Link


@dataclass(frozen=True, slots=True)
class SigningIn:
    """Mails links, and opens sessions by them."""

    database: Database
    mailer: Mailer
    clock: Clock
    rates: LinkRates
    session: timedelta

    async def mail_link(
        self, email: str, network: str | None, base: str, back: str, carried: Mapping[str, Any] | None, texts: Texts
    ) -> datetime:
        """Mails a link, and tells until when it holds. Raises TooManyLinksError, MailAwayError, AddressRefusedError."""
        now = self.clock.now()
        secret = new_secret()
        link_hash = fingerprint(secret)
        expires_at = now + timedelta(minutes=LINK_MINUTES)
        link = Link(email=email, back=back, expires_at=expires_at, used_at=None, carried=dict(carried or {}) or None)
        async with connected(self.database.pool) as connection, connection.transaction():
            await accounts.lock_address(connection, email)
            asked = await accounts.asked_before(connection, email, network, now - self.rates.longest)
            until = self.rates.next_at(asked, now)
            if until > now:
                raise TooManyLinksError(until)
            await accounts.add_link(connection, link_hash, link, network, now)
        try:
            await self.mailer.send_link(email, f"{base}/sign-in/{secret}", expires_at, texts, now)
        except (MailAwayError, AddressRefusedError):
            async with connected(self.database.pool) as connection:
                await accounts.remove_link(connection, link_hash)
            raise
        return expires_at

    async def usable(self, secret: str) -> Link | None:
        """The link, if it can still be used. Nothing is used up by looking."""
        async with connected(self.database.pool) as connection:
            link = await accounts.link(connection, fingerprint(secret))
        good = link is not None and link.used_at is None and link.expires_at > self.clock.now()
        return link if good else None

    async def sign_in(self, secret: str) -> SignedIn | None:
        """Uses the link up, and opens a session; None if it was used or has expired."""
        now, session = self.clock.now(), new_secret()
        async with connected(self.database.pool) as connection, connection.transaction():
            link_hash = fingerprint(secret)
            if not await accounts.use_link(connection, link_hash, now):
                return None
            link = await accounts.link(connection, link_hash)
            assert link is not None  # noqa: S101 -- it was used just now
            account = await accounts.account_of(connection, link.email, str(uuid4()), now)
            expires_at = now + self.session
            await accounts.add_session(connection, fingerprint(session), account, new_secret(), now, expires_at)
        return SignedIn(session, account, link)

    async def session_of(self, secret: str) -> Session | None:
        """The session, also one that has expired. One that is used is prolonged, once a tenth of it has passed."""
        now, session_hash = self.clock.now(), fingerprint(secret)
        async with connected(self.database.pool) as connection:
            found = await accounts.session(connection, session_hash)
            if found is not None and now < found.expires_at < now + self.session * 0.9:
                await accounts.prolong(connection, session_hash, now + self.session)
        return found

    async def sign_out(self, secret: str) -> None:
        """Ends the session for good."""
        async with connected(self.database.pool) as connection:
            await accounts.end_session(connection, fingerprint(secret))

    async def erase(self, session: Session) -> None:
        """Deletes the account, its drafts and its tokens. Applications stand, at intake."""
        async with connected(self.database.pool) as connection, connection.transaction():
            await accounts.erase(connection, session.account, session.email)

    async def forget(self) -> None:
        """Deletes what ended long ago: a periodic job."""
        async with connected(self.database.pool) as connection:
            await accounts.forget(connection, self.clock.now() - _KEPT)
