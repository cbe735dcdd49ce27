"""What the deployment asks of others: the mail server, registries, and the store of documents."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from firstbuy.diagnosis.check import Check, certificate, not_asked, right, wrong

SMTP: Final = "FIRSTBUY_NOTIFY_SMTP_URL"
REGISTRIES: Final = (
    "FIRSTBUY_INTAKE_IDENTITY_URL",
    "FIRSTBUY_ELIGIBILITY_BUSINESS_STATUS_URL",
    "FIRSTBUY_ELIGIBILITY_CERTIFICATES_URL",
)
STORE: Final = "FIRSTBUY_INTAKE_DOCUMENT_STORE"
_HERE: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Reached:
    """A server that was spoken to. `fault`: why it could not be, else empty. `ends_at`: of its certificate, where it
    showed one. `offers_tls`: of a mail server that was spoken to without."""

    address: str
    fault: str = ""
    ends_at: datetime | None = None
    offers_tls: bool = False


def compare_mail(found: Reached | None, scheme: str, now: datetime) -> Check:
    """`scheme`: as notify is told to speak to it."""
    if found is None:
        return not_asked("mail", f"{SMTP} is not set here")
    subject = f"mail by {found.address}"
    if found.fault:
        return wrong(subject, found.fault, f"{SMTP}; docs/runbooks.md, Mail blocked")
    if found.ends_at is not None:
        return certificate(subject, found.ends_at, now)
    if found.offers_tls and scheme == "smtp":
        return wrong(subject, "it offers STARTTLS, and nobody insists on it", f"{SMTP}=smtp+starttls://…")
    return right(subject, "answers EHLO, without TLS")


def compare_store(found: Reached | None) -> Check:
    """Where documents are kept."""
    if found is None:
        return not_asked("documents", f"{STORE} is not set here")
    subject = f"documents in {found.address}"
    if found.fault:
        return wrong(
            subject, found.fault, f"{STORE} and FIRSTBUY_INTAKE_DOCUMENT_S3_…; docs/runbooks.md, Documents full or away"
        )
    return right(subject, "takes, gives and deletes a probe")


def compare_registry(variable: str, found: Reached | None, now: datetime) -> Check:
    """A key goes to it with each question, so it takes TLS, but on this machine."""
    if found is None:
        return not_asked(variable, "it is not set here")
    subject = f"{variable}, {found.address}"
    if found.fault:
        return wrong(subject, found.fault, f"{variable}; docs/runbooks.md, Registry away")
    if found.ends_at is not None:
        return certificate(subject, found.ends_at, now)
    if urlsplit(found.address).hostname not in _HERE:
        return wrong(subject, "keys and questions go to it without TLS", f"{variable}=https://…")
    return right(subject, "answers, on this machine")
