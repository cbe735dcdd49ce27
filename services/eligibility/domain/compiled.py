"""A policy compiled once to judge many applications: tables looked up, patterns and fixed texts prepared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from json.encoder import encode_basestring

from services.eligibility.domain.observation import Observation, Terms
from services.eligibility.domain.rules import RULES, Observe
from services.eligibility.domain.rules.fault import FAULT, unjudged
from services.eligibility.domain.rules.track import TRACK, track
from shared.contracts.findings import Finding, FindingOutcome
from shared.contracts.policy import Condition, Policy, RegistryUse, TicketStep, Track, Waiver
from shared.programme.certificates import AcceptedKinds

_PASS = FindingOutcome.PASS
_PARTS = tuple[str, str, str]


def _json_parts(rule: str, legal_source: str, decides: bool) -> _PARTS:
    """What precedes the margin, and what follows it after a pass and after another outcome, in the key order of RFC
    8785."""
    head = f'{{"decides":{"true" if decides else "false"},"legal_source":{encode_basestring(legal_source)},"margin":'
    after = f'","rule":{encode_basestring(rule)},"seen":'
    return head, f',"outcome":"{FindingOutcome.PASS}{after}', after


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundRule:
    """A rule bound to a condition of a track: its observation becomes a finding with the condition's legal source."""

    rule: str
    legal_source: str
    decides: bool
    observe: Observe
    terms: Terms
    parts: _PARTS = field(repr=False)

    def finding(self, observation: Observation) -> Finding:
        """The observation as a finding of this condition."""
        outcome, seen, needed, margin, unit = observation
        return Finding(
            rule=self.rule,
            legal_source=self.legal_source,
            outcome=outcome,
            seen=seen,
            needed=needed,
            margin=margin,
            unit=unit,
            decides=self.decides,
        )

    def canonical(self, observation: Observation) -> str:
        """RFC 8785 text of the finding, written by hand: a JSON encoder would cost more than the judgement."""
        outcome, seen, needed, margin, unit = observation
        head, after_pass, after = self.parts
        middle = after_pass if outcome is _PASS else f',"outcome":"{outcome}{after}'
        margin_text = "null" if margin is None else margin
        unit_text = "null}" if unit is None else f'"{unit}"}}'
        return f'{head}{margin_text},"needed":{_value(needed)}{middle}{_value(seen)},"unit":{unit_text}'


def _value(value: str | int | None) -> str | int:
    if value is None:
        return "null"
    return value if isinstance(value, int) else encode_basestring(value)


@dataclass(frozen=True, slots=True)
class CompiledTrack:
    """The conditions of a track, and the waivers among them."""

    conditions: tuple[BoundRule, ...]
    waivers: tuple[Waiver, ...]


@dataclass(frozen=True, slots=True)
class PolicyRules:
    """A compiled policy with its hash."""

    policy: str
    policy_hash: str
    as_of: date
    tracks: Mapping[str, CompiledTrack]
    no_such_track: CompiledTrack
    no_judgement: CompiledTrack
    hashed_head: str = field(repr=False)
    hashed_tail: str = field(repr=False)
    registries: tuple[RegistryUse, ...]
    kinds: AcceptedKinds
    """Every kind of the policy, whichever track accepts it."""
    tickets: tuple[TicketStep, ...]

    @classmethod
    def compile(cls, policy: Policy, policy_hash: str) -> "PolicyRules":
        """Expects a policy that `check_policy` finds no problem with."""
        return cls(
            policy=policy.policy,
            policy_hash=policy_hash,
            as_of=policy.as_of,
            tracks={each.track: _compile_track(policy, each) for each in policy.tracks},
            no_such_track=_alone(policy, TRACK, track, tracks=tuple(sorted(each.track for each in policy.tracks))),
            no_judgement=_alone(policy, FAULT, unjudged),
            hashed_head=f'{{"as_of":"{policy.as_of}","findings":',
            hashed_tail=f',"policy_hash":"{policy_hash}"}}',
            registries=policy.registries or (),
            kinds=AcceptedKinds.compile(policy.as_of, policy.certificates),
            tickets=policy.tickets,
        )


def _compile_track(policy: Policy, of: Track) -> CompiledTrack:
    accepted = AcceptedKinds.compile(policy.as_of, (k for k in policy.certificates if k.kind in of.certificates))
    return CompiledTrack(tuple(_bind(policy, accepted, condition) for condition in of.conditions), of.waivers)


def _bind(policy: Policy, accepted: AcceptedKinds, condition: Condition) -> BoundRule:
    given = condition.parameters
    terms = Terms(
        as_of=policy.as_of,
        as_of_text=policy.as_of.isoformat(),
        accepted=accepted,
        purchasable_classes=policy.purchasable_classes,
        numbers={name: value for name, value in given.items() if isinstance(value, int)},
        texts={name: value for name, value in given.items() if isinstance(value, str)},
        lists={name: value for name, value in given.items() if isinstance(value, tuple)},
    )
    return BoundRule(
        rule=condition.rule,
        legal_source=condition.legal_source,
        decides=condition.decides,
        observe=RULES[condition.rule].observe,
        terms=terms,
        parts=_json_parts(condition.rule, condition.legal_source, condition.decides),
    )


def _alone(policy: Policy, rule: str, observe: Observe, **lists: tuple[str, ...]) -> CompiledTrack:
    """A track with one rule of ours, for where no condition can be judged: the policy lacks the track, or judging
    failed."""
    source = f"policy {policy.policy}"
    terms = Terms(
        as_of=policy.as_of,
        as_of_text=policy.as_of.isoformat(),
        accepted=AcceptedKinds.compile(policy.as_of, ()),
        numbers={},
        texts={},
        lists=lists,
    )
    return CompiledTrack(
        (
            BoundRule(
                rule=rule,
                legal_source=source,
                decides=True,
                observe=observe,
                terms=terms,
                parts=_json_parts(rule, source, True),
            ),
        ),
        (),
    )
