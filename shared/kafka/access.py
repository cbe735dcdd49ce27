"""Manages users and ACLs of a Kafka cluster, with a user who may alter them.

It uses confluent-kafka's admin client, since aiokafka's has no calls for either. That client has threads of its own and
is used only here, never for records.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from shared.contracts.access import Grant, Resource, Right
from shared.service.settings import KafkaSettings, SaslMechanism

AT_ONCE: Final = 500
"""Most ACLs or users in one request."""
_SECONDS: Final = 30.0
_SETTLE_SECONDS: Final = 300.0
"""A broker does nothing else while it opens thousands of new topics: 2,000 took half a minute."""
LEAST_ITERATIONS: Final = 4096
"""The minimum a broker accepts. More would not help, since these passwords are random."""
_OPERATIONS: Final = {Right.READ: AclOperation.READ, Right.WRITE: AclOperation.WRITE}
_RESOURCES: Final = {Resource.TOPIC: ResourceType.TOPIC, Resource.GROUP: ResourceType.GROUP}
_MECHANISMS: Final = {
    SaslMechanism.SCRAM_SHA_256: ScramMechanism.SCRAM_SHA_256,
    SaslMechanism.SCRAM_SHA_512: ScramMechanism.SCRAM_SHA_512,
}


class AccessRefusedError(RuntimeError):
    """The cluster refused a change of users or ACLs; the message has its reason."""

    code = "kafka-access-refused"


class Access:
    """Changes users and ACLs. Every change may be repeated. A call returns once a broker applies the change, which is a
    moment after it was accepted; brokers apply changes in order, so it is enough to check the last one."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._mechanism = _MECHANISMS.get(kafka.sasl_mechanism)
        self._admin = AdminClient(
            librdkafka_arguments(kafka) | {"socket.timeout.ms": int(_SECONDS * 1000), "log_level": 4}
        )

    async def grant(self, grants: Iterable[Grant]) -> None:
        """Adds these rights. Raises AccessRefusedError, as all changes do."""
        for some in _parts(grants):
            await self._done(self._admin.create_acls, [_binding(grant) for grant in some])
            await self._until_there(_filter(some[-1]), wanted=True)

    async def revoke(self, grants: Iterable[Grant]) -> None:
        """Removes these rights."""
        for some in _parts(grants):
            await self._done(self._admin.delete_acls, [_filter(grant) for grant in some])
            await self._until_there(_filter(some[-1]), wanted=False)

    async def revoke_all(self, users: Iterable[str]) -> None:
        """Removes all rights of these users."""
        for some in _parts(users):
            await self._done(self._admin.delete_acls, [_any_of(user) for user in some])
            await self._until_there(_any_of(some[-1]), wanted=False)

    async def granted(self, user: str) -> set[Grant]:
        """The rights of a user. Raises ValueError for an ACL we did not make, such as a denial."""
        return {_grant(binding) for binding in await self._described(_any_of(user))}

    async def users(self) -> dict[str, int]:
        """Users with a SCRAM password, and its number of hash iterations."""
        (described,) = await self._results([await asyncio.to_thread(self._admin.describe_user_scram_credentials)])
        return {user: description.scram_credential_infos[0].iterations for user, description in described.items()}

    async def set_passwords(self, passwords: Mapping[str, str]) -> None:
        """Creates users or changes their passwords; old passwords are refused from then on."""
        if self._mechanism is None:
            raise AccessRefusedError("passwords are set by SCRAM; FIRSTBUY_KAFKA_SASL_MECHANISM names another")
        # A new number each time: it is all a broker reveals about a password, so it shows which one is in force.
        iterations = LEAST_ITERATIONS + secrets.randbelow(LEAST_ITERATIONS)
        credential = ScramCredentialInfo(self._mechanism, iterations)
        for some in _parts(passwords.items()):
            changes = [UserScramCredentialUpsertion(user, credential, password.encode()) for user, password in some]
            await self._done(self._admin.alter_user_scram_credentials, changes)
            await self._until_hashed(some[-1][0], iterations)

    async def remove_users(self, users: Iterable[str]) -> None:
        """Removes the passwords of these users, where they have one."""
        for some in _parts(set(users).intersection(await self.users())):
            changes = [UserScramCredentialDeletion(user, self._mechanism) for user in some]
            await self._done(self._admin.alter_user_scram_credentials, changes)
            await self._until_hashed(some[-1], None)

    async def _until_there(self, wanted_acl: AclBindingFilter, *, wanted: bool) -> None:
        async with self._patience(_SETTLE_SECONDS):
            while bool(await self._described(wanted_acl)) is not wanted:
                await asyncio.sleep(0.02)

    async def _until_hashed(self, user: str, iterations: int | None) -> None:
        async with self._patience(_SETTLE_SECONDS):
            while (await self.users()).get(user) != iterations:
                await asyncio.sleep(0.02)

    async def _described(self, wanted: AclBindingFilter) -> Sequence[AclBinding]:
        (bindings,) = await self._results([await asyncio.to_thread(self._admin.describe_acls, wanted)])
        there: Sequence[AclBinding] = bindings
        return there

    async def _done(self, change: Callable[[list[Any]], Mapping[Any, Future[Any]]], wanted: list[Any]) -> None:
        await self._results((await asyncio.to_thread(change, wanted)).values())

    async def _results(self, futures: Iterable[Future[Any]]) -> Sequence[Any]:
        awaited: list[Awaitable[Any]] = [asyncio.wrap_future(future) for future in futures]
        async with self._patience(_SECONDS):
            try:
                return await asyncio.gather(*awaited)
            except KafkaException as error:
                raise AccessRefusedError(_reason(error)) from error

    @asynccontextmanager
    async def _patience(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise AccessRefusedError(self._kafka.unreachable(f"no answer in {seconds:.0f} s")) from None


def librdkafka_arguments(kafka: KafkaSettings) -> dict[str, Any]:
    """The connection settings under librdkafka's names."""
    arguments: dict[str, Any] = {
        "bootstrap.servers": kafka.bootstrap_servers,
        "security.protocol": kafka.security_protocol.value,
    }
    if kafka.secured:
        arguments |= {
            "sasl.mechanism": kafka.sasl_mechanism.value,
            "sasl.username": kafka.sasl_username,
            "sasl.password": kafka.sasl_password.get_secret_value(),
        }
    if kafka.ssl_ca_file:
        arguments["ssl.ca.location"] = kafka.ssl_ca_file
    return arguments


def _parts(whole: Iterable[Any]) -> Iterable[list[Any]]:
    there = sorted(whole)
    return (there[start : start + AT_ONCE] for start in range(0, len(there), AT_ONCE))


def _reason(error: KafkaException) -> str:
    reason = error.args[0]
    if isinstance(reason, KafkaError) and reason.code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED:
        return "this user may not alter users and ACLs (Alter on the cluster)"
    return str(reason.str() if isinstance(reason, KafkaError) else reason)


def _binding(grant: Grant) -> AclBinding:
    pattern = ResourcePatternType.PREFIXED if grant.prefixed else ResourcePatternType.LITERAL
    who, operation = f"User:{grant.user}", _OPERATIONS[grant.right]
    return AclBinding(_RESOURCES[grant.resource], grant.name, pattern, who, "*", operation, AclPermissionType.ALLOW)


def _filter(grant: Grant) -> AclBindingFilter:
    binding = _binding(grant)
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )


def _any_of(user: str) -> AclBindingFilter:
    return AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, f"User:{user}", None, AclOperation.ANY, AclPermissionType.ANY
    )


def _grant(binding: AclBinding) -> Grant:
    rights = {operation: right for right, operation in _OPERATIONS.items()}
    resources = {kind: resource for resource, kind in _RESOURCES.items()}
    known = binding.operation in rights and binding.restype in resources
    if not known or binding.permission_type is not AclPermissionType.ALLOW or binding.host != "*":
        raise ValueError(f"an ACL that is none of ours: {binding}")
    return Grant(
        binding.principal.removeprefix("User:"),
        rights[binding.operation],
        resources[binding.restype],
        binding.name,
        binding.resource_pattern_type is ResourcePatternType.PREFIXED,
    )
