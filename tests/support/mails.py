"""Mails as notify composes them of golden messages."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from services.notify.adapters.composing import Composer, Sender
from services.notify.adapters.rendering import Renderer
from services.notify.domain.notices import Occurrence, planned
from services.notify.handlers import delivery_id
from services.notify.storage.claims import Addressee, Claimed
from services.notify.storage.deliveries import Delivery
from shared.clock import REAL_TIME
from shared.contracts import events
from shared.contracts.events import Language
from shared.contracts.findings import Finding, FindingOutcome
from shared.wording.explanation import Explained, explain

GOLDEN = Path(__file__).parents[1] / "contract" / "golden"


NOW = datetime(2018, 9, 18, 5, 30, tzinfo=UTC)


RENDERER = Renderer()


COMPOSER = Composer(RENDERER, Sender("Firstbuy", "no-reply@firstbuy.example", "firstbuy.example"))


KWATER = {"kwater": "한국수자원공사 (K-water)"}


TITLE = {"ko": "2018년 하반기 기술개발제품 시범구매", "en": "Pilot purchase, second half of 2018"}


NO_WORDS: Mapping[str, Mapping[str, str]] = {}


def golden(name: str, edition: int = 1, **changes: Any) -> Any:
    body = json.loads((GOLDEN / f"{name}.v1.{edition}.json").read_text()) | changes
    return getattr(events, name).model_validate_json(json.dumps(body))


def mail(
    occurrence: Occurrence,
    language: str = "ko",
    *,
    name: str = "김가상",
    product: str = "누수 감지 센서",
    findings: Sequence[Any] | None = None,
    changes: Sequence[Any] | None = None,
    trace: str | None = None,
    notices: Mapping[str, Mapping[str, str]] = NO_WORDS,
    composer: Composer = COMPOSER,
) -> EmailMessage:
    due = next(due for due in planned(occurrence) if due.channel is events.Channel.MAIL)
    delivery = Delivery(
        id=delivery_id(due),
        round=due.round,
        kind=due.kind,
        subject=due.subject,
        occasion=due.occasion,
        recipient=due.recipient,
        channel=due.channel,
        facts=due.facts,
        traceparent=trace,
        attempts=1,
        time_map=REAL_TIME,
    )
    addressee = Addressee(name=name, email="contact@hanbit.example", language=language)
    claimed = Claimed(
        delivery=delivery,
        tried_for=timedelta(0),
        addressee=addressee,
        round_title=TITLE,
        product=product,
        findings=findings,
        changes=changes,
        notices=notices,
    )
    content = composer.compose(claimed, addressee, KWATER, NOW, trace).content
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) < 200
    return message_from_bytes(content, policy=default)


def body(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def explained(language: Language, **stated: Any) -> Explained:
    return explain(Finding(**({"legal_source": "법", "outcome": FindingOutcome.FAIL} | stated)), language)
