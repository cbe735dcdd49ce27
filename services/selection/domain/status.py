"""How long a selection's status lasts, where the policy ends it."""

from datetime import datetime

from shared.contracts.policy import Policy
from shared.programme.periods import months_after
from shared.programme.working_days import KST


def status_until(policy: Policy, confirmed_at: datetime | None) -> datetime | None:
    """The moment it ends: the policy's months after the confirmation, at the same time of day in Korea; None where it
    does not end."""
    if policy.rolling is None or confirmed_at is None:
        return None
    began = confirmed_at.astimezone(KST)
    return datetime.combine(months_after(began.date(), policy.rolling.status_months), began.timetz())
