"""Reads returned mails without a machine report: text for people, as qmail, Exim and Sendmail write it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.notify.domain.returned_mail import Returned

_SERVER: Final = re.compile(r"(?i)\b(?:mailer-?daemon|mail-?daemon|mdaemon|postmaster|mail delivery (?:sub)?system)\b")
_COPY: Final = re.compile(
    r"(?mi)^[ \t>]{0,8}(?:-{2,}[^\n]{0,40}(?:copy of|original message|message header|returned message|원본|원문"
    r"|元のメッセージ)|(?:received|return-path|message-id|dkim-signature|mime-version):\s)"
)
_GIVEN_UP: Final = re.compile(
    r"permanent(?:ly)?\b|giv(?:en|ing) up|not going to try again|영구|더 이상 시도하지 않",
    re.IGNORECASE,
)
_FAILED: Final = re.compile(
    r"(?:could not|couldn't|cannot|can't|unable to|not able to|wasn't able to|failed to) (?:be )?deliver"
    r"|undeliver(?:able|ed)"
    r"|deliver\w* (?:to the following \w+ )?(?:has |have )?failed|returned to sender|failure notice"
    r"|반송|(?:전송|배달|발송|전달)(?:에|을|이)? ?(?:실패|불가)"
    r"|(?:전송|배달|발송|전달)(?:되지|하지|할 수|될 수) ?(?:못|않|없)"
    r"|(?:送信|配信|配達)(?:でき|不能|エラー|に失敗)",
    re.IGNORECASE,
)
_DELAYED: Final = re.compile(
    r"not yet been delivered|been delayed|delayed (?:for )?\d|no action is required|attempts will continue"
    r"|will (?:be retried|retry|continue|keep|try)|still (?:being|trying)|do not need to resend|지연|다시 시도할"
    r"|재시도할",
    re.IGNORECASE,
)
_REFUSED: Final = re.compile(r"(?m)(?<![\w.])(?:5\.\d{1,3}\.\d{1,3}|55[0-6](?=[ -]))(?![\w.]*\d)")
_ADDRESS: Final = re.compile(r"[^\s<>()\[\]\"',;:=]{1,64}@[^\s<>()\[\]\"',;:=]{1,255}")
_RECIPIENT: Final = re.compile(r"[ \t]{0,8}<?([^\s<>:;,()]{1,64}@[^\s<>:;,()]{1,255})>?(?:$|:|[ \t]+(?=\())(.*)")


@dataclass(frozen=True, slots=True)
class TextReport:
    """What the text says about one or more recipients."""

    final: bool
    recipients: tuple[str, ...]
    words: str


def text_reports(mail: Returned) -> Iterator[TextReport]:
    """The reports in a mail server's text; empty if no server wrote it, or if it reports no failure or delay."""
    text = _COPY.split("\n".join(mail.texts), maxsplit=1)[0]
    whole = f"{mail.headers.get('Subject', '')}\n{text}"
    delayed = _DELAYED.search(whole) is not None and not _GIVEN_UP.search(whole)
    if not _of_a_server(mail, text) or not (
        delayed or any(pattern.search(whole) for pattern in (_GIVEN_UP, _FAILED, _REFUSED))
    ):
        return
    blocks = list(_blocks(text))
    if not blocks:
        named = f"{mail.headers.get('X-Failed-Recipients', '')} {text}"
        blocks = [(tuple(set(_ADDRESS.findall(named))), text)]
    for recipients, words in blocks:
        yield TextReport(not delayed, recipients, words.strip() or text)


def _of_a_server(mail: Returned, text: str) -> bool:
    headers = mail.headers
    return (
        mail.kind in {"", "delivery-status"}
        and str(headers.get("Auto-Submitted", "")).strip().lower() != "no"
        and (
            _SERVER.search(str(headers.get("From", ""))) is not None
            or str(headers.get("Return-Path", "")).strip() == "<>"
            or headers.get("X-Failed-Recipients") is not None
            or "qmail-send program" in text
        )
    )


def _blocks(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Blocks of an address line and the text below it, up to an empty line."""
    recipient, words = None, list[str]()
    for line in (*text.split("\n"), ""):
        match = _RECIPIENT.fullmatch(line)
        if recipient and (match or not line.strip()) and any(words):
            yield (recipient,), "\n".join(words)
            recipient = None
        if match:
            recipient, words = match.group(1), [match.group(2).strip()]
        elif recipient:
            words.append(line.strip())
    if recipient:
        yield (recipient,), ""
