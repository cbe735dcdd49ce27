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
    ActKind.AMEND_ROUND: Kind(amendment.terms_now, amendment.amend, amendment.preview),
    ActKind.EXTEND: Kind(window.extend_terms, window.extend, window.preview_extension),
    ActKind.VOID: Kind(window.void_terms, window.void, window.preview_void),
    ActKind.RECORD_SOURCE: Kind(draw.source_terms, draw.record, draw.preview_value),
    ActKind.CONFIRM: Kind(draw.confirm_terms, draw.confirm, draw.preview_confirmation),
    ActKind.ADMIT_LATE: Kind(late.terms, late.admit, late.preview, late.DRAWN),
    ActKind.UNPARK: Kind(epochs.unpark_terms, epochs.unpark, epochs.preview_unparking),
    ActKind.EXCLUDE: Kind(epochs.exclude_terms, epochs.exclude, epochs.preview_exclusion),
    ActKind.DECIDE_APPEAL: Kind(appeals.terms, appeals.decide, appeals.preview),
    ActKind.WAIVE_REGISTRY: Kind(registry_waiver.waive_terms, registry_waiver.waive, registry_waiver.preview),
    ActKind.CLOSE_SCORES: Kind(scores.close_terms, scores.close, scores.preview),
    ActKind.RELEASE: Kind(releases.open_terms, releases.open_batch, releases.preview_batch),
    ActKind.CONFIRM_RELEASE: Kind(releases.confirm_terms, releases.confirm, releases.preview_confirmation),
    ActKind.RERUN: Kind(epochs.rerun_terms, epochs.judge_again, epochs.preview_judging),
}
