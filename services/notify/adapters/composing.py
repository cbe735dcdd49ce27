"""A claimed delivery becomes a mail: the values of its template, its headers, its bytes."""

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
from services.notify.storage.deliveries import Addressee, Claimed
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
"""Of an application's id, which a subject names it by."""
LONGEST_SEEN: Final = 500
"""A statement of 200 characters at most, with what registries say of it."""


class UnusableAddressError(ValueError):
    """The contact's address is none that a mail server could take."""

    code = "address-invalid"


@dataclass(frozen=True, slots=True)
class Sender:
    name: str
    address: str
    domain: str
    bounces: str = ""
    """Where mails that come back go, each under its own name (VERP): `bounces@office.example`. Empty: to `address`."""

    def envelope(self, delivery: str, tag: str) -> str:
        """`tag`: what nobody can know who was not mailed."""
        if not self.bounces:
            return self.address
        local, _, domain = self.bounces.rpartition("@")
        return f"{local}+{delivery}-{tag}@{domain}"

    def message_id(self, delivery: str) -> str:
        """The same for every attempt of a delivery, so that a repeat shows as one."""
        return f"<{delivery}@{self.domain}>"


@dataclass(frozen=True, slots=True)
class Mail:
    recipient: str
    content: bytes


class Composer:
    def __init__(self, renderer: Renderer, sender: Sender, selection_url: str = "", public_url: str = "") -> None:
        """`selection_url`: where a pack's link leads to; `public_url`: where *this was not me* and an entry's
        state do. Without them no mail has one."""
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
        """Raises UnusableAddressError. `now` is real; what the notice states of time is the programme's."""
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
        if not claimed.said:
            return self._renderer.render(TEMPLATES[claimed.delivery.kind], language, values)
        together = (claimed, *claimed.said)
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
        of_an_entry = claimed.said or claimed.delivery.subject != claimed.delivery.recipient
        values["entry"] = self._own_link(ENTRY_PATH, addressee) if of_an_entry else None
        return values

    def _pack_link(self, facts: Mapping[str, Any]) -> Ours | None:
        path = facts.get("pack")
        return Ours(self._selection_url + path) if path and self._selection_url else None

    def _own_link(self, path: str, addressee: Addressee) -> Ours | None:
        """None of somebody at an institution."""
        if not (addressee.disowning and self._public_url):
            return None
        return Ours(f"{self._public_url}{path}{addressee.disowning}")


def _number(claimed: Claimed) -> dict[str, str | None]:
    """What is of no application, an invitation, is of the party, whose id nobody knows."""
    return {"application": None if claimed.delivery.subject == claimed.delivery.recipient else claimed.delivery.subject}


def address_of(addressee: Addressee) -> str:
    """As a mail server is told it. Contacts from before the edge asked the same may have one that none takes."""
    try:
        return mailable(addressee.email.strip())
    except UnmailableError as error:
        raise UnusableAddressError("the contact's address can't be used") from error


def values_of(claimed: Claimed, addressee: Addressee, institutions: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """All that a template may name. What an event states of itself goes before what is known of the application. Text
    that is not marked as ours here is quoted when it is rendered."""
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
        "desk": Ours(institutions.get(addressee.institution or "", addressee.institution or "")),
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
    """What was seen is the applicant's own statement, or what registries said of it; all else is the policy's."""
    explained = explain(finding_of(finding), language, _said_of(finding))
    ours = {name: Ours(words) for name, words in asdict(explained).items()}
    return ours | {"seen": quoted(explained.seen, LONGEST_SEEN), "stated": isinstance(finding["seen"], str)}


def finding_of(finding: Mapping[str, Any]) -> Finding:
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
    """What registries said of it; nothing of one that was kept before any was asked."""
    return _EVIDENCE.validate_python(finding.get("evidence", ()), strict=False)
