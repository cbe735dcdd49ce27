"""Settings that may stand in files. `FIRSTBUY_…_FILE` names the file that has the value of `FIRSTBUY_…`: a password in
the environment is seen by whoever may look at the process."""

from collections.abc import Iterable, Mapping
from os import environ
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

SUFFIX = "_FILE"


class UnreadableSettingError(RuntimeError):
    """The file that is to have a setting can't be read, or the setting is given twice. The text has no value."""

    code = "unreadable-setting"


def in_files(prefix: str, fields: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The fields whose values stand in files that the environment names. Raises UnreadableSettingError."""
    found = {}
    for field in fields:
        variable = f"{prefix}{field.upper()}"
        if not (named := environment.get(variable + SUFFIX)):
            continue
        if variable in environment:
            raise UnreadableSettingError(f"{variable} and {variable}{SUFFIX} are both set: leave one")
        try:
            found[field] = Path(named).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise UnreadableSettingError(f"{variable}{SUFFIX}={named}: {reason}") from None
    return found


class _Files(PydanticBaseSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError("all fields are read at once")

    def __call__(self) -> dict[str, Any]:
        return in_files(str(self.config.get("env_prefix", "")), self.settings_cls.model_fields, environ)


class Settings(BaseSettings):
    """Settings from arguments, then from the environment, then from the files that it names."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources, the first that has a value wins."""
        return init_settings, env_settings, _Files(settings_cls)
