"""Reads returned mails: which delivery it is, whether that has failed, and whether the address is gone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.notify.domain.diagnostics import (
    UNDEFINED,
    Judgement,
    ServerAnswer,
    decisive_status,
    judged,
    plain,
    server_answer,
)
from services.notify.domain.plain_bounces import text_reports
from services.notify.domain.refusal_words import speaks_against
from services.notify.domain.returned_mail import Returned, groups, returned

_NAMED: Final = re.compile(
    r"(?i)(?<![0-9a-f])([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:-([0-9a-f]{12}))?(?![0-9a-f-])"
)
_MESSAGE_ID: Final = re.compile(r"(?mi)^message-id:\s{0,20}([^\n]{1,400})$")
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_POINT: Final = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_XTEXT: Final = re.compile(r"\+([0-9A-F]{2})")
_ARRIVED_AT: Final = ("To", "Delivered-To", "X-Original-To", "X-Envelope-To", "Envelope-To", "X-Delivered-To")
FAILED, DELAYED = "failed", "delayed"


class UnreadableBounceError(ValueError):
    """The mail is no delivery report, or not about a mail of ours; the message says what is missing."""

    code = "unreadable-bounce"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientReport:
    """The report about one recipient. `recipients`: the forms its address may have; empty if none is named."""

    final: bool
    """Set by the report's action, not its status: a server that gives up after days reports `failed` and 4.4.7."""
    recipients: frozenset[str]
    status: str | None
    answer: ServerAnswer
    words: str
    beside: str = ""
    """The mail's text for people, used if the report itself has no words."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the report means for the address. `status`: RFC 3463, such as 5.1.1. `words`: the server's own."""

    status: str
    final: bool
    judgement: Judgement
    words: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """A returned mail. `tag`: proves that it returned to the envelope sender of this delivery; None if it has none."""

    delivery: str
    tag: str | None
    reports: tuple[RecipientReport, ...]

    def about(self, address: str | None) -> Finding:
        """What the report says about `address`, the one that was mailed; None if it is not known any more."""
        ours = plain(address) if address else None
        report = min(self.reports, key=lambda each: (ours not in each.recipients, not each.final))
        status = decisive_status(report.status, report.answer) or (UNDEFINED if report.final else "4.0.0")
        if address is None or not report.final:
            return Finding(status, report.final, Judgement.STANDS, report.words)
        judgement = judged(report.status, report.answer, address)
        if judgement is Judgement.GONE and speaks_against(server_answer(report.beside).words):
            judgement = Judgement.CONTRADICTED
        if judgement is not Judgement.STANDS and ours not in report.recipients:
            judgement = Judgement.ELSEWHERE
        return Finding(status, report.final, judgement, report.words)


def bounce(content: bytes) -> Bounce:
    """Reads a whole returned mail. The delivery's id is in the address it returned to, else in the id of the original
    mail. Raises UnreadableBounceError."""
    try:
        mail = returned(content)
    except RecursionError:
        raise UnreadableBounceError("it holds parts within parts within parts") from None
    if mail.reports:
        recipients = tuple(_reports(mail))
        if not recipients:
            raise UnreadableBounceError("its report names no recipient with Action: failed or delayed")
    else:
        recipients = tuple(
            RecipientReport(
                final=report.final,
                recipients=frozenset(map(plain, report.recipients)),
                status=None,
                answer=server_answer(report.words),
                words=report.words,
            )
            for report in text_reports(mail)
        )
        if not recipients:
            raise UnreadableBounceError(
                "it holds no message/delivery-status, and is no text of a mail server that gave up or waits"
            )
    for text in _naming(mail):
        match = _NAMED.search(text)
        if match:
            return Bounce(match.group(1).lower(), match.group(2) and match.group(2).lower(), recipients)
    raise UnreadableBounceError("neither the address it came back to nor the mail it returns names a notice")


def _reports(mail: Returned) -> Iterator[RecipientReport]:
    text = "\n".join(mail.texts)
    for fields in (group for report in mail.reports for group in groups(report)):
        words = " ".join(fields.get("diagnostic-code", ()))
        written = " ".join(fields.get("status", ()))
        match = _STATUS.search(written)
        status = match.group() if match else None
        answer = server_answer(words)
        action = (" ".join(fields.get("action", ())).lower().split() or [""])[0].rstrip(";(")
        if not action and not {"final-recipient", "original-recipient"}.isdisjoint(fields):
            action = FAILED if (status or answer.status or "").startswith("5") else ""
        if action in {FAILED, DELAYED}:
            yield RecipientReport(
                final=action == FAILED,
                recipients=_recipients(fields),
                status=status,
                answer=answer,
                words=words,
                beside=text if answer.wordless else "",
            )


def _recipients(fields: dict[str, list[str]]) -> frozenset[str]:
    """The final recipient, or the original one if the final is no address: mail may have been forwarded."""
    for name, encoded in (("final-recipient", False), ("original-recipient", True)):
        for value in fields.get(name, ()):
            kind, semicolon, address = value.partition(";")
            if not semicolon:
                kind, address = "rfc822", value
            if kind.strip().lower() in {"rfc822", "utf-8"} and "@" in address:
                return _meant(re.sub(r"\([^()]{0,200}\)", "", address), encoded=encoded)
    return frozenset()


def _meant(address: str, *, encoded: bool) -> frozenset[str]:
    """The forms of an address: RFC 6533 escapes resolved, and `encoded` also with xtext decoded (RFC 3461)."""
    written = {_POINT.sub(_character, address)}
    if encoded:
        written |= {_XTEXT.sub(lambda match: chr(int(match.group(1), 16)), address) for address in written}
    return frozenset(map(plain, written))


def _character(match: re.Match[str]) -> str:
    point = int(match.group(1), 16)
    return chr(point) if point < 0x110000 else match.group()


def _naming(mail: Returned) -> Iterator[str]:
    """Texts that may contain the delivery's id, the most reliable first."""
    for name in _ARRIVED_AT:
        yield from map(str, mail.headers.get_all(name, ()))
    for original in (*mail.originals, *mail.texts):
        yield from _MESSAGE_ID.findall(re.sub(r"\n[ \t]+", " ", original))
    for name in ("In-Reply-To", "References"):
        yield from map(str, mail.headers.get_all(name, ()))
