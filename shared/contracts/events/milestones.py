"""`milestones.v1`: what eligibility and selection have completed."""

from shared.contracts.events.common_types import Manifest
from shared.contracts.values import Base64, Contract, Count, Epoch, Line, Positive, RoundId, Sha256Hex, UtcTime


class EligibilityCompleted(Contract):
    """Leaves of `verdicts` are [id, version, payload hash, epoch judged, outcome, findings hash]."""

    round: RoundId
    epoch: Epoch
    applications_root: Sha256Hex
    verdicts: Manifest
    eligible: Count
    ineligible: Count
    completed_at: UtcTime


class InputsCommitted(Contract):
    """Everything that decides, fixed before chance enters. Leaves of `entries` are [id, outcome, tickets, score].

    One seed per round for ever: a later epoch draws under the seed of the first commitment, whose epoch is `seed_epoch`
    (absent: this one's). `supplementary` entries that were in no commitment before draw under this commitment's root
    and a value of the supplementary source, due as long after it.
    """

    round: RoundId
    epoch: Epoch
    applications_root: Sha256Hex
    requests_root: Sha256Hex
    verdicts_root: Sha256Hex
    entries_root: Sha256Hex
    pledges_root: Sha256Hex
    policy_hash: Sha256Hex
    commitment_root: Sha256Hex
    entries: Count
    committed_at: UtcTime
    seed_epoch: Epoch | None = None
    supplementary: Count = 0


class SelectionProposed(Contract):
    """Leaves of `selection_root` are [id, result, position, draw key, [[request, quantity, won], …]] in draw order.

    `commitment_root` is of the epoch's own entries; `seed` is the round's one seed. `shown_root`: RFC 9162 over what
    the public evidence shows, its requests, then its entries (absent: of before there was one). Leaves, by bucket and
    id, are `[request, institution, class_code, quantity, budget_won, price_ceiling_won, certificate_kinds, region,
    delivery_days_at_most]` and `[application, track, firm, class_code, price_won, capacity, delivery_days, regions,
    certificates, identity, applicant, product]`; the last three are null where they are not shown.
    """

    round: RoundId
    epoch: Epoch
    commitment_root: Sha256Hex
    seed: Sha256Hex
    selection_root: Sha256Hex
    selected: Count
    reserve: Count
    not_selected: Count
    proposed_at: UtcTime
    shown_root: Sha256Hex | None = None


class ReleaseProposed(Contract):
    """What a batch gives out of what its ReleaseOpened set free. Leaves of `batch_root` are `[id, result, reason,
    [[request, quantity, won], …]]` of everybody for whom it changed something, in draw order.

    `state_hash`: SHA-256 of canonical `{pledges: [[institution, won], …], requests: [[request, quantity, won], …]}`,
    what was left, set free included, before anything was given out.
    """

    round: RoundId
    epoch: Epoch
    batch: Positive
    selection_root: Sha256Hex
    state_hash: Sha256Hex
    batch_root: Sha256Hex
    promoted: Count
    changed: Count
    withdrawn: Count
    proposed_at: UtcTime


class CommitmentTimeStamped(Contract):
    """An authority's proof (RFC 3161) of when a commitment stood: over SHA-256 of the root's 32 bytes."""

    round: RoundId
    epoch: Epoch
    commitment_root: Sha256Hex
    authority: Line
    """Subject of the certificate that signed."""
    token: Base64
    """The TimeStampToken, DER."""
    stamped_at: UtcTime
    """The authority's own time: real time, also in a rehearsal."""
