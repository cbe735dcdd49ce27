"""ACLs as found, against `shared/contracts/access.py`: what is missing, and what nobody gave."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from firstbuy.diagnosis.check import Check, all_right_or, wrong
from firstbuy.diagnosis.topics import PROVISION, REACHED
from shared.contracts.access import (
    SERVICES,
    Grant,
    institution_grants,
    institution_user,
    joining_grants,
    service_grants,
    service_user,
)

EVERYBODY: Final = "User:*"
_USER: Final = "User:"
_OPTIONS: Final = {
    "topic": "--topic",
    "group": "--group",
    "transactional_id": "--transactional-id",
    "cluster": "--cluster",
}
"""Of kafka-acls.sh, by kind of resource. What is newer than the client that asks is `unknown` to it."""


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """An ACL in Kafka's own words, small letters: `user:…` stays as it is written."""

    principal: str
    operation: str
    resource: str
    name: str
    pattern: str = "literal"
    host: str = "*"
    permission: str = "allow"

    def __str__(self) -> str:
        where = "" if self.host == "*" else f" from {self.host}"
        begins = "…" if self.pattern == "prefixed" else ""
        return f"{self.permission} {self.operation} on {self.resource} {self.name}{begins}{where}"


def acl_of(grant: Grant) -> Acl:
    pattern = "prefixed" if grant.prefixed else "literal"
    return Acl(f"{_USER}{grant.user}", grant.right.value, grant.resource.value, grant.name, pattern)


def compare_rights(found: Iterable[Acl], prefix: str, codes: Sequence[str]) -> list[Check]:
    """Rights of services, of the institutions with these codes, and of everybody. What an institution lacks is not
    judged: one that is suspended or has left has fewer."""
    there = set(found)
    services = {f"{_USER}{service_user(prefix, service)}" for service in SERVICES}
    given = {acl_of(grant): PROVISION for service in SERVICES for grant in service_grants(prefix, service)}
    for code in codes:
        given |= {acl_of(grant): f"firstbuy institution onboard {code}" for grant in joining_grants(prefix, code)}
    allowed = {*given, *(acl_of(grant) for code in codes for grant in institution_grants(prefix, code))}
    missing = [wrong(f"rights of {acl.principal}", f"lacks: {acl}", given[acl]) for acl in sorted(given.keys() - there)]
    ours = f"{_USER}{institution_user(prefix, '')}"
    extra = [
        wrong(f"rights of {acl.principal}", f"has, and no table gives it: {acl}", _removal(acl))
        for acl in sorted(there - allowed)
        if acl.principal in services or acl.principal.startswith(ours) or _of_everybody(acl, prefix)
    ]
    users = len(services) + len(codes)
    return all_right_or([*missing, *extra], "rights", f"{len(given)} given and no other, of {users} users")


def _of_everybody(acl: Acl, prefix: str) -> bool:
    """Whether it gives or denies everybody something of this deployment."""
    if acl.principal != EVERYBODY:
        return False
    covers = acl.name == "*" or acl.name.startswith(prefix)
    return covers or (acl.pattern == "prefixed" and prefix.startswith(acl.name)) or acl.resource == "cluster"


def _removal(acl: Acl) -> str:
    if acl.operation == "unknown" or acl.resource not in _OPTIONS:
        return f"see which it is, and remove it: kafka-acls.sh {REACHED} --list --principal '{acl.principal}'"
    option = _OPTIONS[acl.resource]
    what = option if acl.resource == "cluster" else f"{option} '{acl.name}'"
    side = "allow" if acl.permission == "allow" else "deny"
    host = "" if acl.host == "*" else f" --{side}-host {acl.host}"
    operation = "".join(part.capitalize() for part in acl.operation.split("_"))
    return (
        f"kafka-acls.sh {REACHED} --remove --force --{side}-principal '{acl.principal}'{host} "
        f"--operation {operation} {what} --resource-pattern-type {acl.pattern}"
    )
