"""What is stated of an application that no rule could be asked about, because judging it failed."""

from services.eligibility.domain.observation import Observation, Terms, unknown
from shared.contracts.facts import ApplicationFacts

FAULT = "judging"


def unjudged(facts: ApplicationFacts, terms: Terms) -> Observation:
    return unknown("a judgement")
