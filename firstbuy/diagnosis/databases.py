"""Databases as found, against what services need of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from firstbuy.diagnosis.check import CLOCK_BOUND, Check, not_asked, right, wrong
from firstbuy.diagnosis.services import apart
from shared.contracts.access import SERVICES
from shared.service.postgres import TIMEOUTS

OLDEST: Final = 16
HELD: Final = 3
"""Connections of a replica beside its pool, at most: those that hold locks of a session, its slot among them."""
_SHOWN: Final = {"60s": "1min", "30s": "30s"}
"""How PostgreSQL writes the timeouts of services."""
FIRMS_LOCKED: Final = 512
"""Locks that a replica of intake takes at a close: 256 firms in each of two writers (ADR 19)."""


@dataclass(frozen=True, slots=True)
class DatabaseFound:
    """`server`: the same for databases of one server. `version`: as server_version_num. `now` was read between
    `asked_at` and `heard_at`, which are of this machine's clock."""

    service: str
    server: str
    version: int
    missing: Sequence[str]
    changed: Sequence[str]
    now: datetime
    asked_at: datetime
    heard_at: datetime
    locks_shared: bool
    """Whether two sessions got one lock of a session."""
    timeouts: Mapping[str, str]
    """Of a session that asked for those of services, as PostgreSQL writes them."""
    settings: Mapping[str, int]
    """max_connections, superuser_reserved_connections, max_locks_per_transaction, max_prepared_transactions."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """`why`: without the address, which holds a password."""

    service: str
    why: str


def compare_databases(found: Sequence[DatabaseFound | Unreachable], pools: Mapping[str, Sequence[int]]) -> list[Check]:
    """`pools`: by service, the most connections of each replica that was asked."""
    checks = [check for each in found for check in _database(each)]
    named = {each.service for each in found}
    checks += [
        not_asked(f"database of {service}", f"FIRSTBUY_{service.upper()}_DATABASE_URL is not set here")
        for service in SERVICES
        if service not in named
    ]
    servers: dict[str, list[DatabaseFound]] = {}
    for each in found:
        if isinstance(each, DatabaseFound):
            servers.setdefault(each.server, []).append(each)
    for together in servers.values():
        checks += _room(together, pools)
    return checks


def _database(found: DatabaseFound | Unreachable) -> list[Check]:
    subject, variable = f"database of {found.service}", f"FIRSTBUY_{found.service.upper()}_DATABASE_URL"
    if isinstance(found, Unreachable):
        fix = f'try psql "${variable}"; docs/runbooks.md, Lost database'
        return [wrong(subject, f"can't be reached: {found.why}", fix)]
    major = found.version // 10_000
    faults = []
    if major < OLDEST:
        faults.append(wrong(subject, f"PostgreSQL {major}", f"upgrade it to {OLDEST} or newer with pg_upgrade"))
    if found.missing:
        said = f"lacks {', '.join(found.missing)}"
        faults.append(wrong(f"{subject}: migrations", said, f"python -m services.{found.service} migrate"))
    if found.changed:
        said = f"ran other text than this version has: {', '.join(found.changed)}"
        fix = "take the version that the services run, or restore these files: a migration that has run stays as it is"
        faults.append(wrong(f"{subject}: migrations", said, fix))
    faults += _pooler(subject, found)
    off = apart(found.now, found.now, found.asked_at, found.heard_at)
    if off > CLOCK_BOUND:
        said = f"at least {off.total_seconds():.1f} s from this machine's"
        faults.append(
            wrong(f"{subject}: clock", said, "`chronyc makestep` there and here; docs/runbooks.md, Clock off")
        )
    return faults or [right(subject, f"PostgreSQL {major}, every migration, and this machine's time")]


def _pooler(subject: str, found: DatabaseFound) -> list[Check]:
    """What a pooler in front of the database must leave as it is."""
    faults = []
    if found.locks_shared:
        said = "two sessions hold one lock: a pooler in front of it gives statements of one session to several"
        faults.append(wrong(f"{subject}: pooler", said, "set pool_mode = session; docs/operators.md, Behind a pooler"))
    lost = [name for name, value in TIMEOUTS.items() if _SHOWN[value] != found.timeouts[name]]
    if lost:
        said = f"sessions have no {', '.join(lost)} of ours: a pooler in front of it leaves them out"
        sets = "; ".join(f"ALTER ROLE … SET {name} = '{TIMEOUTS[name]}'" for name in lost)
        faults.append(wrong(f"{subject}: pooler", said, sets))
    return faults


def _room(together: Sequence[DatabaseFound], pools: Mapping[str, Sequence[int]]) -> list[Check]:
    """Whether replicas fit on one server."""
    names = sorted(each.service for each in together)
    subject = f"room in the server of {', '.join(names)}"
    if unseen := [name for name in names if not pools.get(name)]:
        return [not_asked(subject, f"no metrics of {', '.join(unseen)}: name its replicas with --from")]
    settings = together[0].settings
    wanted = sum(sum(pools[name]) + HELD * len(pools[name]) for name in names)
    given = settings["max_connections"] - settings["superuser_reserved_connections"]
    checks = []
    if wanted > given:
        said = f"replicas take up to {wanted} connections, there are {given}"
        fix = (
            f"ALTER SYSTEM SET max_connections = {wanted + settings['superuser_reserved_connections']}, then restart it"
        )
        checks.append(wrong(subject, said, fix))
    locked = FIRMS_LOCKED * len(pools.get("intake", ())) if "intake" in names else 0
    slots = settings["max_connections"] + settings["max_prepared_transactions"]
    locks = settings["max_locks_per_transaction"] * slots
    if locked > locks:
        said = f"replicas of intake take up to {locked} locks at a close, there are {locks}"
        fix = f"ALTER SYSTEM SET max_locks_per_transaction = {-(-locked // slots)}, then restart it"
        checks.append(wrong(subject, said, fix))
    return checks or [right(subject, f"{wanted} of {given} connections, {locked} of {locks} locks at most")]
