"""The track an application names must be one the policy has."""

from services.eligibility.domain.observation import Observation, Terms, failed, passed
from shared.contracts.facts import ApplicationFacts

TRACK = "track"


def track(facts: ApplicationFacts, terms: Terms) -> Observation:
    """Judged only for a track the policy lacks: one that it has is shown by the conditions it brings."""
    tracks = terms.lists["tracks"]
    if facts.track in tracks:
        return passed(facts.track)
    return failed(facts.track, f"one of {', '.join(tracks)}")
