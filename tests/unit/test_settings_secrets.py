"""A password that settings hold reaches no error, no log and no `repr`."""

import sys
from pathlib import Path
from typing import Any

import pytest

from services.eligibility.settings import EligibilitySettings
from services.intake.settings import IntakeSettings
from services.notify.settings import NotifySettings
from services.selection.settings import SelectionSettings
from shared.service.entrypoint import run
from shared.service.settings import ServiceSettings

SECRET = "hunter2"
SERVICES: dict[str, type[ServiceSettings]] = {
    "intake": IntakeSettings,
    "eligibility": EligibilitySettings,
    "selection": SelectionSettings,
    "notify": NotifySettings,
}
MALFORMED = (
    f"postgresql://user:{SECRET}@host:port/database",
    f"postgresql://user:{SECRET}/@host:5432/database",
    f"postgres//user:{SECRET}@host/database",
    f"mysql://user:{SECRET}@host/database",
    f"postgresql://user:{SECRET}@/",
    f"postgresql://user:{SECRET}@[::1/database",
)


def started(service: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a service prints that can't use its settings."""

    def never(settings: Any) -> Any:
        raise AssertionError("its settings could be used")

    assert run(service, SERVICES[service], never, Path()) == 2
    printed = capsys.readouterr()
    return printed.out + printed.err


@pytest.fixture(autouse=True)
def alone_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["service"])
    for service in SERVICES:
        monkeypatch.setenv(f"FIRSTBUY_{service.upper()}_HTTP_PORT", "0")
    monkeypatch.setenv("FIRSTBUY_NOTIFY_SMTP_URL", "smtp://mail.example")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_database_url_is_named_and_not_printed(
    service: str, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"FIRSTBUY_{service.upper()}_DATABASE_URL", url)
    told = started(service, capsys)
    assert f"FIRSTBUY_{service.upper()}_DATABASE_URL: " in told
    assert SECRET not in told


@pytest.mark.parametrize(
    "url",
    [
        f"smtp://user:{SECRET}@host:port",
        f"smtp://user:{SECRET}/@host:25",
        f"smtp://user:{SECRET}@[::1",
        f"http://user:{SECRET}@host",
        f"smtp://user:{SECRET}@host/path",
    ],
)
def test_a_malformed_mail_url_is_named_and_not_printed(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIRSTBUY_NOTIFY_DATABASE_URL", "postgresql://host/database")
    monkeypatch.setenv("FIRSTBUY_NOTIFY_SMTP_URL", url)
    told = started("notify", capsys)
    assert "FIRSTBUY_NOTIFY_SMTP_URL: " in told
    assert SECRET not in told


@pytest.mark.parametrize("service", SERVICES)
def test_settings_show_no_password(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = f"FIRSTBUY_{service.upper()}_"
    monkeypatch.setenv(f"{prefix}DATABASE_URL", f"postgresql://user:{SECRET}@host/database")
    monkeypatch.setenv("FIRSTBUY_NOTIFY_SMTP_URL", f"smtp://user:{SECRET}@host")
    monkeypatch.setenv("FIRSTBUY_KAFKA_SASL_PASSWORD", SECRET)
    settings = SERVICES[service]()
    assert SECRET in str(settings.database_url)
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
