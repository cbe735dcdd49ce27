"""How many mails go to applicants, so that whoever enters the addresses of others can't flood them through us.

Beyond a rate nothing is lost and nothing is refused: what is due to one address goes there in one mail, when there is
room for it again. What is counted are mails that are taken up, over windows that begin with the first of them:

- of a mailbox, whatever is written behind a plus in it: whoever has thirty entries is not mailed thirty times;
- of a domain, since one office reads all of a firm's addresses. Not of public mail providers, at which each address is
  another person's: at a deadline thousands of them apply within minutes, and all are told at once;
- of the network that the entries were sent from, where intake could tell it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

LONGEST: Final = 100
"""Notices in one mail at most; those behind them go in the next."""
_DOTLESS: Final = frozenset({"gmail.com", "googlemail.com"})
"""Dots before the @ mean nothing there."""


class Scope(StrEnum):
    MAILBOX_HOUR = "mailbox-hour"
    MAILBOX_DAY = "mailbox-day"
    DOMAIN_HOUR = "domain-hour"
    NETWORK_HOUR = "network-hour"


_LENGTH: Final = {
    Scope.MAILBOX_HOUR: timedelta(hours=1),
    Scope.MAILBOX_DAY: timedelta(days=1),
    Scope.DOMAIN_HOUR: timedelta(hours=1),
    Scope.NETWORK_HOUR: timedelta(hours=1),
}
Key = tuple[Scope, str]
"""Whose mails are counted: a mailbox, a domain, or a network as intake names it. Stored by keyed hash."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Most mails of each scope; what is not in it has no limit. `providers`: domains that are not counted."""

    most: Mapping[Scope, int]
    providers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ready:
    """A mail that is due to an applicant. `address` by hash; `network` as intake names it."""

    delivery: str
    address: str
    email: str
    network: str | None
    patient: bool


@dataclass(frozen=True, slots=True)
class Used:
    """Mails of a window, and when that ends."""

    mails: int
    ends_at: datetime


@dataclass(slots=True)
class Shares:
    """Deliveries that go by themselves; those that go in one mail, the first of each for the others; those that wait,
    and until when. `used`: the windows as they are then, where they changed."""

    alone: list[str] = field(default_factory=list)
    together: list[Sequence[Ready]] = field(default_factory=list)
    held: list[tuple[str, datetime]] = field(default_factory=list)
    used: dict[Key, Used] = field(default_factory=dict)


def keys(mail: Ready, rates: Rates) -> list[Key]:
    """The windows that a mail counts in."""
    local, _, domain = mail.email.lower().rpartition("@")
    mailbox = _mailbox(local, domain)
    named = {Scope.MAILBOX_HOUR: mailbox, Scope.MAILBOX_DAY: mailbox}
    if domain not in rates.providers:
        named[Scope.DOMAIN_HOUR] = domain
    if mail.network is not None:
        named[Scope.NETWORK_HOUR] = mail.network
    return [(scope, key) for scope, key in named.items() if rates.most.get(scope)]


def _mailbox(local: str, domain: str) -> str:
    local = local.partition("+")[0]
    return f"{local.replace('.', '') if domain in _DOTLESS else local}@{domain}"


def shared_out(ready: Iterable[Ready], used: Mapping[Key, Used], rates: Rates, now: datetime) -> Shares:
    """Who is mailed now. `ready` in the order in which it became due; `used` of all `keys` of it that are known."""
    shares = Shares()
    counting = _Counting(used, rates, now, shares.used)
    of_address: dict[str, list[Ready]] = {}
    for mail in ready:
        of_address.setdefault(mail.address, []).append(mail)
    for group in of_address.values():
        _share(group, counting, shares)
    return shares


class _Counting:
    """The windows while they are given out."""

    def __init__(self, used: Mapping[Key, Used], rates: Rates, now: datetime, changed: dict[Key, Used]) -> None:
        self._used = used
        self._rates = rates
        self._changed = changed
        self.now = now

    def keys(self, mail: Ready) -> list[Key]:
        return keys(mail, self._rates)

    def until(self, wanted: Mapping[Key, int]) -> datetime | None:
        """When there may be room for so many mails in each window; None where there is now."""
        full = [self._window(key).ends_at for key, mails in wanted.items() if not self._fits(key, mails)]
        return max(full, default=None)

    def spend(self, counted: Iterable[Key]) -> None:
        for key in counted:
            window = self._window(key)
            self._changed[key] = Used(window.mails + 1, window.ends_at)

    def _fits(self, key: Key, mails: int) -> bool:
        return self._window(key).mails + mails <= self._rates.most[key[0]]

    def _window(self, key: Key) -> Used:
        known = self._changed.get(key) or self._used.get(key)
        return known if known and known.ends_at > self.now else Used(0, self.now + _LENGTH[key[0]])


def _share(group: Sequence[Ready], counting: _Counting, shares: Shares) -> None:
    """Of one address: each by itself where there is room for all, else all in one mail, else none yet."""
    each = [counting.keys(mail) for mail in group]
    wanted: dict[Key, int] = {}
    for counted in each:
        for key in counted:
            wanted[key] = wanted.get(key, 0) + 1
    if counting.until(wanted) is None:
        for mail, counted in zip(group, each, strict=True):
            shares.alone.append(mail.delivery)
            counting.spend(counted)
        return
    going: list[Ready] = []
    counted_together: dict[Key, int] = {}
    for mail, counted in zip(group, each, strict=True):
        until = counting.until(dict.fromkeys(counted, 1))
        if until is not None:
            shares.held.append((mail.delivery, until))
        elif len(going) < LONGEST:
            going.append(mail)
            counted_together |= dict.fromkeys(counted, 1)
    if len(going) > 1:
        shares.together.append(going)
    elif going:
        shares.alone.append(going[0].delivery)
    counting.spend(counted_together)
