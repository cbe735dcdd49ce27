"""The rule about files that are sent with an application. Intake holds each; nobody judges here what is in it."""

from collections.abc import Iterable

from services.eligibility.domain.observation import Observation, Terms, passed, unknown
from shared.contracts.facts import ApplicationFacts
from shared.programme.documents import RULE

DOCUMENTS = RULE


def documents(facts: ApplicationFacts, terms: Terms) -> Observation:
    """A document of each of `kinds` is named. Where one is missing the rule is unknown: it may only be late."""
    asked = terms.lists["kinds"]
    named = {document.kind for document in facts.documents or ()}
    missing = [kind for kind in asked if kind not in named]
    seen = stated(kind for kind in asked if kind in named)
    return unknown(stated(missing), seen) if missing else passed(seen, stated(asked))


def stated(kinds: Iterable[str]) -> str | None:
    """Kinds as a finding states them; None for none."""
    listed = ", ".join(kinds)
    return f"documents: {listed}" if listed else None
