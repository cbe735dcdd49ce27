"""Composes the mail of a claimed delivery: template values, headers, bytes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

from pydantic import TypeAdapter

from services.notify.adapters.mime import free_text, mailbox, message
from services.notify.adapters.rendering import NOTICE_NAMES, Rendered, Renderer
from services.notify.domain.notices import TEMPLATES
from services.notify.domain.quoting import LONGEST_NAME, LONGEST_REASON, Ours, quoted
from services.notify.storage.claims import Addressee, Claimed
from shared.contracts.events import Language
from shared.contracts.events.verdicts import Evidence
from shared.contracts.findings import Change, Finding, FindingOutcome, Unit
from shared.programme.appeals import ANSWER_DAYS, EXTENSION_DAYS, FILING_DAYS
from shared.programme.mail_addresses import UnmailableError, mailable
from shared.programme.working_days import korean_date, last_day
from shared.wording.explanation import explain, explain_change
from shared.wording.written import one_line

_EVIDENCE: Final = TypeAdapter(tuple[Evidence, ...])
NOT_ME_PATH: Final = "/not-me/"
ENTRY_PATH: Final = "/entry/"
REFERENCE_CHARACTERS: Final = 8
"""Length of the application id's prefix that subjects show."""
LONGEST_SEEN: Final = 500
"""A statement has at most 200 characters; the rest is for what registries answered about it."""


class UnusableAddressError(ValueError):
    """The contact's address is one that no mail server accepts."""

    code = "address-invalid"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who mails are from, and where they return to if they can't be delivered."""

    name: str
    address: str
    domain: str
    bounces: str = ""
    """Address of returned mails, each under its own local part (VERP): `bounces@office.example`. Empty: `address`."""

    def envelope(self, delivery: str, tag: str) -> str:
        """The envelope sender. `tag` is a secret that only somebody who got the mail can know."""
        if not self.bounces:
            return self.address
        local, _, domain = self.bounces.rpartition("@")
        return f"{local}+{delivery}-{tag}@{domain}"

    def message_id(self, delivery: str) -> str:
        """The same for every attempt of a delivery, so that mail programs recognise a repeat."""
        return f"<{delivery}@{self.domain}>"


@dataclass(frozen=True, slots=True)
class Mail:
    recipient: str
    content: bytes


class Composer:
    """Composes mails with one renderer and sender; it does no I/O."""

    def __init__(self, renderer: Renderer, sender: Sender, selection_url: str = "", public_url: str = "") -> None:
        """`selection_url`: base of links to packs; `public_url`: base of the links *this was not me* and to an entry's
        state. Mails leave out links whose base is empty."""
        self._public_url = public_url.rstrip("/")
        self._renderer = renderer
        self._sender = sender
        self._selection_url = selection_url.rstrip("/")
        self._from = mailbox(one_line(sender.name), sender.address)

    def compose(
        self,
        claimed: Claimed,
        addressee: Addressee,
        institutions: Mapping[str, str],
        now: datetime,
        traceparent: str | None,
    ) -> Mail:
        """The mail as sent at `now` (real time); times that the notice states are programme time.

        Raises UnusableAddressError.
        """
        delivery = claimed.delivery
        language = Language(addressee.language)
        address = address_of(addressee)
        rendered = self._rendered(claimed, addressee, institutions, now)
        headers = [
            ("From", self._from),
            ("To", mailbox(quoted(addressee.name, LONGEST_NAME), address)),
            ("Subject", free_text(rendered.subject)),
            ("Date", format_datetime(now)),
            ("Message-ID", self._sender.message_id(delivery.id)),
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("List-Id", f"<{delivery.kind}.{delivery.round}.{self._sender.domain}>"),
            ("Content-Language", language.value),
        ]
        if traceparent:
            headers.append(("traceparent", traceparent))
        return Mail(address, message(headers, rendered.text, rendered.html, f"=_{delivery.id}"))

    def _rendered(
        self, claimed: Claimed, addressee: Addressee, institutions: Mapping[str, str], now: datetime
    ) -> Rendered:
        language = Language(addressee.language)
        values = self._values(claimed, addressee, institutions, now)
        if not claimed.gathered:
            return self._renderer.render(TEMPLATES[claimed.delivery.kind], language, values)
        together = (claimed, *claimed.gathered)
        parts = [
            (TEMPLATES[notice.delivery.kind], self._values(notice, addressee, institutions, now) | _number(notice))
            for notice in together
        ]
        rounds = {notice.delivery.round for notice in together}
        values |= {"count": len(together), "round_title": values["round_title"] if len(rounds) == 1 else Ours("")}
        return self._renderer.render_gathered(language, values, parts)

    def _values(
        self, claimed: Claimed, addressee: Addressee, institutions: Mapping[str, str], now: datetime
    ) -> dict[str, Any]:
        facts = claimed.delivery.facts
        values = values_of(claimed, addressee, institutions, claimed.delivery.time_map.programme(now))
        values["pack_link"] = self._pack_link(facts)
        values["items"] = [{**item, "pack_link": self._pack_link(item)} for item in facts.get("items", ())]
        values["not_me"] = self._own_link(NOT_ME_PATH, addressee)
        of_an_entry = claimed.gathered or claimed.delivery.subject != claimed.delivery.recipient
        values["entry"] = self._own_link(ENTRY_PATH, addressee) if of_an_entry else None
        return values

    def _pack_link(self, facts: Mapping[str, Any]) -> Ours | None:
        path = facts.get("pack")
        return Ours(self._selection_url + path) if path and self._selection_url else None

    def _own_link(self, path: str, addressee: Addressee) -> Ours | None:
        """None for people at institutions, whose contacts have no such link."""
        if not (addressee.disowning and self._public_url):
            return None
        return Ours(f"{self._public_url}{path}{addressee.disowning}")


