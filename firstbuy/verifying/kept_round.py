"""What a bundle says of its round, as far as somebody's kept copies can speak of it."""

from base64 import b64decode
from collections.abc import Mapping, Set
from datetime import datetime
from typing import IO, Any, Final

from services.selection.verify import LAWS, UnreadableError, lines_of, shaped
from shared.proof.canonical import sha256_hex

Body = dict[str, Any]
EACH: Final = {name: law.each for name, law in LAWS.items() if law.each}
"""What tells several events of an epoch apart."""
ROOTS: Final = {
    "commitment_root": "commitment",
    "selection_root": "selection",
    "shown_root": "shown",
    "announcement_root": "announcement",
    "policy_hash": "policy",
    "applications_root": "applications",
    "requests_root": "requests",
    "verdicts_root": "verdicts",
    "entries_root": "entries",
    "pledges_root": "pledges",
    "batch_root": "batch",
}
"""Members of events that are roots, and what institutions' notices call them."""
HELD: Final = ("commitment", "selection", "announcement", "shown")
"""Those that whoever examines a bundle may hold."""
HELD_MEMBERS: Final = frozenset(member for member, kind in ROOTS.items() if kind in HELD)


def place_of(name: str, body: Mapping[str, Any]) -> tuple[str, str, str]:
    """Which event of the round it is."""
    each = body.get(EACH[name]) if name in EACH else None
    return name, repr(body.get("epoch")), repr(each)


class RoundSays:
    """The bundle's events, and of requests and applications those asked for. Of a bundle that is none it is empty."""

    def __init__(self, source: IO[bytes], asked: Set[str]) -> None:
        self.round: str | None = None
        self.epoch = 0
        self.events: dict[tuple[str, str, str], Body] = {}
        self.rows: dict[str, Body] = {}
        self.applications = 0
        self.roots: dict[str, dict[str, set[int]]] = {}
        """By kind and root, the epochs that it is of; 0 of none."""
        try:
            for _, record, _ in lines_of(source):
                self._take(record, asked)
        except UnreadableError:
            return  # `examine` says what of it is unreadable

    def _take(self, record: Body, asked: Set[str]) -> None:
        kind = record.get("type")
        if self.round is None:
            shaped("head", record, "line 1")
            self.round, self.epoch = record["round"], record["epoch"]
        elif kind in ("event", "later"):
            name, body = record.get("event"), record.get("body")
            if isinstance(name, str) and name[:1].isupper() and isinstance(body, dict):
                self._event(name, body)
        elif kind in ("entry", "request"):
            self.applications += kind == "entry"
            identifier = record.get("application" if kind == "entry" else "request")
            if isinstance(identifier, str) and identifier in asked:
                shaped(kind, {name: value for name, value in record.items() if name != "open"}, identifier)
                self.rows[identifier] = record

    def _event(self, name: str, body: Body) -> None:
        try:
            shaped(name, body, name)
        except KeyError:
            return  # of no kind that the format has
        self.events[place_of(name, body)] = body
        epoch = body.get("epoch", 0)
        for member, root in ROOTS.items():
            if body.get(member) is not None:
                self._root(root, body[member], epoch)
        for member in ("applications", "requests"):
            if member in body:
                self._root(member, body[member]["root"], epoch)
        if name == "EligibilityCompleted":
            self._root("verdicts", body["verdicts"]["root"], epoch)
        if name == "CommitmentTimeStamped":
            try:
                self._root("token", sha256_hex(b64decode(body["token"])), epoch)
            except ValueError:
                return  # no base64: `verify timestamp` says so

    def _root(self, kind: str, root: str, epoch: int) -> None:
        self.roots.setdefault(kind, {}).setdefault(root, set()).add(epoch)

    def told(self, name: str) -> list[Body]:
        return [body for (event, _, _), body in self.events.items() if event == name]

    def event(self, name: str, epoch: int | None = None) -> Body | None:
        return next((body for body in self.told(name) if epoch is None or body.get("epoch") == epoch), None)

    def terms(self) -> Body | None:
        """As they were announced or last amended."""
        amended = sorted(self.told("RoundAmended"), key=lambda body: int(body["amendment"]))
        return amended[-1] if amended else self.event("RoundAnnounced")

    def own(self) -> dict[str, list[str]]:
        """The roots that a copy should back: commitments of every epoch, the others of the bundle's own."""
        terms = self.terms()
        announced = terms.get("announcement_root") if terms else None
        proposed = self.event("SelectionProposed", self.epoch) or {}
        one_each = {
            "selection": proposed.get("selection_root"),
            "announcement": announced,
            "shown": proposed.get("shown_root"),
        }
        return {"commitment": list(self.roots.get("commitment", {}))} | {
            name: [root] for name, root in one_each.items() if root is not None
        }

    def close(self) -> datetime | None:
        frozen = self.event("RoundFrozen")
        return datetime.fromisoformat(frozen["closes_at"]) if frozen else None
