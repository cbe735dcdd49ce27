"""When the status of a selected product ends, under a policy that ends it."""

from datetime import datetime

from shared.contracts.policy import Policy
from shared.programme.periods import months_after
from shared.programme.working_days import KST


def status_until(policy: Policy, confirmed_at: datetime | None) -> datetime | None:
    """The policy's number of months after the confirmation, at the same time of day in Korea; None if the status does
    not end."""
    if policy.rolling is None or confirmed_at is None:
        return None
    began = confirmed_at.astimezone(KST)
    return datetime.combine(months_after(began.date(), policy.rolling.status_months), began.timetz())
