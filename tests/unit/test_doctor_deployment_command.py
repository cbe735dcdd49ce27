"""`firstbuy doctor --deployment`: which deployment it looks at, and what it prints."""

import json
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner, Result

from deploy.local.ports import free_port
from firstbuy.cli import assembled
from firstbuy.diagnosis.asking import kafka
from firstbuy.diagnosis.check import State

VARIABLES: Final = ("FIRSTBUY_URL", "FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS", "FIRSTBUY_NOTIFY_SMTP_URL")


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTBUY_STATE", str(tmp_path / "state"))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def doctor(*words: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(assembled(), ["doctor", "--deployment", *words])


def states(told: Result) -> dict[str, str]:
    return {check["subject"]: check["state"] for check in json.loads(told.stdout)}


def test_where_nothing_is_named_and_nothing_runs_it_says_so() -> None:
    told = doctor()
    assert told.exit_code == 1
    assert "no local stack runs" in told.stderr


def test_what_is_wrong_is_printed_with_its_fix_and_the_rest_with_its_reason() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    told = doctor(FIRSTBUY_URL=f"{url}/")
    assert told.exit_code == 1
    (line,) = [line for line in told.stdout.splitlines() if url in line]
    assert "✗" in line
    assert "does not answer" in line
    assert "docs/runbooks.md, Service down" in line
    assert "not asked: FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS is not set here" in told.stdout
    assert told.stdout.splitlines()[-1].startswith("0 ok, 1 wrong, ")


def test_a_replica_that_is_named_is_asked_instead_of_the_address_of_its_service() -> None:
    url, replica = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    asked = states(doctor("--json", f"--from={replica}/", FIRSTBUY_URL=url))
    assert asked[f"? at {replica}"] == State.WRONG
    assert not any(url in subject for subject in asked)


def test_kafka_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "SECONDS", 0.5)
    server = f"127.0.0.1:{free_port()}"
    told = doctor("--json", FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS="no-such-host.invalid:1", FIRSTBUY_URL=f"http://{server}")
    assert states(told)["Kafka"] == State.WRONG
    assert "topics" not in states(told)


def test_an_address_may_stand_in_a_file(tmp_path: Path) -> None:
    named = tmp_path / "smtp"
    named.write_text(f"smtp://user:hidden@127.0.0.1:{free_port()}\n")
    told = doctor("--json", FIRSTBUY_NOTIFY_SMTP_URL_FILE=str(named), FIRSTBUY_URL=f"http://127.0.0.1:{free_port()}")
    (mail,) = [subject for subject in states(told) if subject.startswith("mail")]
    assert mail.startswith("mail by smtp://127.0.0.1:")
    assert "hidden" not in told.stdout
    lost = doctor(FIRSTBUY_NOTIFY_SMTP_URL_FILE=str(tmp_path / "none"), FIRSTBUY_URL="http://127.0.0.1:1")
    assert lost.exit_code == 1
    assert "FIRSTBUY_NOTIFY_SMTP_URL_FILE" in lost.stderr
