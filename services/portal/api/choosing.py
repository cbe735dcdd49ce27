"""What may be chosen in a form: from the round's policy where it says so."""

from collections.abc import Sequence

from services.portal.domain.drafts import Needs
from services.portal.domain.rounds import Round
from services.portal.domain.texts import TEXTS
from shared.contracts.events import Language
from shared.contracts.facts import BusinessStatus, LegalForm, Origin
from shared.programme.documents import DOCUMENT_KINDS, kinds_asked
from shared.programme.regions import REGIONS

Choices = dict[str, Sequence[tuple[str, str]]]


def choices_of(round_: Round, language: Language) -> Choices:
    """By kind of field: each value, and how it is shown."""
    policy = round_.policy
    ours = (
        ("legal_forms", list(LegalForm)),
        ("origins", list(Origin)),
        ("statuses", list(BusinessStatus)),
        ("yes_no", ["no", "yes"]),
        ("languages", list(Language)),
    )
    return {
        "tracks": [(track.track, getattr(track.name, language.value)) for track in policy.tracks],
        "certificate_kinds": [(kind.kind, getattr(kind.name, language.value)) for kind in policy.certificates],
        "regions": [(code, getattr(name, language.value)) for code, name in REGIONS.items()],
        "document_kinds": [(code, getattr(name, language.value)) for code, name in DOCUMENT_KINDS.items()],
        "class_codes": [(code, code) for code in policy.purchasable_classes],
        **{name: [(each, TEXTS[language](f"choice.{each}")) for each in kinds] for name, kinds in ours},
    }


def needs_of(round_: Round, track: str = "") -> Needs:
    """What an application in this track needs; in any, before one is chosen."""
    tracks = [each for each in round_.policy.tracks if each.track == track] or round_.policy.tracks
    asked = kinds_asked(round_.policy)
    kinds = [kind for each in tracks for kind in asked[each.track]]
    rules = frozenset(condition.rule for each in tracks for condition in each.conditions)
    return Needs(rules, list(dict.fromkeys(kinds)))
