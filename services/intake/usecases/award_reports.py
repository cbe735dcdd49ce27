"""Takes reports on awards: checks them against the read model, then stores and publishes them."""

from datetime import datetime

from services.intake.domain.reports import Subject, refusal
from services.intake.domain.rounds import RoundWindow
from services.intake.storage import releases, reports
from services.intake.storage.requests import InboxMessage, RequestVersion
from services.intake.usecases.inbox_answers import answered, rejected
from services.intake.usecases.inbox_parsing import ParsedMessage
from shared.contracts import topics
from shared.contracts.events import Answer, NonPurchaseReported, PurchaseReported, ReportPurchase
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.service.postgres import Connection


async def take_report(
    connection: Connection,
    read: ParsedMessage,
    request: str,
    stored: RequestVersion | None,
    window: RoundWindow,
    now: datetime,
) -> list[Outgoing]:
    """A report is accepted at any time, since it is about what followed the selection. The newest one on an award
    counts."""
    message, asks = read.message, read.asks
    named = await reports.named(connection, window.round, request, asks.application)
    stands = stored is not None and stored.round == window.round and not stored.withdrawn
    subject = Subject(stands, named.entered, named.decided, named.award)
    if reasons := refusal(asks, window, subject, named.tolerance, message.appended_at):
        return [rejected(message, now, *reasons, request=request, round=window.round)]
    report = _report(read, request, window)
    await releases.report(connection, report)
    return [_reported(message, report, now), answered(message, now, Answer.ACCEPTED, request=request)]


def _report(read: ParsedMessage, request: str, window: RoundWindow) -> PurchaseReported | NonPurchaseReported:
    message, asks = read.message, read.asks
    whose = {"round": window.round, "request": request, "institution": message.institution}
    model = PurchaseReported if isinstance(asks, ReportPurchase) else NonPurchaseReported
    return model.model_validate({**asks.model_dump(), **whose, "reported_at": message.appended_at})


def _reported(message: InboxMessage, report: PurchaseReported | NonPurchaseReported, now: datetime) -> Outgoing:
    return outgoing(
        topics.PURCHASE_REQUESTS.name,
        report.request,
        report,
        event_id=event_id("report", message.topic, message.offset),
        time=now,
        traceparent=message.traceparent,
    )
