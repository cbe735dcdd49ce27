"""A claimed delivery becomes a mail: the values of its template, its headers, its bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final

from services.notify.domain.explanation import explain
from services.notify.rendering import Rendered, Renderer, one_line
from services.notify.storage.deliveries import Addressee, Claimed
from shared.contracts.events import Language
from shared.contracts.findings import Finding, FindingOutcome, Unit

APPEAL_DAYS: Final = 30  # 행정기본법 §36: filed within 30 days of the notice
ANSWER_DAYS: Final = 14  # answered within 14
EXTENSION_DAYS: Final = 10  # and ten more once


class UnusableAddressError(ValueError):
    """The contact's address is none that a mail server could take."""

    code = "address-invalid"


@dataclass(frozen=True, slots=True)
class Sender:
    name: str
    address: str
    domain: str

    def message_id(self, delivery: str) -> str:
        """The same for every attempt of a delivery, so that a repeat shows as one."""
        return f"<{delivery}@{self.domain}>"


@dataclass(frozen=True, slots=True)
class Mail:
    recipient: str
    content: bytes


class Composer:
    def __init__(self, renderer: Renderer, sender: Sender) -> None:
        self._renderer = renderer
        self._sender = sender
        self._from = str(Address(sender.name, addr_spec=sender.address))

    def compose(
        self,
        claimed: Claimed,
        addressee: Addressee,
        institutions: Mapping[str, str],
        now: datetime,
        traceparent: str | None,
    ) -> Mail:
        """Raises UnusableAddressError. `now` is real; what the notice states of time is the programme's."""
        delivery = claimed.delivery
        language = Language(addressee.language)
        to = address_of(addressee)
        values = values_of(claimed, addressee, institutions, delivery.time_map.programme(now))
        rendered = self._renderer.render(delivery.kind, language, values)
        message = EmailMessage(policy=SMTP)
        message["From"] = self._from
        message["To"] = to
        message["Subject"] = rendered.subject
        message["Date"] = format_datetime(now.astimezone(UTC))
        message["Message-ID"] = self._sender.message_id(delivery.id)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message["List-Id"] = f"<{delivery.kind}.{delivery.round}.{self._sender.domain}>"
        message["Content-Language"] = language.value
        if traceparent:
            message["traceparent"] = traceparent
        _add_bodies(message, rendered)
        return Mail(to.addr_spec, message.as_bytes())


def address_of(addressee: Addressee) -> Address:
    """Names may be anything; an address is ASCII, its domain in IDNA where it is not."""
    try:
        local, at, domain = addressee.email.rpartition("@")
        address = Address(one_line(addressee.name), addr_spec=f"{local}{at}{domain.encode('idna').decode()}")
        address.addr_spec.encode("ascii")
    except (ValueError, IndexError, HeaderParseError) as error:
        raise UnusableAddressError("the contact's address can't be used") from error
    if not at or any(character <= " " or character == "\x7f" for character in address.addr_spec):
        raise UnusableAddressError("the contact's address can't be used")
    return address


def values_of(claimed: Claimed, addressee: Addressee, institutions: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """All that a template may name. What an event states of itself goes before what is known of the application."""
    language = Language(addressee.language)
    return {
        "product": claimed.product,
        **claimed.delivery.facts,
        "language": language,
        "name": addressee.name,
        "round": claimed.delivery.round,
        "round_title": claimed.round_title[language.value],
        "application": claimed.delivery.subject,
        "delivery": claimed.delivery.id,
        "findings": [explain(finding_of(stated), language) for stated in claimed.findings or ()],
        "institutions": institutions,
        "noticed_at": now,
        "appeal_until": now + timedelta(days=APPEAL_DAYS),
        "appeal_days": APPEAL_DAYS,
        "answer_days": ANSWER_DAYS,
        "extension_days": EXTENSION_DAYS,
    }


def finding_of(stated: Mapping[str, Any]) -> Finding:
    return Finding(
        rule=stated["rule"],
        legal_source=stated["legal_source"],
        outcome=FindingOutcome(stated["outcome"]),
        seen=stated["seen"],
        needed=stated["needed"],
        margin=stated["margin"],
        unit=Unit(stated["unit"]) if stated["unit"] else None,
    )


def _add_bodies(message: EmailMessage, rendered: Rendered) -> None:
    """Both bodies in base64: short lines and plain ASCII, which every server on the way can carry."""
    message.set_content(rendered.text, cte="base64")
    message.add_alternative(rendered.html, subtype="html", cte="base64")
