"""Records of `applications.v1` taken one after another; of each application only the newest version counts.

Of an application nothing is kept but its newest version's case, its firm by a hash, and when it came. So memory is two
hundred bytes or so for each application of the round, however many rounds and versions the topic holds.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from firstbuy.simulate.cases import Case, Comparison
from firstbuy.simulate.firms import Came
from shared.contracts.events import ApplicationSubmitted, ApplicationWithdrawn
from shared.contracts.facts import ApplicationFacts

_SUBMITTED: TypeAdapter[ApplicationSubmitted] = TypeAdapter(ApplicationSubmitted)
_WITHDRAWN: TypeAdapter[ApplicationWithdrawn] = TypeAdapter(ApplicationWithdrawn)


def _as_stated(facts: ApplicationFacts) -> ApplicationFacts:
    return facts


@dataclass(slots=True)
class Tally:
    """What came of the replay. `examples`: the first applications that change side, by id."""

    cases: Counter[Case] = field(default_factory=Counter)
    examples: list[tuple[str, Case]] = field(default_factory=list)
    records: int = 0
    withdrawn: int = 0
    unreadable: int = 0
    firms: dict[bytes, list[Came]] = field(default_factory=dict)
    """By a hash of the firm's number: its entries that stand."""

    @property
    def applications(self) -> int:
        return self.cases.total()


@dataclass(slots=True)
class Replay:
    """`take` each record, `settle` when no further version of those taken can come."""

    round: str
    comparison: Comparison
    listed: int = 20
    confirm: Callable[[ApplicationFacts], ApplicationFacts] = _as_stated
    """What makes facts those that both policies are judged by."""
    tally: Tally = field(default_factory=Tally)
    _newest: dict[bytes, tuple[int, tuple[bytes, Came] | None]] = field(default_factory=dict)
    _interned: dict[Case, Case] = field(default_factory=dict)

    def take(self, kind: str, value: bytes) -> None:
        """A record by its event type. Repeated and reordered versions are no matter: the highest stands."""
        if kind not in ("ApplicationSubmitted", "ApplicationWithdrawn"):
            return
        self.tally.records += 1
        try:
            if from_json(value)["round"] != self.round:
                return
            if kind == "ApplicationWithdrawn":
                gone = _WITHDRAWN.validate_json(value)
                self._keep(gone.application, gone.version, None)
                return
            submitted = _SUBMITTED.validate_json(value)
        except (ValidationError, ValueError, KeyError, TypeError):
            self.tally.unreadable += 1
            return
        case = self.comparison.case(self.confirm(submitted.facts))
        firm = sha256(submitted.facts.applicant.business_number.encode()).digest()[:8]
        came = submitted.received_at, self._interned.setdefault(case, case)
        self._keep(submitted.application, submitted.version, (firm, came))

    def _keep(self, application: str, version: int, stands: tuple[bytes, Came] | None) -> None:
        key = UUID(application).bytes
        known = self._newest.get(key)
        if known is None or known[0] < version:
            self._newest[key] = (version, stands)

    def settle(self) -> None:
        """Counts the newest version of each application that was read, and keeps the first whose verdict changes."""
        changed: list[tuple[bytes, Case]] = []
        for key, (_, stands) in self._newest.items():
            if stands is None:
                self.tally.withdrawn += 1
                continue
            firm, (_, case) = stands
            self.tally.firms.setdefault(firm, []).append(stands[1])
            self.tally.cases[case] += 1
            if case.gained or case.lost:
                changed.append((key, case))
        first = heapq.nsmallest(self.listed, changed, key=lambda each: each[0])
        named = [(str(UUID(bytes=key)), case) for key, case in first]
        self.tally.examples = sorted([*self.tally.examples, *named], key=lambda each: each[0])[: self.listed]
        self._newest.clear()
