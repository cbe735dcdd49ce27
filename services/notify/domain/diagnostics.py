"""Reads what a mail server's words say about an address: a Diagnostic-Code (RFC 3464) or a session's answer (RFC 5321).

The status (RFC 3463) often comes from another server than the one that refused, and servers use 5.1.1 for full
mailboxes and blocklisted senders too. So an address is given up only if status and words agree, and the words are
known.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from services.notify.domain.refusal_words import (
    OF_THE_MOMENT,
    OF_US,
    agrees,
    no_such_mailbox,
    of_a_domain,
    speaks_against,
)
from shared.programme.mail_addresses import UnmailableError, mailable

LONGEST_ANSWER: Final = 4_000
UNDEFINED: Final = "5.0.0"
_GONE: Final = re.compile(r"5\.1\.(1|2|3|6|10)|5\.2\.1")
"""Bad mailbox or host, bad address syntax, moved, a host that accepts no mail (RFC 7505), a mailbox disabled for good.
Not 5.1.0, *other address status*, which servers use about senders."""
_STATUS: Final = re.compile(r"(?<![\w.])[245]\.\d{1,3}\.\d{1,3}(?![\w]|\.\d)")
_REPLY: Final = re.compile(r"(?<![\w.])[245][0-5]\d(?=[\s#-]|$)")
_NO_MAILBOX_REPLIES: Final = frozenset({"550", "551", "553", "554", "556"})
_ADDRESS: Final = re.compile(r"[^\s<>()\[\]\"',;:=]{1,128}@[^\s<>()\[\]\"',;:=]{1,255}")
_HOST: Final = re.compile(
    r"(?<![\w/.-])(?:[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}|[A-Z0-9-]{1,63}(?:\.[A-Z0-9-]{1,63}){1,8})(?![\w/-])"
)
_MAILBOX: Final = "mailbox"
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WHOM_TO_ASK: Final = ("postmaster@", "hostmaster@")
_SIGNS: Final = re.compile(r"(?:[^\w']|_)+")
_TYPE: Final = re.compile(r"\A\s*[A-Za-z0-9-]{1,40}\s*;")


class Judgement(StrEnum):
    """Whether the address still exists, as far as the report tells."""

    GONE = "gone"
    STANDS = "stands"
    """The status already says that something else failed."""
    CONTRADICTED = "contradicted"
    """Status and words contradict each other: one says that the address is gone, the other that it is not."""
    UNCLEAR = "unclear"
    """The status says that the address is gone; the words do not say why."""
    ELSEWHERE = "elsewhere"
    """The report is about another address than the one that was mailed."""


DOUBTFUL: Final = frozenset({Judgement.CONTRADICTED, Judgement.UNCLEAR, Judgement.ELSEWHERE})


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """A server's answer, parsed. `statuses` and `replies` keep their order; `words` are lower case, without host names,
    and with `mailbox` in place of each address."""

    statuses: tuple[str, ...]
    replies: tuple[str, ...]
    addresses: frozenset[str]
    hosts: frozenset[str]
    words: str

    @property
    def wordless(self) -> bool:
        """True if there are no words but an address."""
        return set(self.words.split()) <= {_MAILBOX}

    @property
    def of_us(self) -> bool:
        """It is about our sender, server or mail: the same mail may pass once that is mended."""
        return OF_US.search(self.words) is not None

    @property
    def of_the_moment(self) -> bool:
        """It is about a rate, load or greylisting: the same mail may pass later."""
        return OF_THE_MOMENT.search(self.words) is not None

    @property
    def status(self) -> str | None:
        """The first defined status, else one derived from reply and words (RFC 5321, 4.2.2); None if there is none."""
        for status in self.statuses:
            if status != UNDEFINED:
                return status
        reply = self.replies[0] if self.replies else None
        if (reply is None or reply in _NO_MAILBOX_REPLIES) and no_such_mailbox(self.words):
            return "5.1.1"
        if reply == "552":
            return "5.2.2"
        return f"{reply[0]}.0.0" if reply else next(iter(self.statuses), None)


def server_answer(text: str) -> ServerAnswer:
    """Parses an answer or a Diagnostic-Code, with or without its type in front."""
    text = unicodedata.normalize("NFKC", _TYPE.sub("", text[:LONGEST_ANSWER], count=1)).replace("’", "'")
    addresses = frozenset(plain(address.rstrip(".…")) for address in _ADDRESS.findall(text))
    bare = _ADDRESS.sub(f" {_MAILBOX} ", text)
    statuses, replies = _STATUS.findall(bare), _REPLY.findall(bare)
    bare = _REPLY.sub(" ", _STATUS.sub(" ", bare))
    hosts = frozenset(host.lower() for host in _HOST.findall(bare) if not host.rpartition(".")[2].isdigit())
    bare = _HOST.sub(" ", bare)
    words = _SIGNS.sub(" ", _CAMEL.sub(" ", bare)).strip(" '").casefold()
    return ServerAnswer(tuple(statuses), tuple(replies), addresses, hosts, words)


def decisive_status(status: str | None, answer: ServerAnswer) -> str | None:
    """The report's `status`; if it is missing or *undefined*, the one of the words."""
    return status if status not in {None, UNDEFINED} else answer.status or status


def judged(status: str | None, answer: ServerAnswer, address: str) -> Judgement:
    """Judges whether `address`, the one that was mailed, still exists."""
    decisive = decisive_status(status, answer)
    if decisive is None or not _GONE.fullmatch(decisive):
        gone = (decisive or "").startswith("5") and no_such_mailbox(answer.words)
        return Judgement.CONTRADICTED if gone else Judgement.STANDS
    if any(named != plain(address) and not named.startswith(_WHOM_TO_ASK) for named in answer.addresses):
        return Judgement.ELSEWHERE
    others = (other for other in answer.statuses if other != UNDEFINED and not _GONE.fullmatch(other))
    if any(others) or any(reply not in _NO_MAILBOX_REPLIES for reply in answer.replies):
        return Judgement.CONTRADICTED
    domain = plain(address).rpartition("@")[2]
    foreign = any(host != domain and not host.endswith(f".{domain}") for host in answer.hosts)
    if speaks_against(answer.words) or (foreign and of_a_domain(answer.words)):
        return Judgement.CONTRADICTED
    return Judgement.GONE if answer.wordless or agrees(answer.words) else Judgement.UNCLEAR


@lru_cache(maxsize=1024)
def plain(address: str) -> str:
    """The form in which addresses are compared: lower case, the domain as in DNS."""
    bare = unicodedata.normalize("NFC", address.strip().strip("<>").strip())
    try:
        return mailable(bare).lower()
    except UnmailableError:
        return bare.casefold()
