"""What a mail server's own words say of an address: a Diagnostic-Code (RFC 3464), an answer in a session (RFC 5321).

A status (RFC 3463) is often given by another server than the one that refused, and 5.1.1 is said of full mailboxes and
of senders on a blocklist. So an address is given up only where status and words agree, and the words are known.
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
"""Bad mailbox or host, an address of no form, moved, a host that takes no mail (RFC 7505), a mailbox disabled for good.
Not 5.1.0, *other address status*: servers say it of senders."""
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
    GONE = "gone"
    STANDS = "stands"
    """What failed is something else, by the status already."""
    CONTRADICTED = "contradicted"
    """Either the status or the words say that the address is no more; the other says that something else is wrong."""
    UNCLEAR = "unclear"
    """So does it, with words that do not say why."""
    ELSEWHERE = "elsewhere"
    """It is about another address than the one that was mailed."""


DOUBTFUL: Final = frozenset({Judgement.CONTRADICTED, Judgement.UNCLEAR, Judgement.ELSEWHERE})


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """`statuses` and `replies` in their order; `words` in lower case, without names of hosts, and `mailbox` for each
    address."""

    statuses: tuple[str, ...]
    replies: tuple[str, ...]
    addresses: frozenset[str]
    hosts: frozenset[str]
    words: str

    @property
    def wordless(self) -> bool:
        return set(self.words.split()) <= {_MAILBOX}

    @property
    def of_us(self) -> bool:
        """Of our sender, server or mail: the same mail may pass when that is mended."""
        return OF_US.search(self.words) is not None

    @property
    def of_the_moment(self) -> bool:
        """Of a rate, a load, a first meeting: the same mail may pass later."""
        return OF_THE_MOMENT.search(self.words) is not None

    @property
    def status(self) -> str | None:
        """The first that says anything, else what reply and words come to (RFC 5321, 4.2.2); None if nothing."""
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
    """Of an answer or a Diagnostic-Code, with its type before it or without."""
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
    """`status`: of the report, if it has one; where that is none or *undefined*, that of the words."""
    return status if status not in {None, UNDEFINED} else answer.status or status


def judged(status: str | None, answer: ServerAnswer, address: str) -> Judgement:
    """`address`: the one that was mailed."""
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
    """As two addresses are compared: lower case, the domain as the DNS has it."""
    bare = unicodedata.normalize("NFC", address.strip().strip("<>").strip())
    try:
        return mailable(bare).lower()
    except UnmailableError:
        return bare.casefold()
