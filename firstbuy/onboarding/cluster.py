"""What an institution has in Kafka, made with the operator's own user. Every step may be made again."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from shared.contracts.access import institution_grants, institution_user, joining_grants, sending_grants
from shared.contracts.topics import inbox, outbox
from shared.kafka.access import Access
from shared.kafka.provision import provision
from shared.kafka.quotas import set_produce_quotas
from shared.service.settings import KafkaSettings

QUOTA: Final = 1_048_576
"""Bytes a second an institution may send to a broker: some thousand requests."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kafka without users has topics to make and nothing else."""

    kafka: KafkaSettings
    prefix: str
    users: bool | None = None
    """Whether institutions get users; where it is not said, wherever clients log in."""

    def __post_init__(self) -> None:
        if self.users is None:
            object.__setattr__(self, "users", self.kafka.secured)

    async def join(self, codes: Sequence[str], *, quota: int = QUOTA) -> None:
        """Topics, rights and quotas. Nobody can use them before there is a password."""
        await provision([topic for code in codes for topic in (inbox(code), outbox(code))], self.kafka, self.prefix)
        if self.users:
            await Access(self.kafka).grant(
                grant
                for code in codes
                for grant in (*joining_grants(self.prefix, code), *institution_grants(self.prefix, code))
            )
            await set_produce_quotas(self.kafka, dict.fromkeys(map(self.user, codes), quota))

    async def first_passwords(self, codes: Iterable[str]) -> dict[str, str]:
        """By institution, of those that had none: a password is told once, to whoever asked for it."""
        if not self.users:
            return {}
        access = Access(self.kafka)
        there = await access.users()
        return await self._new_passwords(access, [code for code in codes if self.user(code) not in there])

    async def rotate(self, code: str) -> str | None:
        """Another password; the one before opens no connection any more."""
        return (await self._new_passwords(Access(self.kafka), [code]))[code] if self.users else None

    async def suspend(self, code: str) -> None:
        """It can't send, from now on and on connections that are open; it still hears."""
        if self.users:
            await Access(self.kafka).revoke(sending_grants(self.prefix, code))

    async def resume(self, code: str) -> None:
        if self.users:
            await Access(self.kafka).grant(sending_grants(self.prefix, code))

    async def leave(self, code: str) -> None:
        """Its user goes. Its topics stay, with what services may do there: what it sent is part of rounds."""
        if self.users:
            access, user = Access(self.kafka), self.user(code)
            await access.revoke_all([user])
            await access.remove_users([user])
            await set_produce_quotas(self.kafka, {user: None})

    def user(self, code: str) -> str:
        return institution_user(self.prefix, code)

    async def _new_passwords(self, access: Access, codes: Sequence[str]) -> dict[str, str]:
        made = {code: secrets.token_urlsafe(24) for code in codes}
        await access.set_passwords({self.user(code): password for code, password in made.items()})
        return made
