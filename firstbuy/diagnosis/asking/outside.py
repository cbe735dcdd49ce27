"""The mail server and registries, spoken to without a password and without a key; and where documents are kept."""

import asyncio
import io
import secrets
import ssl
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from aiosmtplib import SMTP, SMTPException

from firstbuy.diagnosis.outside import Reached
from services.intake.adapters.documents.object_store import store_of
from services.intake.settings import DocumentStoreSettings
from shared.service.mail_server import MailServerAddress

_SECONDS: Final = 10.0
_STORE_SECONDS: Final = 60.0


async def mail_server(address: MailServerAddress) -> Reached:
    """EHLO, after TLS where the scheme asks for it. Nobody logs in."""
    named = f"{address.scheme}://{address.host}:{address.port}"
    client = SMTP(
        hostname=address.host,
        port=address.port,
        use_tls=address.scheme == "smtps",
        start_tls=address.scheme == "smtp+starttls",
        timeout=_SECONDS,
    )
    try:
        await client.connect()
        await client.ehlo()
        offers, ends_at = client.supports_extension("starttls"), _end(client.get_transport_info("ssl_object"))
        await client.quit()
    except (SMTPException, OSError) as error:
        return Reached(named, fault=str(error) or type(error).__name__)
    finally:
        client.close()
    return Reached(named, ends_at=ends_at, offers_tls=offers)


async def document_store(settings: DocumentStoreSettings) -> Reached:
    """Writes, reads and deletes an object of our own."""
    named, probe = settings.document_store, secrets.token_bytes(64)
    name, store = f"probe/{secrets.token_hex(16)}", store_of(settings)
    try:
        async with asyncio.timeout(_STORE_SECONDS):
            await store.put(name, io.BytesIO(probe))
            read = b"".join([piece async for piece in await store.get(name)])
            await store.delete(name)
    except TimeoutError:
        return Reached(named, fault=f"does not answer within {_STORE_SECONDS:.0f} seconds")
    except (OSError, LookupError) as error:
        return Reached(named, fault=f"{type(error).__name__}: {error}")
    return Reached(named, fault="" if read == probe else "gives other bytes than it was given")


async def registry(url: str) -> Reached:
    """The first page of its host, whatever it answers: it is reached as a service reaches it, proxies included."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    named = f"{parts.scheme}://{host}"
    try:
        async with httpx2.AsyncClient(timeout=_SECONDS) as client, client.stream("GET", f"{named}/") as answer:
            return Reached(named, ends_at=_end(_shown(answer)))
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Reached(named, fault=str(error) or type(error).__name__)


def _shown(answer: httpx2.Response) -> Any:
    stream = answer.extensions.get("network_stream")
    return stream.get_extra_info("ssl_object") if stream is not None else None


def _end(tls: Any) -> datetime | None:
    """The end of the certificate that was shown, and believed; None without TLS."""
    if tls is None:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(tls.getpeercert()["notAfter"]), UTC)
