"""TLS and passwords for the brokers, as their files have them whenever a connection is made."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import structlog

from shared.service.settings_files import Watched

_log = structlog.get_logger()


class NewestPassword(str):
    """A password that is read anew for each connection: aiokafka encodes it whenever it logs in by SCRAM."""

    __slots__ = ("_read",)
    _read: Callable[[], str]

    def __new__(cls, read: Callable[[], str]) -> Self:
        password = super().__new__(cls, read())
        password._read = read
        return password

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return self._read().encode(encoding, errors)


class _Trust(ssl.SSLContext):
    """Trusts the authorities that its file has whenever a connection is made."""

    _file: Path
    _watched: Watched
    _now: ssl.SSLContext

    @classmethod
    def of(cls, file: str) -> Self:
        trust = cls(ssl.PROTOCOL_TLS_CLIENT)
        trust._file = Path(file)
        trust._watched = Watched(trust._file)
        trust._now = ssl.create_default_context(cafile=file)
        return trust

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        """Called by asyncio for each connection. A file that can't be used leaves what was trusted last."""
        if self._watched.changed():
            try:
                self._now = ssl.create_default_context(cafile=self._file)
            except (OSError, ssl.SSLError) as error:
                _log.error("keeps its authorities: the file can't be used", error=type(error).__name__)
            else:
                _log.info("reads its authorities again", file=str(self._file))
        return self._now.wrap_bio(*arguments, **named)


def ssl_context(ca_file: str) -> ssl.SSLContext:
    """A verifying context that trusts `ca_file`, or the system's authorities if it is empty."""
    return _Trust.of(ca_file) if ca_file else ssl.create_default_context()
