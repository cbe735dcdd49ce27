"""The parts of every release (parties, money, times, documents), and the package around releases."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from services.selection.domain.ocds.words import LANGUAGE
from shared.contracts.policy import Titled
from shared.proof.canonical import json_hash

VERSION: Final = "1.1"
CLASS_SCHEME: Final = "KR-PPS-GOODS"
"""물품분류번호 of the Public Procurement Service, eight digits. Derived from UNSPSC, but no longer the same."""
FIRM_SCHEME: Final = "KR-BRN"
"""사업자등록번호, ten digits without hyphens."""
OFFICE: Final = "OFFICE"
"""The programme office's party id. It can't clash with institutions' codes, which are lower case."""


class NotReadYetError(LookupError):
    """Not all that a release is made of has been read from the topics yet."""

    code = "not-read-back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """An OCDS organization with its roles in a process."""

    id: str
    name: str
    roles: tuple[str, ...]
    identifier: Mapping[str, str] | None = None

    def reference(self) -> dict[str, str]:
        """An OrganizationReference."""
        return {"id": self.id, "name": self.name}

    def body(self) -> dict[str, Any]:
        """The party in full."""
        content = {"id": self.id, "name": self.name, "roles": list(self.roles)}
        return content | ({"identifier": dict(self.identifier)} if self.identifier else {})


def supplier(name: str, business_number: str) -> Party:
    """A firm as a supplier."""
    identifier = {"scheme": FIRM_SCHEME, "id": business_number, "legalName": name}
    return Party(id=f"{FIRM_SCHEME}-{business_number}", name=name, roles=("supplier",), identifier=identifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """How a deployment publishes. `address`: where the public reaches this service."""

    prefix: str
    publisher: str
    publisher_uri: str
    licence: str
    address: str

    def ocid(self, local: str) -> str:
        """A process id with the publisher's prefix."""
        return f"{self.prefix}-{local}"

    def link(self, round_id: str, what: str) -> str:
        """A public address of this service."""
        return f"{self.address}/rounds/{round_id}/{what}"

    def office(self) -> Party:
        """The programme office, which runs the rounds and publishes them."""
        return Party(id=OFFICE, name=self.publisher, roles=("procuringEntity",))

    def package(self, round_id: str, released: datetime) -> dict[str, Any]:
        """The package without its releases. `released`: the date of the newest release."""
        uri = {"uri": self.publisher_uri} if self.publisher_uri else {}
        return {
            "uri": self.link(round_id, "ocds"),
            "version": VERSION,
            "publishedDate": moment(released),
            "publisher": {"name": self.publisher, **uri},
            **({"license": self.licence} if self.licence else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release. `occasion`: what it was made at, unique in its process; `content`: its sections."""

    ocid: str
    occasion: str
    date: datetime
    tags: tuple[str, ...]
    parties: Iterable[Party]
    content: Mapping[str, Any]

    def body(self) -> dict[str, Any]:
        """The release as JSON; its id ends in a hash of its content."""
        parties = {party.id: party.body() for party in self.parties}
        content = {
            "date": moment(self.date),
            "tag": list(self.tags),
            "initiationType": "tender",
            "language": LANGUAGE,
            **({"parties": list(parties.values())} if parties else {}),
            **self.content,
        }
        return {"ocid": self.ocid, "id": f"{self.occasion}-{json_hash(content)[:16]}", **content}


def moment(at: datetime) -> str:
    """RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def money(won: int) -> dict[str, Any]:
    """An OCDS Value in won."""
    return {"amount": won, "currency": "KRW"}


def both(field: str, words: Titled) -> dict[str, str]:
    """The field in Korean, and in English under `<field>_en`."""
    return {field: words.ko, f"{field}_en": words.en}


def classification(class_code: str) -> dict[str, str]:
    """The classification of a product class."""
    return {"scheme": CLASS_SCHEME, "id": class_code}


def document(name: str, kind: str, title: Titled, url: str, media_type: str = "application/json") -> dict[str, str]:
    """An OCDS Document."""
    return {"id": name, "documentType": kind, **both("title", title), "url": url, "format": media_type}
