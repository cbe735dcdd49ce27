"""Access control of services that issue no tokens themselves: they know tokens from `access.v1`.

So a token issued by intake works at every service, and no setting has to name it.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from shared.contracts.events import TokenChanged, TokenRole
from shared.kafka.cloudevents import Outgoing
from shared.kafka.records import events_of
from shared.kafka.step import Incoming
from shared.service import access_storage
from shared.service.http import bearer_hash
from shared.service.postgres import Connection, Pool, connected
from shared.service.problems import Problem

OPERATOR: Final = TokenRole.OPERATOR
OFFICER: Final = TokenRole.OFFICER
AUDITOR: Final = TokenRole.AUDITOR


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """The holder of a token."""

    name: str
    role: TokenRole
    institution: str | None = None


Admit = Callable[[Request], Awaitable[TokenHolder]]
"""Returns who asks; raises a Problem if they may not."""


async def keep_access(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores changed tokens: the handler of `access.v1`."""
    await access_storage.save(connection, [event.body for event in events_of(batch, TokenChanged)])
    return ()


class Access:
    """Admits requests by token. `named`: what tells the token hashes of settings, valid before anything is read;
    empty: none."""

    def __init__(self, pool: Callable[[], Pool], named: Mapping[TokenRole, Callable[[], str]]) -> None:
        self._pool = pool
        self._named = named

    def admit(self, *roles: TokenRole) -> Admit:
        """A check for these roles, for a router."""

        async def admit(request: Request) -> TokenHolder:
            return await self.holder(request, *roles)

        return admit

    async def holder(self, request: Request, *roles: TokenRole) -> TokenHolder:
        """Whose token was sent. Raises Problem: 401 without a known token, 403 if its role may not do this."""
        token_hash = bearer_hash(request.headers.get("authorization"))
        if token_hash is None:
            raise Problem(
                401, "no-token", "Send your token as 'Authorization: Bearer …'.", headers={"WWW-Authenticate": "Bearer"}
            )
        known = await self._found(token_hash)
        if known is None:
            title = "This token is not known, or was revoked: ask an operator for a new one."
            raise Problem(401, "unknown-token", title)
        if known.role not in roles:
            needed = " or ".join(roles)
            raise Problem(403, "wrong-role", f"This takes a token of role {needed}, not {known.role}.")
        return known

    async def _found(self, token_hash: str) -> TokenHolder | None:
        for role, named in self._named.items():
            if (of_setting := named()) and secrets.compare_digest(token_hash, of_setting):
                return TokenHolder(role.value, role)
        async with connected(self._pool()) as connection:
            known = await access_storage.holder(connection, token_hash)
        return TokenHolder(known[0], TokenRole(known[1]), known[2]) if known else None
