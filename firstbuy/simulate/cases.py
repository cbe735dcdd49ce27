"""One application under two policies, reduced to what the comparison counts. The verdict is `judge` itself, the tickets
are selection's own."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from firstbuy.samples.firms import FIRST_TIMER_WON, STARTUP_YEARS, FirmKind
from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.judge import judge
from services.eligibility.domain.observation import Terms
from services.eligibility.domain.rules import record as record_rules
from services.selection.domain.score import supply_record_points
from services.selection.domain.tickets import ticket_grounds, tickets
from shared.contracts.facts import ApplicationFacts, SupplyRecord
from shared.contracts.findings import FindingOutcome, VerdictOutcome
from shared.contracts.policy import Policy
from shared.programme.certificates import AcceptedKinds

BANDS: Final = (0, 100_000_000, 500_000_000, 1_000_000_000, 2_000_000_000)
"""Upper bounds of the public supply record in won; above the last, and not stated, are bands too."""
NOT_STATED: Final = len(BANDS) + 1
_FACTS: Final = (record_rules.STARTUP, record_rules.FIRST_TIMER)
_MET: Final = (FindingOutcome.PASS, FindingOutcome.WAIVED)


@dataclass(frozen=True, slots=True)
class Side:
    """A policy made ready to judge by, on the day that is the same for both."""

    policy: Policy
    rules: PolicyRules

    @classmethod
    def of(cls, policy: Policy, policy_hash: str, as_of: date) -> "Side":
        return cls(policy, PolicyRules.compile(replace(policy, as_of=as_of), policy_hash))


@dataclass(frozen=True, slots=True)
class Judged:
    """`against`: rules that decide and did not pass. `unsure`: all of them for want of evidence alone. Tickets and
    points of the eligible only; 0 for others. `waived`: rules that did not pass and need not."""

    eligible: bool
    against: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    unsure: bool = False
    tickets: int = 0
    points: int | None = None
    faulted: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """Equal for applications the comparison can't tell apart, so that a million of them are a few hundred cases."""

    track: str
    kind: FirmKind
    band: int
    old: Judged
    new: Judged

    @property
    def gained(self) -> bool:
        return self.new.eligible and not self.old.eligible

    @property
    def lost(self) -> bool:
        return self.old.eligible and not self.new.eligible


@dataclass(frozen=True, slots=True)
class Comparison:
    """`tracks`: the track of the other policy that stands for one of the recorded, where it is another."""

    old: Side
    new: Side
    tracks: dict[str, str]
    terms: Terms

    @classmethod
    def of(cls, old: Side, new: Side, tracks: dict[str, str]) -> "Comparison":
        as_of = old.rules.as_of
        terms = Terms(
            as_of=as_of,
            as_of_text=as_of.isoformat(),
            accepted=AcceptedKinds.compile(as_of, ()),
            numbers={"years": STARTUP_YEARS, "cap_won": FIRST_TIMER_WON},
            texts={},
            lists={},
        )
        return cls(old, new, tracks, terms)

    def case(self, facts: ApplicationFacts) -> Case:
        moved = self.tracks.get(facts.track, facts.track)
        other = facts if moved == facts.track else replace(facts, track=moved)
        band = band_of(facts.applicant.supply_record)
        return Case(facts.track, self._kind(facts), band, judged(facts, self.old), judged(other, self.new))

    def _kind(self, facts: ApplicationFacts) -> FirmKind:
        """As the law and the programme have it, whatever either policy says: so that groups mean the same in both."""
        if record_rules.startup(facts, self.terms).outcome is FindingOutcome.PASS:
            return FirmKind.STARTUP
        first = record_rules.first_timer(facts, self.terms).outcome is FindingOutcome.PASS
        return FirmKind.FIRST_TIMER if first else FirmKind.ESTABLISHED


def judged(facts: ApplicationFacts, side: Side) -> Judged:
    """What one side's policy makes of the facts; a fault in a rule counts as not eligible."""
    try:
        verdict = judge(facts, side.rules)
    except Exception:  # noqa: BLE001 -- as the service does: it parks what a rule trips over, whatever that is
        return Judged(eligible=False, faulted=True)
    pairs = list(zip(verdict.conditions, verdict.observations, strict=True))
    waived = tuple(bound.rule for bound, seen in pairs if seen.outcome is FindingOutcome.WAIVED)
    if verdict.outcome is not VerdictOutcome.ELIGIBLE:
        against = [(bound.rule, seen.outcome) for bound, seen in pairs if bound.decides and seen.outcome not in _MET]
        unsure = all(outcome is FindingOutcome.UNKNOWN for _, outcome in against)
        return Judged(eligible=False, against=tuple(rule for rule, _ in against), waived=waived, unsure=unsure)
    record = facts.applicant.supply_record
    standing = ticket_grounds((bound.finding(seen) for bound, seen in pairs if bound.rule in _FACTS), record)
    scoring = side.policy.scoring
    points = supply_record_points(record, scoring) if scoring else None
    return Judged(
        eligible=True, against=(), waived=waived, unsure=False, tickets=tickets(standing, side.policy), points=points
    )


def band_of(record: SupplyRecord | None) -> int:
    if record is None:
        return NOT_STATED
    return next((number for number, bound in enumerate(BANDS) if record.won <= bound), len(BANDS))


def band_words(band: int) -> str:
    if band == NOT_STATED:
        return "record not stated"
    if band == 0:
        return "no record"
    if band == len(BANDS):
        return f"more than {BANDS[-1] // 10**6:,} m won"
    return f"up to {BANDS[band] // 10**6:,} m won"
