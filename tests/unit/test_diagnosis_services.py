"""What `firstbuy doctor --deployment` says of replicas, databases, the mail server and registries, by tables."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from firstbuy.diagnosis.check import Check, State
from firstbuy.diagnosis.databases import DatabaseFound, Unreachable, compare_databases
from firstbuy.diagnosis.outside import Reached, compare_mail, compare_registry
from firstbuy.diagnosis.services import Answer, ReplicaFound, compare_replica, compare_services, compare_versions
from shared.contracts.access import SERVICES
from shared.proof.signing import Signer

NOW: Final = datetime(2018, 9, 1, tzinfo=UTC)
SOON: Final = NOW + timedelta(seconds=0.1)
KEY: Final = Signer(bytes(32)).key
PUBLISHED: Final = {
    "key_id": KEY.key_id,
    "algorithm": "Ed25519",
    "public_key": KEY.public,
    "fingerprint": KEY.fingerprint,
    "first_used_at": "2018-08-01T00:00:00Z",
}
METRICS: Final = """
firstbuy_build_info{service="intake",replica="0",version="1.0.0"} 1.0
firstbuy_clock_offset_seconds 0.01
firstbuy_end_seconds{kind="kafka-broker"} 9999999
firstbuy_end_seconds{kind="database-authority"} +Inf
"""


def answer(body: Any, status: int = 200, date: datetime | None = NOW) -> Answer:
    return Answer(status, body if isinstance(body, str) else json.dumps(body), date, NOW, SOON)


REPLICA: Final = ReplicaFound(
    "intake",
    "http://intake.test",
    live=answer({"stuck": {}}),
    ready=answer({"missing": {}}),
    metrics=answer(METRICS),
    keys=answer([PUBLISHED]),
)
NOT_FOUND: Final = answer("no such route", 404)


def wrongs(checks: list[Check]) -> list[tuple[str, str, str]]:
    return [(check.subject, check.found, check.fix) for check in checks if check.state is State.WRONG]


def test_a_healthy_replica_is_all_right() -> None:
    checks = compare_replica(REPLICA, NOW)
    assert [(check.subject.removeprefix("intake at http://intake.test: "), check.state) for check in checks] == [
        (part, State.OK) for part in ("live", "ready", "clock", "clock and database", "certificates", "keys")
    ]


@pytest.mark.parametrize(
    ("changed", "part", "says", "fix"),
    [
        ({"live": answer({"stuck": {"rounds.v1": "no step"}}, 503)}, "live", "rounds.v1: no step", "read its log"),
        (
            {"ready": answer({"missing": {"migrations": "0007_x"}}, 503)},
            "ready",
            "migrations: 0007_x",
            "python -m services.intake migrate",
        ),
        ({"ready": answer({"missing": {"clock": "at least 3 s"}}, 503)}, "ready", "clock: at least 3 s", "chronyc"),
        ({"ready": answer("<html>", 502)}, "ready", "502", "read its log"),
        ({"ready": answer("<html>")}, "ready", "200", "read its log"),
        ({"live": answer({"stuck": {}}, date=NOW - timedelta(seconds=9))}, "clock", "at least 7 s", "chronyc"),
        ({"live": answer({"stuck": {}}, date=NOW + timedelta(seconds=9))}, "clock", "at least 9 s", "chronyc"),
        (
            {"metrics": answer("firstbuy_clock_offset_seconds -1.5\n")},
            "clock and database",
            "-1.500 s apart",
            "chronyc",
        ),
        (
            {"metrics": answer('firstbuy_end_seconds{kind="kafka-broker"} 86400\n')},
            "kafka-broker",
            "ends at 2018-09-02 00:00 UTC",
            "Certificate ended",
        ),
        ({"keys": answer([])}, "keys", "no list of keys", "FIRSTBUY_INTAKE_SIGNING_KEY_FILE"),
        ({"keys": answer("<html>")}, "keys", "no list of keys", "FIRSTBUY_INTAKE_SIGNING_KEY_FILE"),
        ({"keys": answer("", 503)}, "keys", "503", "read its log"),
        ({"keys": answer([PUBLISHED | {"key_id": "0" * 16}])}, "keys", "1 of 1 are not", "Key compromised"),
        ({"keys": answer([PUBLISHED, {"public_key": "00"}])}, "keys", "1 of 2 are not", "Key compromised"),
        ({"keys": answer([PUBLISHED | {"algorithm": "RSA"}])}, "keys", "1 of 1 are not", "Key compromised"),
        ({"keys": answer([PUBLISHED | {"first_used_at": "2018-08-01"}])}, "keys", "1 of 1 are not", "Key compromised"),
    ],
)
def test_what_is_wrong_with_a_replica_is_named(changed: dict[str, Any], part: str, says: str, fix: str) -> None:
    ((subject, found, how),) = wrongs(compare_replica(replace(REPLICA, **changed), NOW))
    assert subject == f"intake at http://intake.test: {part}"
    assert says in found
    assert fix in how


def test_a_replica_that_does_not_answer_is_one_line() -> None:
    nothing = Answer(0, "Connection refused", None, NOW, SOON)
    (check,) = compare_replica(replace(REPLICA, live=nothing, ready=nothing, metrics=nothing, keys=nothing), NOW)
    assert (check.state, check.found) == (State.WRONG, "does not answer: Connection refused")


def test_what_a_proxy_keeps_inside_is_not_asked() -> None:
    behind = replace(REPLICA, live=NOT_FOUND, ready=NOT_FOUND, metrics=NOT_FOUND)
    checks = compare_replica(behind, NOW)
    assert [check.state for check in checks] == [State.NOT_ASKED, State.NOT_ASKED, State.OK, State.OK]
    assert compare_versions([behind], "1.0.0").state is State.NOT_ASKED


@pytest.mark.parametrize(
    ("versions", "own", "state"),
    [
        (["1.0.0", "1.0.0"], "1.0.0", State.OK),
        (["1.0.0", "1.1.0"], "1.1.0", State.WRONG),
        (["1.0.0", "1.0.0"], "1.1.0", State.WRONG),
        (["1.0.0", None], "1.0.0", State.WRONG),
    ],
)
def test_all_replicas_have_one_version_and_this_command_has_it(
    versions: list[str | None], own: str, state: State
) -> None:
    """A replica from before the label is of an unknown one."""
    found = [
        replace(
            REPLICA,
            url=f"http://{number}.test",
            metrics=answer(METRICS.replace(',version="1.0.0"', f',version="{version}"' if version else "")),
        )
        for number, version in enumerate(versions)
    ]
    assert compare_versions(found, own).state is state


def test_a_service_of_which_no_replica_is_named_is_not_asked() -> None:
    checks = compare_services([REPLICA], "1.0.0", NOW)
    left = [(check.subject, check.found) for check in checks if check.state is State.NOT_ASKED]
    assert left == [(service, f"no address: --from URL, or FIRSTBUY_{service.upper()}_URL") for service in SERVICES[1:]]


SETTINGS: Final = {
    "max_connections": 100,
    "superuser_reserved_connections": 3,
    "max_locks_per_transaction": 64,
    "max_prepared_transactions": 0,
}
AS_ASKED: Final = {
    "statement_timeout": "1min",
    "idle_in_transaction_session_timeout": "1min",
    "lock_timeout": "30s",
}
DATABASE: Final = DatabaseFound("intake", "one", 180_001, (), (), NOW, NOW, SOON, False, AS_ASKED, SETTINGS)
POOLER: Final = "database of intake: pooler"
ROOM: Final = "room in the server of intake"


def told(found: DatabaseFound | Unreachable, pool: list[int]) -> list[Check]:
    return [check for check in compare_databases([found], {"intake": pool}) if "intake" in check.subject]


def test_a_database_that_has_all_is_all_right() -> None:
    assert [(check.subject, check.state) for check in told(DATABASE, [16])] == [
        ("database of intake", State.OK),
        (ROOM, State.OK),
    ]


@pytest.mark.parametrize(
    ("found", "pool", "subject", "says", "fix"),
    [
        (replace(DATABASE, version=150_009), [16], "database of intake", "PostgreSQL 15", "pg_upgrade"),
        (
            replace(DATABASE, missing=["0007_x"]),
            [16],
            "database of intake: migrations",
            "lacks 0007_x",
            "python -m services.intake migrate",
        ),
        (
            replace(DATABASE, changed=["0001_y"]),
            [16],
            "database of intake: migrations",
            "0001_y",
            "restore these files",
        ),
        (
            replace(DATABASE, now=NOW + timedelta(seconds=3)),
            [16],
            "database of intake: clock",
            "at least 2.9 s",
            "chronyc",
        ),
        (replace(DATABASE, locks_shared=True), [16], POOLER, "two sessions hold one lock", "pool_mode = session"),
        (
            replace(DATABASE, timeouts=AS_ASKED | {"lock_timeout": "0"}),
            [16],
            POOLER,
            "no lock_timeout of ours",
            "ALTER ROLE … SET lock_timeout = '30s'",
        ),
        (DATABASE, [16] * 6, ROOM, "up to 114 connections, there are 97", "max_connections = 117,"),
        (
            replace(DATABASE, settings=SETTINGS | {"max_locks_per_transaction": 10}),
            [16] * 3,
            ROOM,
            "up to 1536 locks at a close, there are 1000",
            "max_locks_per_transaction = 16,",
        ),
        (Unreachable("intake", "password refused"), [16], "database of intake", "password refused", "psql"),
    ],
)
def test_what_a_database_lacks_is_named(
    found: DatabaseFound | Unreachable, pool: list[int], subject: str, says: str, fix: str
) -> None:
    ((where, what, how),) = wrongs(told(found, pool))
    assert where == subject
    assert says in what
    assert fix in how


def test_services_on_one_server_share_its_room() -> None:
    both = [DATABASE, replace(DATABASE, service="notify")]
    apart = [DATABASE, replace(DATABASE, service="notify", server="two")]
    pools = {"intake": [16] * 4, "notify": [8] * 3}
    assert [where for where, _, _ in wrongs(compare_databases(both, pools))] == ["room in the server of intake, notify"]
    assert wrongs(compare_databases(apart, pools)) == []


def test_room_is_not_judged_where_replicas_were_not_seen() -> None:
    states = {check.subject: check.state for check in compare_databases([DATABASE], {})}
    assert states[ROOM] is State.NOT_ASKED
    assert states["database of notify"] is State.NOT_ASKED


LASTS: Final = NOW + timedelta(days=90)
MAIL: Final = "smtp+starttls://mx.test:587"
REGISTRY: Final = "FIRSTBUY_ELIGIBILITY_CERTIFICATES_URL"


@pytest.mark.parametrize(
    ("found", "scheme", "state", "fix"),
    [
        (None, "", State.NOT_ASKED, ""),
        (Reached(MAIL, ends_at=LASTS), "smtp+starttls", State.OK, ""),
        (Reached(MAIL, ends_at=NOW + timedelta(days=13)), "smtp+starttls", State.WRONG, "Certificate ended"),
        (Reached(MAIL, fault="Connection refused"), "smtp", State.WRONG, "Mail blocked"),
        (Reached(MAIL), "smtp", State.OK, ""),
        (Reached(MAIL, offers_tls=True), "smtp", State.WRONG, "FIRSTBUY_NOTIFY_SMTP_URL=smtp+starttls://"),
    ],
)
def test_a_mail_server_answers_with_tls_that_lasts(found: Reached | None, scheme: str, state: State, fix: str) -> None:
    check = compare_mail(found, scheme, NOW)
    assert check.state is state
    assert fix in check.fix


@pytest.mark.parametrize(
    ("found", "state", "fix"),
    [
        (None, State.NOT_ASKED, ""),
        (Reached("https://registry.test", ends_at=LASTS), State.OK, ""),
        (Reached("https://registry.test", ends_at=NOW), State.WRONG, "Certificate ended"),
        (Reached("https://registry.test", fault="timed out"), State.WRONG, "Registry away"),
        (Reached("http://registry.test"), State.WRONG, f"{REGISTRY}=https://"),
        (Reached("http://127.0.0.1:8790"), State.OK, ""),
    ],
)
def test_a_registry_answers_over_tls_but_on_this_machine(found: Reached | None, state: State, fix: str) -> None:
    check = compare_registry(REGISTRY, found, NOW)
    assert check.state is state
    assert fix in check.fix
