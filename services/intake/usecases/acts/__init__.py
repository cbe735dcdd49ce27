"""Officers' acts, in modules by what they move. `KINDS` lists every kind."""

from typing import Final

from services.intake.domain.acts import ActKind
from services.intake.usecases.acts import (
    amendment,
    appeals,
    draw,
    epochs,
    late,
    registry_waiver,
    releases,
    scores,
    window,
)
from services.intake.usecases.acts.act_types import Kind

KINDS: Final = {
    ActKind.AMEND_ROUND: Kind(amendment.terms_now, amendment.amend, amendment.foretell),
    ActKind.EXTEND: Kind(window.extend_terms, window.extend, window.foretell_extension),
    ActKind.VOID: Kind(window.void_terms, window.void, window.foretell_void),
    ActKind.RECORD_SOURCE: Kind(draw.source_terms, draw.record, draw.foretell_value),
    ActKind.CONFIRM: Kind(draw.confirm_terms, draw.confirm, draw.foretell_confirmation),
    ActKind.ADMIT_LATE: Kind(late.terms, late.admit, late.foretell, late.DRAWN),
    ActKind.UNPARK: Kind(epochs.unpark_terms, epochs.unpark, epochs.foretell_unparking),
    ActKind.EXCLUDE: Kind(epochs.exclude_terms, epochs.exclude, epochs.foretell_exclusion),
    ActKind.DECIDE_APPEAL: Kind(appeals.terms, appeals.decide, appeals.foretell),
    ActKind.WAIVE_REGISTRY: Kind(registry_waiver.waive_terms, registry_waiver.waive, registry_waiver.foretell),
    ActKind.CLOSE_SCORES: Kind(scores.close_terms, scores.close, scores.foretell),
    ActKind.RELEASE: Kind(releases.open_terms, releases.open_batch, releases.foretell_batch),
    ActKind.CONFIRM_RELEASE: Kind(releases.confirm_terms, releases.confirm, releases.foretell_confirmation),
    ActKind.RERUN: Kind(epochs.rerun_terms, epochs.judge_again, epochs.foretell_judging),
}
