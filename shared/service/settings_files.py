"""Settings that may stand in files. `FIRSTBUY_…_FILE` names the file that has the value of `FIRSTBUY_…`: a password in
the environment is seen by whoever may look at the process.

A file may be replaced while the service runs. What is asked for at each new connection, such as a password, is taken
from `Settings.newest()`.
"""

from collections.abc import Callable, Iterable, Mapping
from os import environ
from pathlib import Path
from typing import Any, Self

import structlog
from pydantic import PrivateAttr, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

SUFFIX = "_FILE"
_log = structlog.get_logger()


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


class Watched:
    """Tells whether a file was replaced or written since it was last asked about."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()

    def changed(self) -> bool:
        """True once after each change, also if the file has gone."""
        before, self._seen = self._seen, self._stamp()
        return before != self._seen

    def _stamp(self) -> tuple[int, ...]:
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


class _Files(PydanticBaseSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError("all fields are read at once")

    def __call__(self) -> dict[str, Any]:
        return in_files(str(self.config.get("env_prefix", "")), self.settings_cls.model_fields, environ)


class Settings(BaseSettings):
    """Settings from arguments, then from the environment, then from the files that it names."""

    _given: dict[str, Any] = PrivateAttr(default_factory=dict)
    _watched: list[Watched] = PrivateAttr(default_factory=list)
    _newest: Any = PrivateAttr(default=None)

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        prefix = str(self.model_config.get("env_prefix", ""))
        names = (f"{prefix}{field.upper()}{SUFFIX}" for field in type(self).model_fields if field not in given)
        self._given = given
        self._watched = [Watched(Path(environ[name])) for name in names if environ.get(name)]

    def newest(self) -> Self:
        """The settings as their files have them now. Files that can't be used leave what could be used last."""
        changed = [watched for watched in self._watched if watched.changed()]
        if changed:
            try:
                self._newest = type(self)(**self._given)
            except (ValidationError, UnreadableSettingError) as error:
                _log.error("keeps settings: a file of theirs can't be used", error=type(error).__name__)
            else:
                _log.info("reads settings again", settings=type(self).__name__)
        newest: Self = self._newest or self
        return newest

    def newest_text(self, field: str) -> Callable[[], str]:
        """What tells the text of a field, also of a secret one, as its file has it now."""
        getattr(self, field)  # raises here, not at the first call, where there is no such field

        def tell() -> str:
            value = getattr(self.newest(), field)
            return str(value.get_secret_value() if isinstance(value, SecretStr) else value)

        return tell

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