def _number(claimed: Claimed) -> dict[str, str | None]:
    """The application's id. An invitation has none: its subject is the party, whose id is not shown."""
    return {"application": None if claimed.delivery.subject == claimed.delivery.recipient else claimed.delivery.subject}


def address_of(addressee: Addressee) -> str:
    """The address in the form mail servers accept.

    Raises UnusableAddressError: contacts from before intake checked addresses may have one that no server accepts.
    """
    try:
        return mailable(addressee.email.strip())
    except UnmailableError as error:
        raise UnusableAddressError("the contact's address can't be used") from error


def values_of(claimed: Claimed, addressee: Addressee, institutions: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """All values a template may name. Facts of the event override what is known of the application.

    Text that is not marked as `Ours` here is quoted when it is rendered.
    """
    language = Language(addressee.language)
    facts = claimed.delivery.facts
    return {
        "product": claimed.product,
        **facts,
        **({"reason": quoted(facts["reason"], LONGEST_REASON)} if facts.get("reason") else {}),
        "language": language,
        "name": quoted(addressee.name, LONGEST_NAME),
        "round": claimed.delivery.round,
        "round_title": Ours(claimed.round_title.get(language.value) or facts.get("title") or ""),
        "kind": claimed.delivery.kind,
        "institution_name": Ours(institutions.get(addressee.institution or "", addressee.institution or "")),
        "application": claimed.delivery.subject,
        "reference": claimed.delivery.subject[:REFERENCE_CHARACTERS],
        "count": len(facts.get("items", ())),
        "delivery": claimed.delivery.id,
        "findings": [_explained(each, language) for each in claimed.findings or ()],
        "changes": [Ours(explain_change(Change(**change), language)) for change in claimed.changes or ()],
        "institutions": {code: Ours(name) for code, name in institutions.items()},
        "notices": {name: Ours(claimed.notices.get(name, {}).get(language.value, "")) for name in NOTICE_NAMES},
        "noticed_at": now,
        "appeal_until": last_day(korean_date(now), FILING_DAYS),
        "appeal_days": FILING_DAYS,
        "answer_days": ANSWER_DAYS,
        "extension_days": EXTENSION_DAYS,
    }


def _explained(finding: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """The finding in words. `seen` comes from the applicant or registries and is quoted; the rest is the policy's."""
    explained = explain(finding_of(finding), language, _said_of(finding))
    ours = {name: Ours(words) for name, words in asdict(explained).items()}
    return ours | {"seen": quoted(explained.seen, LONGEST_SEEN), "stated": isinstance(finding["seen"], str)}


def finding_of(finding: Mapping[str, Any]) -> Finding:
    """The finding that was stored as JSON."""
    return Finding(
        rule=finding["rule"],
        legal_source=finding["legal_source"],
        outcome=FindingOutcome(finding["outcome"]),
        seen=finding["seen"],
        needed=finding["needed"],
        margin=finding["margin"],
        unit=Unit(finding["unit"]) if finding["unit"] else None,
    )


def _said_of(finding: Mapping[str, Any]) -> tuple[Evidence, ...]:
    """What registries answered about it; empty for findings stored before registries were asked."""
    return _EVIDENCE.validate_python(finding.get("evidence", ()), strict=False)
