"""Bounds of HTTP connections, and the limit of open files that they need."""

from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit
from typing import Final, Self

import structlog

from shared.service.http_settings import HttpSettings

_log = structlog.get_logger()
LINGERING_AT_ONCE: Final = 200
"""Most refused connections that are closed politely; more are closed at once."""
FILES_BESIDE: Final = LINGERING_AT_ONCE + 500
"""Open files beside client connections: to Kafka and the database, and of cached answers."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of one process; each is a setting, `HttpSettings.http_…`."""

    connections: int = 2000
    of_peer: int = 100
    trusted: tuple[IPv4Network | IPv6Network, ...] = (IPv4Network("127.0.0.1"),)
    request_line: int = 8_192
    headers: int = 32_768
    head_seconds: float = 10
    idle_seconds: float = 15
    answer_seconds: float = 60

    @classmethod
    def of(cls, settings: HttpSettings) -> Self:
        """The bounds in the settings."""
        return cls(
            connections=settings.http_connections,
            of_peer=settings.http_connections_of_peer,
            trusted=tuple(map(ip_network, settings.trusted_proxies)),
            request_line=settings.http_request_line_bytes,
            headers=settings.http_header_bytes,
            head_seconds=settings.http_head_seconds,
            idle_seconds=settings.http_idle_seconds,
            answer_seconds=settings.http_answer_seconds,
        )

    @property
    def head(self) -> int:
        """Most bytes of a request's head."""
        return self.request_line + self.headers


def with_files(bounds: Bounds) -> Bounds:
    """Raises the process's limit of open files for these connections as far as possible. If it stays too low, returns
    bounds with fewer connections: without files, a process can neither accept nor reach its database."""
    wanted = bounds.connections + FILES_BESIDE
    soft, hard = getrlimit(RLIMIT_NOFILE)
    if soft != RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == RLIM_INFINITY else min(wanted, hard)
        setrlimit(RLIMIT_NOFILE, (soft, hard))
        if soft < wanted:
            _log.warning("lowered connections: open files are limited", files=soft)
            return replace(bounds, connections=max(soft - FILES_BESIDE, soft // 4))
    return bounds
