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
    """`status`: of RFC 3463, such as 5.1.1. `final`: by the report's action, whatever the status: a server that gives
    up after days says `failed` and 4.4.7."""

    delivery: str
    status: str
    final: bool

    @property
    def address_is_gone(self) -> bool:
        return self.final and _NO_MAILBOX.fullmatch(self.status) is not None


def bounce(content: bytes) -> Bounce:
    """Of the whole returned mail. Its delivery is in the address it came back to, else in the id of the mail it
    returns. Raises UnreadableBounceError."""
    try:
        message = message_from_bytes(content)
        parts = list(message.walk())
    except RecursionError:
        raise UnreadableBounceError("it holds mails within mails within mails") from None
    reports = [part for part in parts if part.get_content_type() == "message/delivery-status"]
    if not reports:
        raise UnreadableBounceError("it holds no message/delivery-status: give the whole returned mail")
    told = _status(reports)
    if told is None:
        raise UnreadableBounceError("its report has no Status of an Action: failed or delayed")
    for text in _named(message, parts):
        found = _DELIVERY.search(text)
        if found:
            return Bounce(found.group(), *told)
    raise UnreadableBounceError("neither the address it came back to nor the mail it returns names a notice")


def _status(reports: list[Message]) -> tuple[str, bool] | None:
    """And whether it is final."""
    fields = [group for report in reports for group in report.get_payload() if isinstance(group, Message)]
    for group in fields:
        action = str(group.get("Action") or "").strip().lower()
        found = _STATUS.search(str(group.get("Status") or ""))
        if found and action in {"failed", "delayed"}:
            return found.group(), action == "failed"
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
