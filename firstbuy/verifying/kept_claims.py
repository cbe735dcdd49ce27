"""Which claims of a bundle each copy that somebody kept backs, and which contradict it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from firstbuy.verifying.findings import HASH
from firstbuy.verifying.kept_kinds import BUNDLE, EVENTS, PACK, PROOF, RECEIPT, ROUND
from firstbuy.verifying.kept_round import EACH, HELD, HELD_MEMBERS, ROOTS, Body, RoundSays, place_of
from firstbuy.verifying.kept_values import BESIDE, MOMENTS, Kept, same, short
from firstbuy.verifying.receipts import examined_proof, examined_receipt
from services.selection.verify import harmless

Keys = Sequence[Mapping[str, Any]]


class Comparing:
    """One document after another, against what the bundle says."""

    def __init__(self, says: RoundSays, keys: Keys | None, withdrawals: Sequence[Body]) -> None:
        self.says, self._keys = says, keys
        self.held: dict[str, list[str]] = {}
        self._backed: set[tuple[str, str]] = set()
        self._rows_backed: set[str] = set()
        self._withdrawn = {
            (repr(withdrawal["round"]), repr(withdrawal["application"]))
            for withdrawal in withdrawals
            if "round" in withdrawal
        }
        self._kept = Kept()
        self._own = says.own()
        self._of_kind: dict[str, Callable[[Body], None]] = {
            RECEIPT: self._receipt,
            PROOF: self._proof,
            ROUND: self._round,
            PACK: self._pack,
            "RoundNoticed": self._notice,
            "InboxAnswered": self._answered,
            "AwardNoticed": self._award,
            "AwardWithdrawn": lambda body: self._root("selection", body["selection_root"], body["epoch"]),
        }

    def of_file(self, kinds: Sequence[tuple[str, Body] | None]) -> Kept:
        """What one kept file backs and contradicts, by its kind."""
        self._kept = kept = Kept()
        others = unknown = 0
        for found in kinds:
            if found is None:
                unknown += 1
                continue
            kind, body = found
            if kind == BUNDLE:
                kept.says.append("it is a bundle itself, which `firstbuy verify evidence` examines: it backs no other")
                return kept
            if kind == "AuditHead":
                self._head(body)
            elif body.get("round") != self.says.round and not (kind == PACK and self._is_of_round(body)):
                others += 1
            else:
                self._one(kind, body)
        if others:
            kept.says.append(f"{others} of {len(kinds)} say nothing of this round")
        if unknown:
            kept.says.append(f"not read: {unknown} of {len(kinds)} are no record that is known here")
        for lines in (kept.checked, kept.differs, kept.says):
            lines[:] = dict.fromkeys(map(harmless, lines))
        return kept

    def unbacked(self) -> list[str]:
        """The roots of the bundle's own result that no kept file has."""
        roots = [(kind, root) for kind, roots in self._own.items() for root in roots]
        return [
            *(f"nobody's copy backs {self._called(*root)}" for root in roots if root not in self._backed),
            f"{len(self._rows_backed)} of {self.says.applications} applications are backed by somebody's copy",
        ]

    def _one(self, kind: str, body: Body) -> None:
        try:
            if kind in EVENTS:
                self._event(kind, body)
            else:
                self._of_kind[kind](body)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            self._kept.says.append(f"not read: {kind} is not as the format has it: {type(error).__name__}")

    def _backs(self, what: str) -> None:
        self._kept.checked.append(f"backs: {what}")

    def _contradicts(self, what: str) -> None:
        self._kept.differs.append(f"contradicts: {what}")

    # Roots

    def _root(self, kind: str, root: Any, epoch: Any = None) -> None:
        """`epoch`: of which it is, where the copy says so."""
        if not isinstance(root, str) or not HASH.fullmatch(root):
            self._kept.says.append(f"not read: the {kind} root {short(root)} is no root")
            return
        stated = self.says.roots.get(kind, {})
        epochs = stated.get(root, set())
        if (epoch is None and not epochs) or (epoch is not None and epoch not in epochs and 0 not in epochs):
            mine = (
                ", ".join(sorted(stating for stating, of in stated.items() if epoch is None or epoch in of)) or "none"
            )
            of = "" if epoch is None else f" of epoch {short(epoch)}"
            self._contradicts(f"the {kind} root{of} is {root} here, and in the bundle {mine}")
        else:
            self._backs(self._called(kind, root))
            self._backed.add((kind, root))
        self._hold(kind, root, epoch)

    def _hold(self, kind: str, root: str, epoch: Any) -> None:
        """What is of another epoch, or of terms that were amended since, is held against the bundle here alone."""
        epochs = self.says.roots.get(kind, {}).get(root)
        past = epochs is not None and root not in self._own.get(kind, ())
        other = kind != "commitment" and type(epoch) is int and epoch != self.says.epoch
        if kind in HELD and not past and not other and root not in self.held.setdefault(kind, []):
            self.held[kind].append(root)

    def _called(self, kind: str, root: str) -> str:
        epochs = sorted(self.says.roots[kind][root] - {0})
        return f"the {kind} root" + (f" of epoch {', '.join(map(str, epochs))}" if epochs else "")

    # Events

    def _event(self, name: str, body: Body) -> None:
        mine = self.says.events.get(place_of(name, body))
        each = f" {short(body.get(EACH[name]))}" if name in EACH else ""
        about = f"{name}{each}" + (f" of epoch {short(body['epoch'])}" if "epoch" in body else "")
        for member, kind in ROOTS.items():
            if member in HELD_MEMBERS and body.get(member) is not None:
                self._root(kind, body[member], body.get("epoch"))
        stamp = body.get("timestamp")
        if isinstance(stamp, dict):
            named = {name: body[name] for name in ("round", "epoch", "commitment_root")}
            self._event("CommitmentTimeStamped", named | stamp)
        if mine is None:
            self._contradicts(f"{about}, which the bundle has not: it is of before that, or leaves it out")
            return
        wrong = sorted(name for name in body.keys() - BESIDE if not same(body[name], mine.get(name)))
        for member in wrong:
            told = f"{short(body[member])} here, and in the bundle {short(mine.get(member))}"
            self._contradicts(f"{member} of {about} is {told}")
        if not wrong:
            self._backs(f"{about}, as it was published")
        if name == "CommitmentTimeStamped":
            self._kept.says.append(
                f"it says that an authority stamped the commitment of epoch {short(body['epoch'])} at "
                f"{short(body['stamped_at'])}: `firstbuy verify timestamp` checks its signature"
            )

    def _round(self, body: Body) -> None:
        for member in ("announcement_root", "policy_hash", "applications_root", "requests_root"):
            if body.get(member) is not None:
                self._root(ROOTS[member], body[member])

    # What institutions have

    def _notice(self, body: Body) -> None:
        roots, epoch = dict(body["roots"]), None
        of_commitment = self.says.roots.get("commitment", {}).get(roots.get("commitment", ""))
        if of_commitment:
            epoch = min(of_commitment)
        for kind, root in sorted(roots.items()):
            if kind in ROOTS.values() or kind == "token":
                self._root(kind, root, None if kind in ("policy", "announcement") else epoch)
            else:
                self._kept.says.append(f"not read: of roots called {short(kind)} nothing is known here")
        if body["turn"] in MOMENTS:
            self._moment(body, epoch)

    def _moment(self, body: Body, epoch: int | None) -> None:
        turn = body["turn"]
        name, member, own = MOMENTS[turn]
        stated, kept = [event for event in self.says.told(name) if epoch in (None, event.get("epoch"))], body.get(own)
        if kept is None:
            return
        if any(same(kept, event[member]) for event in stated):
            self._backs(f"that the round was {turn}: {member} {kept}")
        else:
            mine = ", ".join(str(event[member]) for event in stated) or f"no {name}"
            self._contradicts(f"the round was {turn} with {member} {short(kept)}, and in the bundle is {mine}")

    def _answered(self, body: Body) -> None:
        if body["answer"] != "accepted" or body.get("payload_hash") is None:
            self._kept.says.append("an answer that fixes nothing of the set")
            return
        self._row("request", body["request"], body["version"], body["payload_hash"])

    def _award(self, body: Body) -> None:
        self._root("selection", body["selection_root"])
        row = self.says.rows.get(body["application"])
        if body["selection_root"] not in self._own.get("selection", ()):
            return
        about = f"application {short(body['application'])}"
        if row is None:
            self._contradicts(f"{about} was awarded, and is not in the set")
            return
        moved = self.says.told("ReleaseOpened")
        mine = [award for award in row["awards"] if award[0].partition("/")[0] == body["institution"]]
        kept = [[award["request"], award["quantity"], award["amount_won"]] for award in body["awards"]]
        for what, one, other in (
            ("position", body["position"], row.get("position")),
            ("product", body["product"], row.get("product")),
            ("awards", kept, mine),
        ):
            if what == "awards" and moved:
                self._kept.says.append(f"the awards of {about}, which batches may have changed, are not compared")
            elif what == "product" and other is None:
                continue  # of somebody whom a batch selected, no name stands in the selection
            elif same(one, other):
                self._backs(f"the {what} of {about}")
            else:
                self._contradicts(f"the {what} of {about} is {short(one)} here, and in the bundle {short(other)}")

    def _head(self, body: Body) -> None:
        service = short(body["service"])
        self._kept.says.append(
            f"a head of {service}'s audit log: it backs that log, not the bundle; `firstbuy audit verify --heads` "
            "checks it"
        )

    # What applicants have

    def _receipt(self, body: Body) -> None:
        about = f"application {short(body['application'])} version {short(body['version'])}"
        if self._keys is None:
            self._kept.says.append(f"the signature of the receipt of {about} was not checked: give --keys")
        else:
            wrong = examined_receipt(body, self._keys).differs
            if wrong:
                self._kept.says.append(f"not read: the receipt of {about} is none: {wrong[0]}")
                return
        if body["withdrawn"] is True:
            self._withdrawal(body, about)
        else:
            self._row("application", body["application"], body["version"], body["payload_hash"], body["received_at"])

    def _withdrawal(self, body: Body, about: str) -> None:
        row = self.says.rows.get(body["application"])
        if row is None:
            self._backs(f"{about} withdrew it, and it is not in the set")
        elif row["version"] <= body["version"]:
            self._contradicts(f"{about} withdrew it, and version {row['version']} is in the set")
        else:
            self._kept.says.append(f"{about} withdrew it, before version {row['version']} was received")

    def _row(self, what: str, identifier: str, version: int, payload: str, received_at: str | None = None) -> None:
        about, row = f"{what} {short(identifier)} version {short(version)}", self.says.rows.get(identifier)
        close = self.says.close()
        after = received_at is not None and close is not None and datetime.fromisoformat(received_at) > close
        if row is not None and row["version"] == version and type(version) is int:
            if row["payload_hash"] == payload:
                self._backs(f"{about} is in the set with that payload hash")
                self._rows_backed |= {identifier} if what == "application" else set()
            else:
                told = f"{short(payload)} here, and in the bundle {row['payload_hash']}"
                self._contradicts(f"the payload hash of {about} is {told}")
        elif row is not None and row["version"] > version:
            self._kept.says.append(f"{about} is older than version {row['version']}, which is in the set")
        elif after or (row is None and (what == "request" or self.says.epoch > 1)):
            why = "it came after the close" if after else "it may have been taken out, of which the bundle has the acts"
            self._kept.says.append(f"{about} is not in the set: {why}")
        elif (repr(self.says.round), repr(identifier)) in self._withdrawn:
            self._kept.says.append(f"{about} is not in the set: it was withdrawn")
        else:
            there = f"version {row['version']} is" if row is not None else "nothing is"
            self._contradicts(f"{about} was received, {there} in the set, and no copy here says that it was withdrawn")

    def _proof(self, body: Body) -> None:
        epoch = body.get("epoch")
        fixed = self.says.event("RoundFrozen" if epoch == 1 else "EpochOpened", epoch)
        if fixed is None:
            self._contradicts(f"a proof of epoch {short(epoch)}, of which the bundle has no set")
            return
        wrong = examined_proof(body, fixed).differs
        if wrong and examined_proof(body).differs:
            self._kept.says.append(f"not read: the proof leads nowhere: {wrong[0]}")
        elif wrong:
            self._contradicts(f"a proof of epoch {epoch}: {wrong[0]}")
        else:
            self._root("applications", body["manifest_root"], epoch)
            if epoch == self.says.epoch:
                self._row("application", *body["leaf"])

    def _is_of_round(self, body: Body) -> bool:
        return isinstance(body.get("round"), dict) and body["round"].get("round") == self.says.round

    def _pack(self, body: Body) -> None:
        for commitment in body["commitments"]:
            self._root("commitment", commitment["commitment_root"], commitment["epoch"])
        self._root("selection", body["result"]["selection_root"], body["epoch"])
        if body["epoch"] == self.says.epoch:
            stated = body["application"]
            self._row("application", stated["application"], stated["version"], stated["payload_hash"])
        self._kept.says.append("the pack itself was not examined: `firstbuy verify pack` does")
