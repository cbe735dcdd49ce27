"""The chances that the committed tickets give: exact for the first place, simulated for being selected.

A simulated draw runs the real draw and matching under a seed derived from the commitment alone. So everyone who
simulates the same number of draws gets the same estimate, and nobody learns anything about the real seed.
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
"""Fewest and most simulated draws, within what `PLACED` allows."""
PLACED: Final = 2_000_000
"""Most applications placed in all draws together: some seconds of one core."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of firm as the policy distinguishes them, with its number of tickets."""

    startup: bool
    first_timer: bool
    tickets: int


@dataclass(frozen=True, slots=True)
class Chance:
    """The chance of one application, or of each of a kind. `selected`: the share of simulated draws, None if there were
    none; `error`: its standard error."""

    tickets: int
    of_tickets: int
    selected: float | None
    error: float | None


@dataclass(frozen=True, slots=True)
class FirmChance:
    """The chance of one firm, or the mean over firms with the same number of entries. `selected`: the share of
    simulated draws in which at least one of its entries is selected; None if there were none."""

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
    """The chances in one draw. `times`: how often each application was selected in `draws` simulated draws."""

    standing: Mapping[str, int]
    of_tickets: int
    draws: int
    times: Mapping[str, int]
    firms: Mapping[str, str] = field(default_factory=dict)
    """The firm of each application."""
    firm_times: Mapping[str, int] = field(default_factory=dict)
    """How often at least one entry of a firm was selected."""

    def of(self, application: str) -> Chance | None:
        """The chance of one application; None if it is not in the draw."""
        tickets = self.standing.get(application)
        return None if tickets is None else self._chance(tickets, self.times.get(application, 0), 1)

    def of_firm(self, application: str) -> "FirmChance | None":
        """The chance of the application's firm with all its entries; None if the application is not in the draw."""
        firm = self.firms.get(application)
        if firm is None or application not in self.standing:
            return None
        return self._firm(firm, [other for other in self.standing if self.firms.get(other) == firm])

    def by_entries(self) -> "dict[int, FirmChance]":
        """The mean chance of firms, by their number of entries in the draw."""
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
        """The mean chance of these applications, which are all of one kind."""
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
    """How many draws are simulated for so many applications; 0 if there are too many for DRAWS.start draws."""
    most = PLACED // max(standing, 1)
    return 0 if most < DRAWS.start else min(most, DRAWS.stop - 1)


def seed_for(commitment_root: str, number: int) -> str:
    """The seed of a simulated draw; `number` counts from 1."""
    return sha256(f"firstbuy-chance-v1:{commitment_root}:{number}".encode("ascii")).hexdigest()


def chances(
    policy: Policy,
    commitment_root: str,
    entries: Iterable[Entry],
    offers: Mapping[str, Offer],
    demands: Sequence[Demand],
    pledges: Mapping[str, int],
) -> Chances:
    """Simulates draws of the committed entries. `pledges`: won by institution."""
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
    """How the chances were computed, in English; `shared.wording` translates it."""
    first = "exact for the first place: tickets of all tickets"
    if policy.method is Method.SCORE:
        first = "the score decides, and tickets break its ties alone"
    if not draws:
        return f"{first}; too many stand for being selected to be simulated"
    return f"{first}; for being selected the share of {draws} simulated draws under seeds made of the commitment"
