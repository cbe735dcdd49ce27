"""Rules about how young a firm is and how much it has sold to public institutions."""

from services.eligibility.domain.observation import Observation, Terms, failed, measured, unknown
from shared.contracts.facts import ApplicationFacts, Origin
from shared.contracts.findings import Unit
from shared.programme.certificates import last_day_of_years

STARTUP = "startup"
FIRST_TIMER = "first-timer"
TRACK_CAP = "track-cap"


def startup(facts: ApplicationFacts, terms: Terms) -> Observation:
    """창업기업: `years` have not elapsed since the start. Succession, conversion and reopening are no start."""
    applicant = facts.applicant
    if applicant.origin is not Origin.NEW:
        return failed(applicant.origin.value, "new")
    started_on = applicant.started_on
    if started_on > terms.as_of:
        margin = (terms.as_of - started_on).days
        return failed(f"started {started_on}", f"started by {terms.as_of_text}", margin, Unit.DAYS)
    years = terms.numbers["years"]
    margin = (last_day_of_years(started_on, years) - terms.as_of).days
    needed = f"{years} years not elapsed on {terms.as_of_text}"
    return measured(margin, Unit.DAYS, f"started {started_on.isoformat()}", needed)


def first_timer(facts: ApplicationFacts, terms: Terms) -> Observation:
    """첫걸음기업: a public supply record of at most `cap_won`."""
    return _record_within_cap(facts, terms)


def track_cap(facts: ApplicationFacts, terms: Terms) -> Observation:
    """The track is for firms with a public supply record of at most `cap_won`."""
    return _record_within_cap(facts, terms)


def _record_within_cap(facts: ApplicationFacts, terms: Terms) -> Observation:
    record, cap = facts.applicant.supply_record, terms.numbers["cap_won"]
    if record is None:
        return unknown(cap, unit=Unit.WON)
    return measured(cap - record.won, Unit.WON, record.won, cap)
