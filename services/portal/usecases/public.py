"""What the public's pages show, kept in memory and asked for again in the background."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from services.portal.adapters.kept import Kept, Shown
from services.portal.adapters.services import Asking, ServiceAwayError, Services, UnknownThereError
from services.portal.domain.rounds import ROUND, SUMMARIES, Round, Summary
from services.portal.domain.statistics import Numbers
from shared.contracts.events import Language

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a round: who was selected, and why others were not, in numbers."""

    count: int
    selected: Sequence[Mapping[str, Any]]
    others: Mapping[str, int]


class NamesASeriesError(Exception):
    """It is a rolling intake, which has no page of its own. `cut`: its round that is open, or else the newest."""

    code = "names-a-series"

    def __init__(self, cut: str) -> None:
        super().__init__(cut)
        self.cut = cut


class Public:
    """Reads services for pages that anyone sees."""

    def __init__(self, services: Services, fresh_seconds: float, kept_seconds: float) -> None:
        self._services = services
        self._summaries: Kept[tuple[Summary, ...]] = Kept(fresh_seconds, kept_seconds)
        self._rounds: Kept[Round] = Kept(fresh_seconds, kept_seconds)
        self._results: Kept[Results] = Kept(fresh_seconds, kept_seconds)
        self._pledged: Kept[tuple[tuple[str, int], ...]] = Kept(fresh_seconds, kept_seconds)
        self._numbers: Kept[Numbers] = Kept(fresh_seconds, kept_seconds)
        self._documents: Kept[Mapping[str, Any]] = Kept(fresh_seconds, kept_seconds)

    async def rounds(self) -> Shown[tuple[Summary, ...]]:
        """Every round. Raises ServiceAwayError."""

        async def ask() -> tuple[Summary, ...]:
            return _valid(SUMMARIES, await self._services.get("intake", "/rounds"))

        return await self._summaries.get("rounds", ask)

    async def round(self, round_id: str) -> Shown[Round]:
        """A round. Raises UnknownThereError, NamesASeriesError or ServiceAwayError."""

        async def ask() -> Round:
            content = await self._services.get("intake", round_path(round_id))
            if "cuts" in content:
                raise NamesASeriesError(content["open"] or content["cuts"][-1]["round"])
            return _valid(ROUND, content)

        return await self._rounds.get(round_id, ask)

    async def results(self, round_id: str) -> Shown[Results]:
        """Its results so far. Raises UnknownThereError or ServiceAwayError."""

        async def ask() -> Results:
            return _results((await self._services.get("intake", round_path(round_id, "/results")))["results"])

        return await self._results.get(round_id, ask)

    async def documents(self, round_id: str) -> Shown[Mapping[str, Any]]:
        """What documents may be uploaded: kinds, types, bounds. Raises UnknownThereError or ServiceAwayError."""

        async def ask() -> Mapping[str, Any]:
            found: Mapping[str, Any] = await self._services.get("intake", round_path(round_id, "/documents"))
            return found

        return await self._documents.get(round_id, ask)

    async def pledged(self, round_id: str) -> Shown[tuple[tuple[str, int], ...]]:
        """Institutions that pledged to the round, with the amount in won, the largest first. Raises
        ServiceAwayError."""

        async def ask() -> tuple[tuple[str, int], ...]:
            listed = await self._services.get("intake", "/institutions")
            found = [
                (each["name"], pledge["won"])
                for each in listed
                for pledge in each["pledges"]
                if pledge["round"] == round_id
            ]
            return tuple(sorted(found, key=lambda row: (-row[1], row[0])))

        return await self._pledged.get(round_id, ask)

    async def numbers(self, round_id: str) -> Shown[Numbers]:
        """The round in numbers, as far as they are published. Raises UnknownThereError or ServiceAwayError."""

        async def ask() -> Numbers:
            results = _results((await self._services.get("intake", round_path(round_id, "/results")))["results"])
            chances = await self._if_there(round_path(round_id, "/chances"))
            pledges = await self._if_there(round_path(round_id, "/pledges"))
            return Numbers(
                pledges=tuple(pledges or ()),
                kinds=tuple((chances or {}).get("kinds", ())),
                reasons=results.others,
                selected=len(results.selected),
            )

        return await self._numbers.get(round_id, ask)

    async def _if_there(self, path: str) -> Any:
        """What selection says, once it is published."""
        try:
            return await self._services.get("selection", path)
        except UnknownThereError:
            return None

    async def check(self, round_id: str, facts: Mapping[str, Any], language: Language) -> Mapping[str, Any]:
        """The verdict that facts would have. Raises UnknownThereError, ServiceAwayError or RefusedThereError."""
        asking = Asking(language)
        verdict: Mapping[str, Any] = await self._services.ask(
            "eligibility", "POST", round_path(round_id, "/check"), facts, asking
        )
        return verdict


def round_path(round_id: str, below: str = "") -> str:
    """Of a round at a service, whatever somebody wrote for its name."""
    return f"/rounds/{quote(round_id, safe='')}{below}"


def _valid(adapter: TypeAdapter[T], content: Any) -> T:
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        raise ServiceAwayError(f"an answer of another version: {error.error_count()} faults") from error


def _results(rows: Sequence[Mapping[str, Any]]) -> Results:
    selected = [row for row in rows if row["result"] == "ProductSelected"]
    others = Counter(
        "reserved" if row["result"] == "ProductReserved" else str(row.get("reason"))
        for row in rows
        if row["result"] != "ProductSelected"
    )
    return Results(len(rows), sorted(selected, key=lambda row: row["position"]), dict(others.most_common()))
