"""Officers' acts, a module for what each group of them moves. `KINDS` is the table of all."""

from typing import Final

from services.intake.acts import appeals, draw, epochs, late, registries, releases, scores, window
from services.intake.acts.ground import Kind
from services.intake.domain.acts import ActKind

KINDS: Final = {
    ActKind.EXTEND: Kind(window.extend_terms, window.extend),
    ActKind.VOID: Kind(window.void_terms, window.void),
    ActKind.RECORD_SOURCE: Kind(draw.source_terms, draw.record),
    ActKind.CONFIRM: Kind(draw.confirm_terms, draw.confirm),
    ActKind.ADMIT_LATE: Kind(late.terms, late.admit),
    ActKind.UNPARK: Kind(epochs.unpark_terms, epochs.unpark),
    ActKind.EXCLUDE: Kind(epochs.exclude_terms, epochs.exclude),
    ActKind.DECIDE_APPEAL: Kind(appeals.terms, appeals.decide),
    ActKind.WAIVE_REGISTRY: Kind(registries.waive_terms, registries.waive),
    ActKind.CLOSE_SCORES: Kind(scores.close_terms, scores.close),
    ActKind.RELEASE: Kind(releases.open_terms, releases.open_batch),
    ActKind.CONFIRM_RELEASE: Kind(releases.confirm_terms, releases.confirm),
    ActKind.RERUN: Kind(epochs.rerun_terms, epochs.judge_again),
}
