"""An institution's notification contacts: the people who get its mails, and the address that gets its webhooks."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from services.intake.domain.submissions import ContactDetails
from shared.service.addresses import reachable

CHANGING_OVER: Final = timedelta(hours=24)
"""How long a replaced secret still signs, beside the new one."""
_NUMBER: Final = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)\.?$")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom an institution wants notified."""

    party: str
    contact: ContactDetails


@dataclass(frozen=True, slots=True)
class NotificationContacts:
    """The people of an institution after a change. `changed`: those to publish; `gone`: parties to erase."""

    people: tuple[Person, ...]
    changed: tuple[Person, ...]
    gone: tuple[str, ...]


def replaced(
    before: Sequence[Person], details: Sequence[ContactDetails], new_party: Callable[[], str]
) -> NotificationContacts:
    """Replaces the list. A known mail address keeps its party, so that being listed again notifies nobody twice."""
    known = {person.contact.email.lower(): person for person in before}
    people: dict[str, Person] = {}
    for contact in details:
        address = contact.email.lower()
        people[address] = Person(known[address].party if address in known else new_party(), contact)
    return NotificationContacts(
        tuple(people.values()),
        tuple(person for address, person in people.items() if known.get(address) != person),
        tuple(person.party for address, person in known.items() if address not in people),
    )


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an institution gets webhooks, and the secret that signs them. `secret_before` signs too until
    `before_until`."""

    url: str
    secret: str = field(repr=False)
    secret_before: str | None = field(default=None, repr=False)
    before_until: datetime | None = None

    def rotated(self, secret: str, now: datetime) -> "Webhook":
        """The webhook with another secret; the one before signs too for `CHANGING_OVER`."""
        return replace(self, secret=secret, secret_before=self.secret, before_until=now + CHANGING_OVER)


def webhook_refusal(url: str, *, plain: bool) -> tuple[str, str] | None:
    """What is wrong with a target, and the fix. A host name is resolved only when it is called. `plain`: http and
    private addresses are allowed, in a network of one's own."""
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
        public = not _NUMBER.search(host)  # some clients read `127.1` as an address, others as a name
    return None if public else ("it is no public address", "name a host that the internet reaches")
