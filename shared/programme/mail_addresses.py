"""Mail addresses we accept: plain atoms before the @ (RFC 5322, 3.2.3), a DNS name after it."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from shared.contracts.values import LONGEST_EMAIL, Email

_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*+")
_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LONGEST_LOCAL: Final = 64
WrittenEmail = Annotated[
    str, StringConstraints(min_length=3, max_length=LONGEST_EMAIL, pattern=r"^[^\s\x00]+@[^\s\x00]+$")
]
"""For searching: also addresses that are no longer accepted."""


class UnmailableError(ValueError):
    """No mail server accepts the address; the message says why."""

    code = "unmailable"


def mailable(address: str) -> str:
    """The address in the form mail servers accept: a non-ASCII domain in IDNA. Raises UnmailableError."""
    local, _, domain = address.rpartition("@")
    if len(local) > _LONGEST_LOCAL:
        raise UnmailableError(f"before the @ stand more than {_LONGEST_LOCAL} characters")
    if not _LOCAL.fullmatch(local):
        raise UnmailableError("before the @ may stand letters, digits, and of signs what no address has to quote")
    try:
        written = domain.encode("idna").decode()
    except UnicodeError as error:
        raise UnmailableError("after the @ stands no name of a mail server") from error
    labels = written.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise UnmailableError("after the @ stands no name of a mail server")
    if len(local) + 1 + len(written) > LONGEST_EMAIL:
        raise UnmailableError(f"it is longer than {LONGEST_EMAIL} characters, its domain as the DNS has it")
    return f"{local}@{written}"


def _checked(address: str) -> str:
    try:
        mailable(address)
    except UnmailableError as error:
        raise PydanticCustomError("address_invalid", "no mail goes there: {why}", {"why": str(error)}) from error
    return address


MailableEmail = Annotated[Email, AfterValidator(_checked)]
"""An address that routes accept, to which notify can send."""
