"""The finding for an application that could not be judged, because judging failed."""

from services.eligibility.domain.observation import Observation, Terms, unknown
from shared.contracts.facts import ApplicationFacts

FAULT = "judging"


def unjudged(facts: ApplicationFacts, terms: Terms) -> Observation:
    """Unknown: there is no judgement."""
    return unknown("a judgement")
