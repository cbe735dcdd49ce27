"""The rule that the policy has the track an application names."""

from services.eligibility.domain.observation import Observation, Terms, failed, passed
from shared.contracts.facts import ApplicationFacts

TRACK = "track"


def track(facts: ApplicationFacts, terms: Terms) -> Observation:
    """Judged only for a track that the policy lacks; any other is shown by its own conditions."""
    tracks = terms.lists["tracks"]
    if facts.track in tracks:
        return passed(facts.track)
    return failed(facts.track, f"one of {', '.join(tracks)}")
