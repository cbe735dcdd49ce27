"""An institution's desk: the people who are mailed what concerns it, and the address that gets its webhooks."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from services.intake.domain.admission import ContactDetails
from shared.service.addresses import reachable

CHANGING_OVER: Final = timedelta(hours=24)
"""How long a secret that was replaced signs too."""
_NUMBER: Final = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)\.?$")


@dataclass(frozen=True, slots=True)
class Person:
    party: str
    contact: ContactDetails


@dataclass(frozen=True, slots=True)
class Desk:
    """`changed` are those to announce, `gone` the parties to forget."""

    people: tuple[Person, ...]
    changed: tuple[Person, ...]
    gone: tuple[str, ...]


def desk(before: Sequence[Person], stated: Sequence[ContactDetails], new_party: Callable[[], str]) -> Desk:
    """Who stays, by the address, keeps the party: nobody is told twice for having been stated again."""
    known = {person.contact.email.lower(): person for person in before}
    people: dict[str, Person] = {}
    for contact in stated:
        address = contact.email.lower()
        people[address] = Person(known[address].party if address in known else new_party(), contact)
    return Desk(
        tuple(people.values()),
        tuple(person for address, person in people.items() if known.get(address) != person),
        tuple(person.party for address, person in known.items() if address not in people),
    )


@dataclass(frozen=True, slots=True)
class Webhook:
    url: str
    secret: str = field(repr=False)
    secret_before: str | None = field(default=None, repr=False)
    before_until: datetime | None = None

    def rotated(self, secret: str, now: datetime) -> "Webhook":
        return replace(self, secret=secret, secret_before=self.secret, before_until=now + CHANGING_OVER)


def webhook_refusal(url: str, *, plain: bool) -> tuple[str, str] | None:
    """What is wrong with a target and the fix; what a name leads to is seen when it is called. `plain`: http and
    private addresses will do, in a network of one's own."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "its host can't be read", "write https://host/path"
    try:
        _ = parts.port
    except ValueError:
        return "its port is none", "write a port from 1 to 65535, or none"
    if not host:
        return "it names no host", "write https://host/path"
    if plain:
        return None
    if parts.scheme != "https":
        return "it is not https", "let the receiver take https, with a certificate of a public authority"
    try:
        public = reachable(host)
    except ValueError:
        public = not _NUMBER.search(host)  # `127.1` is an address to some clients and a name to others
    return None if public else ("it is no public address", "name a host that the internet reaches")
