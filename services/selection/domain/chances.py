"""What chance the committed tickets give: exact for the first place, simulated for being selected.

A simulated draw is the real one, matching and all, under a seed that follows from the commitment alone: whoever draws
the same number of them comes to the same estimate, and nobody learns anything of the real seed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import sqrt
from typing import Final

from services.selection.domain.commitment import Entry
from services.selection.domain.matching import Result
from services.selection.domain.offers import Demand, Offer
from services.selection.domain.proposal import placed, stands
from shared.contracts.policy import Method, Policy

DRAWS: Final = range(50, 1001)
"""Fewest and most draws simulated; as many as `PLACED` allows."""
PLACED: Final = 2_000_000
"""Applications placed in all draws together: some seconds of one core."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Firms that the policy gives the same: what was found of them, and their tickets."""

    startup: bool
    first_timer: bool
    tickets: int


@dataclass(frozen=True, slots=True)
class Chance:
    """Of one application, or of each of a kind. `selected`: the share of simulated draws, None without any; `error`:
    its standard error."""

    tickets: int
    of_tickets: int
    selected: float | None
    error: float | None


@dataclass(frozen=True, slots=True)
class FirmChance:
    """Of one firm, or of each of several with as many entries, in the mean. `selected`: the share of simulated draws in
    which one of its entries at least is; None without any."""

    firms: int
    entries: int
    tickets: float
    selected: float | None


def _mean(firms: Sequence[FirmChance]) -> FirmChance:
    shares = [firm.selected for firm in firms if firm.selected is not None]
    tickets = sum(firm.tickets for firm in firms) / len(firms)
    return FirmChance(len(firms), firms[0].entries, tickets, sum(shares) / len(shares) if shares else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """`times` each application was selected in `draws` draws. `of_tickets` counts every ticket in the draw."""

    standing: Mapping[str, int]
    of_tickets: int
    draws: int
    times: Mapping[str, int]
    firms: Mapping[str, str] = field(default_factory=dict)
    """By application, whose it is."""
    firm_times: Mapping[str, int] = field(default_factory=dict)
    """How often a firm was selected with one of its entries at least."""

    def of(self, application: str) -> Chance | None:
        """None of one that does not stand in the draw."""
        tickets = self.standing.get(application)
        return None if tickets is None else self._chance(tickets, self.times.get(application, 0), 1)

    def of_firm(self, application: str) -> "FirmChance | None":
        """Of the firm whose application it is, with all its entries; None where that does not stand in the draw."""
        firm = self.firms.get(application)
        if firm is None or application not in self.standing:
            return None
        return self._firm(firm, [other for other in self.standing if self.firms.get(other) == firm])

    def by_entries(self) -> "dict[int, FirmChance]":
        """By how many entries a firm has in the draw: the mean over those firms."""
        entries: dict[str, list[str]] = {}
        for application in self.standing:
            entries.setdefault(self.firms.get(application, application), []).append(application)
        by_number: dict[int, list[FirmChance]] = {}
        for firm, own in entries.items():
            by_number.setdefault(len(own), []).append(self._firm(firm, own))
        return {number: _mean(firms) for number, firms in sorted(by_number.items())}

    def _firm(self, firm: str, own: Sequence[str]) -> "FirmChance":
        selected = self.firm_times.get(firm, 0) / self.draws if self.draws else None
        return FirmChance(1, len(own), sum(self.standing[application] for application in own), selected)

    def of_kind(self, tickets: int, applications: Sequence[str]) -> Chance:
        """The mean over all of a kind."""
        return self._chance(
            tickets, sum(self.times.get(application, 0) for application in applications), len(applications)
        )

    def _chance(self, tickets: int, times: int, applications: int) -> Chance:
        drawn = self.draws * applications
        if not drawn:
            return Chance(tickets, self.of_tickets, None, None)
        share = times / drawn
        return Chance(tickets, self.of_tickets, share, sqrt(share * (1 - share) / drawn))


def draws_of(standing: int) -> int:
    """How many draws are simulated for so many applications; none for more than could be placed often enough."""
    most = PLACED // max(standing, 1)
    return 0 if most < DRAWS.start else min(most, DRAWS.stop - 1)


def seed_for(commitment_root: str, number: int) -> str:
    """Of the simulated draw with that number, from 1."""
    return sha256(f"firstbuy-chance-v1:{commitment_root}:{number}".encode("ascii")).hexdigest()


def chances(
    policy: Policy,
    commitment_root: str,
    entries: Iterable[Entry],
    offers: Mapping[str, Offer],
    demands: Sequence[Demand],
    pledges: Mapping[str, int],
) -> Chances:
    standing = [entry for entry in entries if stands(entry, policy)]
    draws = draws_of(len(standing))
    times, firm_times = Counter[str](), Counter[str]()
    firms = {application: offer.firm for application, offer in offers.items()}
    for number in range(1, draws + 1):
        seed = seed_for(commitment_root, number)
        selected = [
            placement.application
            for _, placement in placed(policy, seed, standing, offers, demands, pledges)
            if placement.result is Result.SELECTED
        ]
        times.update(selected)
        firm_times.update({firms[application] for application in selected})
    tickets = {entry.application: entry.tickets for entry in standing}
    return Chances(
        standing=tickets, of_tickets=sum(tickets.values()), draws=draws, times=times, firms=firms, firm_times=firm_times
    )


def method_in_words(policy: Policy, draws: int) -> str:
    first = "exact for the first place: tickets of all tickets"
    if policy.method is Method.SCORE:
        first = "the score decides, and tickets break its ties alone"
    if not draws:
        return f"{first}; too many stand for being selected to be simulated"
    return f"{first}; for being selected the share of {draws} simulated draws under seeds made of the commitment"
