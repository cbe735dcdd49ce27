"""Settings that stand in files, as secrets of a container do."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.intake.settings import IntakeSettings
from shared.kafka.provision import ProvisioningSettings
from shared.service.settings import KafkaSettings
from shared.service.settings_files import UnreadableSettingError

URL = "postgresql://intake:hunter2@postgres:5432/firstbuy_intake"


def written(folder: Path, text: str) -> str:
    file = folder / "secret"
    file.write_text(text)
    return str(file)


def test_a_setting_is_read_from_the_file_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTBUY_INTAKE_DATABASE_URL_FILE", written(tmp_path, f"{URL}\n"))
    assert str(IntakeSettings().database_url) == URL


def test_so_are_those_of_kafka_and_of_provisioning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, " a password with spaces \n")
    monkeypatch.setenv("FIRSTBUY_KAFKA_SASL_PASSWORD_FILE", file)
    monkeypatch.setenv("FIRSTBUY_PROVISION_NOTIFY_PASSWORD_FILE", file)
    assert KafkaSettings().sasl_password.get_secret_value() == " a password with spaces "
    assert ProvisioningSettings().passwords() == {"notify": " a password with spaces "}


def test_settings_of_another_environment_are_read_from_its_files(tmp_path: Path) -> None:
    environment = {
        "FIRSTBUY_KAFKA_SASL_PASSWORD_FILE": written(tmp_path, "hunter2"),
        "FIRSTBUY_KAFKA_SSL_CA_FILE": "ca",
    }
    settings = KafkaSettings.from_environment(environment)
    assert (settings.sasl_password.get_secret_value(), settings.ssl_ca_file) == ("hunter2", "ca")


def test_a_setting_given_both_ways_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTBUY_KAFKA_SASL_PASSWORD_FILE", written(tmp_path, "hunter2"))
    monkeypatch.setenv("FIRSTBUY_KAFKA_SASL_PASSWORD", "hunter3")
    with pytest.raises(UnreadableSettingError, match="both set") as refused:
        KafkaSettings()
    assert "hunter" not in str(refused.value)


@pytest.mark.parametrize("kind", ["missing", "not text"])
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    file = tmp_path / "secret"
    if kind == "not text":
        file.write_bytes(b"\xff\xfe")
    monkeypatch.setenv("FIRSTBUY_KAFKA_SASL_PASSWORD_FILE", str(file))
    with pytest.raises(UnreadableSettingError, match=r"FIRSTBUY_KAFKA_SASL_PASSWORD_FILE=.*secret: "):
        KafkaSettings()


def test_a_value_of_a_file_is_checked_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTBUY_INTAKE_DATABASE_URL_FILE", written(tmp_path, "mysql://user:hunter2@host/database"))
    with pytest.raises(ValidationError):
        IntakeSettings()


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTBUY_INTAKE_DATABASE_URL_FILE", written(tmp_path, URL))
    settings = IntakeSettings()
    told = settings.newest_text("database_url")
    assert settings.newest() is settings
    written(tmp_path, URL.replace("hunter2", "hunter3x"))
    assert told() == URL.replace("hunter2", "hunter3x")
    assert str(settings.database_url) == URL, "what was read at the start stays as it is"
    for unusable in ("no address", None):
        if unusable is None:
            (tmp_path / "secret").unlink()
        else:
            written(tmp_path, unusable)
        assert told() == URL.replace("hunter2", "hunter3x"), "the last that could be used"
    written(tmp_path, f"{URL}\n")
    assert told() == URL


def test_what_is_given_to_another_user_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTBUY_KAFKA_SASL_PASSWORD_FILE", written(tmp_path, "of intake"))
    other = KafkaSettings().as_user("other", "its own")
    written(tmp_path, "of intake, replaced")
    assert other.newest().sasl_password.get_secret_value() == "its own"
    assert other.sasl_username == "other"
