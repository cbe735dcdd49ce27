"""What ends by its date and would stop a service: certificates that it trusts or is shown.

Bearer tokens and signing keys have no date: they end by an act, at once, and so are not here.
"""

import asyncio
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import structlog
from cryptography import x509

from shared.service.settings import ServiceSettings

KINDS: Final = ("kafka-authority", "kafka-broker", "database-authority", "timestamp-authority")
_SECONDS: Final = 5.0
_log = structlog.get_logger()


async def seconds_left(settings: ServiceSettings) -> Mapping[str, float]:
    """By kind, the seconds until the earliest ends: negative once it has, infinite if none is used. Without kinds that
    can't be seen now."""
    query = parse_qs(urlsplit(str(settings.newest().database_url)).query)
    files = {
        "kafka-authority": settings.kafka.ssl_ca_file,
        "database-authority": query.get("sslrootcert", [""])[0],
        "timestamp-authority": getattr(settings, "timestamp_ca_file", ""),
    }
    unseen: set[str] = set()
    ends = {kind: _earliest(Path(name).read_bytes()) for kind, name in files.items() if name and Path(name).exists()}
    if "SSL" in settings.kafka.security_protocol:
        shown = [end for address in _addresses(settings) if (end := await _shown(address)) is not None]
        if not shown:
            unseen.add("kafka-broker")
        ends["kafka-broker"] = min(shown, default=None)
    now = datetime.now(UTC)
    left = {kind: inf if (end := ends.get(kind)) is None else (end - now).total_seconds() for kind in KINDS}
    return {kind: seconds for kind, seconds in left.items() if kind not in unseen}


def _earliest(pem: bytes) -> datetime | None:
    return min((each.not_valid_after_utc for each in x509.load_pem_x509_certificates(pem)), default=None)


def _addresses(settings: ServiceSettings) -> list[tuple[str, int]]:
    parts = [each.strip().rpartition(":") for each in settings.kafka.bootstrap_servers.split(",")]
    return [(host.strip("[]"), int(port)) for host, _, port in parts]


async def _shown(address: tuple[str, int]) -> datetime | None:
    """The end of the certificate that a broker shows, valid or not: nothing is said to it. None: not to be had."""
    looking = ssl.create_default_context()
    looking.check_hostname, looking.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(*address, ssl=looking)
    except (OSError, ssl.SSLError, TimeoutError) as error:
        _log.warning("can't see a broker's certificate", error=type(error).__name__)
        return None
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(shown).not_valid_after_utc if shown else None
    finally:
        writer.close()
