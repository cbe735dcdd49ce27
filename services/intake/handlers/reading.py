"""Inbox messages in words: what each asks, or why it can't be read."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from services.intake.storage.requests import InboxMessage
from shared.contracts.events import (
    AmendPurchaseRequest,
    Reason,
    ReportNonPurchase,
    ReportPurchase,
    SubmitPurchaseRequest,
    WithdrawPurchaseRequest,
)
from shared.http import reasons_of

_ADAPTERS: Final[dict[str, TypeAdapter[Any]]] = {
    model.__name__: TypeAdapter(model)
    for model in (
        SubmitPurchaseRequest,
        AmendPurchaseRequest,
        WithdrawPurchaseRequest,
        ReportPurchase,
        ReportNonPurchase,
    )
}


@dataclass(frozen=True, slots=True)
class Read:
    """A message in words: what it asks, or why it can't be read."""

    message: InboxMessage
    asks: Any
    reasons: tuple[Reason, ...] = ()


def read_message(message: InboxMessage) -> Read:
    asks = read_body(message.type, message.body)
    return Read(message, None, asks) if isinstance(asks, tuple) else Read(message, asks)


def read_body(kind: str, body: bytes) -> Any:
    """What a message of that type asks; a tuple of reasons where it can't be read."""
    adapter = _ADAPTERS.get(kind)
    if adapter is None:
        known = ", ".join(_ADAPTERS)
        reason = Reason(
            pointer="",
            code="unknown-type",
            detail=f"'{kind[:100]}' is no inbox message",
            fix=f"set ce_type to kr.firstbuy.<type>.v1 with one of {known}",
        )
        return (reason,)
    try:
        return adapter.validate_json(body, extra="forbid")
    except ValidationError as error:
        return reasons_of(error.errors(include_url=False, include_input=False))
