"""When institutions are reminded that a round closes soon."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notify.domain.lifecycle import LifecycleEvent
from services.notify.domain.notices import Happening
from shared.clock import TimeMap


@dataclass(frozen=True, slots=True)
class Window:
    """A round's intake window, in programme time."""

    round: str
    opens_at: datetime
    closes_at: datetime
    time_map: TimeMap


def reminder(window: Window, now: datetime, ahead: timedelta) -> LifecycleEvent | bool:
    """The reminder once it is due; False while it is too early, True if there is nothing left to remind of.

    `now` is real time. A window no longer than `ahead` has no reminder: its opening notice states the close.
    """
    moment = window.time_map.programme(now)
    due = window.closes_at - ahead
    if moment < due and window.opens_at < due:
        return False
    if window.opens_at >= due or moment >= window.closes_at:
        return True
    occasion = f"until {window.closes_at.isoformat()}"
    return LifecycleEvent(
        round=window.round,
        happening=Happening.CLOSING_SOON,
        occasion=occasion,
        occurred_at=moment,
        roots={},
        closes_at=window.closes_at,
    )
