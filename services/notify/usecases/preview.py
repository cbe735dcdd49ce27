"""Previews of every mail, filled with invented firms, for editors of the words and for tests."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from functools import cache
from pathlib import Path
from typing import Any, Final

from services.notify.adapters.composing import Composer, Sender
from services.notify.adapters.rendering import Renderer
from services.notify.domain.notices import DIGEST, INVITATION, NOTICES, TEMPLATES, Role
from services.notify.storage.claims import Addressee, Claimed
from services.notify.storage.deliveries import Delivery
from shared.clock import REAL_TIME
from shared.contracts.events import Channel, Language

SAMPLES: Final = json.loads((Path(__file__).parent / "samples.json").read_text(encoding="utf-8"))
"""The facts of a sample mail by kind; `of-application` holds what is known of its application."""
_TITLE: Final = {"ko": "2018년 하반기 기술개발제품 시범구매", "en": "Pilot purchase, second half of 2018"}
_SELECTION: Final = "https://selection.firstbuy.example"
_NOTIFY: Final = "https://notify.firstbuy.example"
_LINK: Final = "5e0d7f0a-94c3-4d0b-8a56-2f1f0e7c9b33"
_NOW: Final = datetime(2018, 9, 18, 5, 30, tzinfo=UTC)
_DELIVERY: Final = "0b5ed0a2-6a30-5b3b-9a1f-53a5c07b9c55"


class UnknownKindError(ValueError):
    """No mail has this kind; the message lists the known ones."""

    code = "unknown-kind"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table of notices: what, to whom, by which channels."""

    kind: str
    happening: str
    role: str
    channels: tuple[str, ...]


def table() -> list[Row]:
    """Every notice there is."""
    return [
        Row(notice.kind, happening.value, role.value, tuple(channel.value for channel in notice.channels))
        for (happening, role), notice in NOTICES.items()
    ]


@dataclass(frozen=True, slots=True)
class Preview:
    """A mail as it would be sent."""

    subject: str
    text: str
    html: str
    content: bytes
    """The whole mail (RFC 5322)."""


def preview(kind: str, language: Language, title: str | None = None) -> Preview:
    """The sample mail of a kind. Raises UnknownKindError."""
    if kind not in kinds():
        raise UnknownKindError(f"no mail is of kind '{kind}'; there are {', '.join(kinds())}")
    facts = SAMPLES[kind]
    to_institution = kind == DIGEST or any(
        notice.kind == kind and role is Role.INSTITUTION for (_, role), notice in NOTICES.items()
    )
    addressee = Addressee(
        name="김가상",
        email="somebody@firm.example",
        language=language.value,
        institution="kwater" if to_institution else None,
        disowning=None if to_institution else _LINK,
    )
    title = title or _TITLE[language]
    known_of: dict[str, Any] = SAMPLES["of-application"]
    claimed = Claimed(
        delivery=_delivery(kind, facts),
        tried_for=timedelta(0),
        addressee=addressee,
        round_title={language.value: title},
        product=known_of["product"],
        findings=known_of["findings"] if kind in {"not-selected", "verdict"} else None,
        changes=known_of["changes"] if kind in {"not-selected", "verdict"} else None,
        notices=known_of["notices"],
    )
    sender = Sender("Firstbuy", "no-reply@firstbuy.example", "firstbuy.example")
    composer = Composer(_renderer(), sender, _SELECTION, _NOTIFY)
    content = composer.compose(claimed, addressee, {"kwater": "한국수자원공사 (K-water)"}, _NOW, None).content
    message = message_from_bytes(content, policy=default)
    return Preview(str(message["Subject"]), _body(message, "plain"), _body(message, "html"), content)


@cache
def _renderer() -> Renderer:
    """Cached: templates are compiled once for all previews."""
    return Renderer()


def _delivery(kind: str, facts: Any) -> Delivery:
    party, application = "preview", "4f0f9d2c-3a52-4ab5-9b1d-0c5f6a0d9e01"
    subject = party if kind == INVITATION else application
    return Delivery(
        id=_DELIVERY,
        round="2018-h2",
        kind=kind,
        subject=subject,
        occasion="preview",
        recipient=party,
        channel=Channel.MAIL,
        facts=facts,
        traceparent=None,
        attempts=1,
        time_map=REAL_TIME,
    )


def _body(message: Any, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def kinds() -> Sequence[str]:
    """All kinds that are mailed."""
    return list(TEMPLATES)
