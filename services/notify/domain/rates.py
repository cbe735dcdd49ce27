"""Limits on mails to applicants, so that nobody can flood others by entering their addresses.

Beyond a rate nothing is lost or refused: what is due to an address goes there in one mail once there is room again.
Mails are counted when they become due, in windows that begin with the first of them:

- per mailbox, ignoring what follows a plus in it: thirty entries do not cause thirty mails;
- per domain, since one office reads all of a firm's addresses. Not for public mail providers, whose addresses belong to
  different people: at a deadline thousands of them apply within minutes, and all are notified at once;
- per network that the entries were sent from, where intake knows it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

LONGEST: Final = 100
"""Most notices in one mail; the rest go in the next."""
_DOTLESS: Final = frozenset({"gmail.com", "googlemail.com"})
"""Providers that ignore dots before the @."""


class Scope(StrEnum):
    """What a limit counts by, and over which time."""

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
"""Whose mails are counted: a mailbox, a domain, or a network as intake names it. Stored as a keyed hash."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Most mails per scope; missing scopes have no limit. `providers`: domains that are not counted."""

    most: Mapping[Scope, int]
    providers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ready:
    """A mail that is ready for an applicant. `address` is a keyed hash; `network` is as intake names it."""

    delivery: str
    address: str
    email: str
    network: str | None
    patient: bool


@dataclass(frozen=True, slots=True)
class Used:
    """A window: its number of mails, and when it ends."""

    mails: int
    ends_at: datetime


@dataclass(slots=True)
class Shares:
    """Who is mailed now: deliveries that go alone, groups that go in one mail (the first carries the others), and those
    held, with the time until which they wait. `used`: the changed windows."""

    alone: list[str] = field(default_factory=list)
    together: list[Sequence[Ready]] = field(default_factory=list)
    held: list[tuple[str, datetime]] = field(default_factory=list)
    used: dict[Key, Used] = field(default_factory=dict)


def keys(mail: Ready, rates: Rates) -> list[Key]:
    """The windows in which a mail counts."""
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
    """Shares out the mails that are ready, oldest first. `used`: the current windows of all their `keys`."""
    shares = Shares()
    counting = _Counting(used, rates, now, shares.used)
    of_address: dict[str, list[Ready]] = {}
    for mail in ready:
        of_address.setdefault(mail.address, []).append(mail)
    for group in of_address.values():
        _share(group, counting, shares)
    return shares


class _Counting:
    """The windows while mails are being shared out."""

    def __init__(self, used: Mapping[Key, Used], rates: Rates, now: datetime, changed: dict[Key, Used]) -> None:
        self._used = used
        self._rates = rates
        self._changed = changed
        self.now = now

    def keys(self, mail: Ready) -> list[Key]:
        return keys(mail, self._rates)

    def until(self, wanted: Mapping[Key, int]) -> datetime | None:
        """When there may be room for this many mails in each window; None if there is room now."""
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
    """Shares out one address's mails: each alone if there is room for all, else all in one mail, else none yet."""
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
