"""What a returned mail says (RFC 3464, 3461): which notice, and whether the address is no more."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Final

_DELIVERY: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_NO_MAILBOX: Final = re.compile(r"5\.1\.(0|1|2|3|6|10)|5\.2\.1")
"""Bad destination, or a mailbox that is disabled (RFC 3463). A full one (5.2.2) or a refused content (5.7) says nothing
of the address."""


class UnreadableBounceError(ValueError):
    """No report of a delivery, or none of ours; the message says what is missing."""

    code = "unreadable-bounce"


@dataclass(frozen=True, slots=True)
class Bounce:
    """`status`: of RFC 3463, such as 5.1.1."""

    delivery: str
    status: str

    @property
    def final(self) -> bool:
        return self.status.startswith("5")

    @property
    def address_is_gone(self) -> bool:
        return _NO_MAILBOX.fullmatch(self.status) is not None


def bounce(content: bytes) -> Bounce:
    """Of the whole returned mail. Its delivery is in the address it came back to, else in the id of the mail it
    returns. Raises UnreadableBounceError."""
    message = message_from_bytes(content)
    parts = list(message.walk())
    reports = [part for part in parts if part.get_content_type() == "message/delivery-status"]
    if not reports:
        raise UnreadableBounceError("it holds no message/delivery-status: give the whole returned mail")
    status = _status(reports)
    if status is None:
        raise UnreadableBounceError("its report has no Status of an Action: failed")
    for text in _named(message, parts):
        found = _DELIVERY.search(text)
        if found:
            return Bounce(found.group(), status)
    raise UnreadableBounceError("neither the address it came back to nor the mail it returns names a notice")


def _status(reports: list[Message]) -> str | None:
    fields = [group for report in reports for group in report.get_payload() if isinstance(group, Message)]
    for group in fields:
        if (group.get("Action") or "").strip().lower() in {"failed", "delayed"}:
            found = _STATUS.search(group.get("Status") or "")
            if found:
                return found.group()
    return None


def _named(message: Message, parts: list[Message]) -> Iterator[str]:
    """Where a notice's id may stand, the surest first."""
    for name in ("To", "Delivered-To", "X-Original-To", "X-Envelope-To"):
        yield from map(str, message.get_all(name, ()))
    for part in parts:
        if part is not message and part.get("Message-ID"):
            yield str(part["Message-ID"])
        if part.get_content_type() == "text/rfc822-headers":
            yield from re.findall(r"(?mi)^message-id:.*$", str(part.get_payload()))
