"""Appeals (행정기본법 §36): until when one may be filed, and by when it is answered."""

from dataclasses import dataclass
from datetime import date, datetime

from shared.programme.appeals import ANSWER_DAYS, EXTENSION_DAYS, FILING_DAYS
from shared.programme.working_days import korean_date, last_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """An appeal against a result. `amended`: facts to judge instead, as canonical JSON; None to judge the same facts
    anew."""

    appeal: str
    round: str
    application: str
    result_epoch: int
    grounds: str
    amended: str | None
    filed_at: datetime
    decided_at: datetime | None = None
    upheld: bool | None = None
    reason: str | None = None

    @property
    def answer_due(self) -> date:
        """The last day for the answer, in Korea."""
        return last_day(korean_date(self.filed_at), ANSWER_DAYS)

    @property
    def answer_due_extended(self) -> date:
        """The last day after an extension."""
        return last_day(korean_date(self.filed_at), ANSWER_DAYS + EXTENSION_DAYS)


def may_file_until(noticed_at: datetime | None) -> date | None:
    """The last day, in Korea; None while the applicant was not notified, since the period has not begun."""
    return last_day(korean_date(noticed_at), FILING_DAYS) if noticed_at else None


def in_time(noticed_at: datetime | None, now: datetime) -> bool:
    """True if an appeal may still be filed."""
    until = may_file_until(noticed_at)
    return until is None or korean_date(now) <= until
