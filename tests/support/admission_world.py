"""Intake's own code on a real database, so that a test can stop any transaction where it likes and go on later.

Routes, acts and the freeze are the service's own, spoken to in this process. What stands between is a pool whose
connections wait at a gate: before a round's lock, behind it, or before the commit. There is no Kafka: what would be
published is read in the outbox table, from which nothing is taken.
"""

import asyncio
import itertools
import json
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx2

from services.intake.storage import rounds as stored_rounds
from services.intake.storage.rounds import Announcement
from services.intake.usecases.admission import Admission
from services.intake.usecases.freeze import freeze
from shared.proof.merkle import digest_of
from tests.support.accidents import CURRENT, Accident, Operation, Place
from tests.support.admission_servers import OFFICERS, Servers
from tests.support.rounds import CLOSES, OPENS, application, business_number

HOUR = timedelta(hours=1)
_rounds = itertools.count(1)


Receipt = dict[str, Any]


class World:
    """One round: who asked for what, what each was answered, and what must be true of it in the end."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.clock = servers.clock
        self.operations = servers.operations
        self.keys: dict[tuple[int, str], int] = {}
        """Price that was accepted of a firm under an idempotency key of its."""
        self.reused: list[tuple[tuple[int, str], int]] = []
        self.refused_keys: set[tuple[int, str]] = set()
        """Under which somebody was refused behind the freeze: nothing stands under them for ever."""
        self.receipts: dict[tuple[str, int], Receipt] = {}
        self.firsts: dict[tuple[int, str], Receipt] = {}
        """The first receipt under each key."""
        self.entered: dict[int, Receipt] = {}
        self.late: set[str] = set()
        self.unanswered: list[tuple[str, int, int]] = []
        self.closed: list[tuple[datetime, str]] = []
        """Who was refused after which close, before the freeze."""

    @classmethod
    async def begun(cls, servers: Servers) -> "World":
        await servers.forget()
        world = cls(servers)
        servers.round = f"machine-{next(_rounds)}"
        world.clock.moment = OPENS + HOUR
        source = [{"source": "lotto", "kind": "lottery", "period_seconds": 604800, "description": "lotto"}]
        async with servers.pool.acquire() as connection:
            await connection.execute("TRUNCATE outbox")
            announcement = Announcement(
                round=servers.round,
                title="시험",
                opens_at=OPENS,
                closes_at=CLOSES,
                policy={},
                policy_hash="0" * 64,
                lead_seconds=3600,
                sources=source,
            )
            await stored_rounds.announce(connection, announcement)
            await stored_rounds.open_round(connection, servers.round)
        return world

    @property
    def round(self) -> str:
        return self.servers.round

    # Operations and their course

    async def start(
        self,
        name: str,
        work: Callable[[Operation], Coroutine[Any, Any, None]],
        place: Place,
        accident: Accident = Accident.NONE,
    ) -> None:
        """Begins it, and returns when it is held, waits for a lock, or is done."""
        operation = Operation(name, place, accident, self.clock.moment)
        CURRENT.set(operation)  # copied into the task
        operation.task = asyncio.create_task(work(operation), name=name)
        CURRENT.set(None)
        self.operations.append(operation)
        await self.quiet()

    async def quiet(self) -> None:
        """Until nobody makes a step without a gate being opened."""
        while True:
            moving = [
                operation
                for operation in self.operations
                if not operation.held and operation.task is not None and not operation.task.done()
            ]
            if await self.servers.all_wait_for_locks(moving):
                break
            await asyncio.sleep(0.001)
        for operation in [
            operation for operation in self.operations if operation.task is not None and operation.task.done()
        ]:
            self.operations.remove(operation)
            assert operation.task is not None
            operation.task.result()

    async def open_gate(self, choice: int) -> None:
        held = [operation for operation in self.operations if operation.held]
        if held:
            chosen = held[choice % len(held)]
            chosen.held = False
            chosen.passed.set()
        await self.quiet()

    # What may be asked

    async def submit(self, firms: Sequence[tuple[int, int, str | None]], place: Place, accident: Accident) -> None:
        """Submissions (firm, price, key) that reach one replica together: one group, but for those of one product."""
        if accident is Accident.UNANSWERED and not all(key for _, _, key in firms):
            accident = Accident.NONE  # without a key nobody could learn what became of it

        async def work(operation: Operation) -> None:
            admission = Admission(self.servers.outbox, self.servers.signing, 16, 100)
            operation.admission = admission
            operation.keyed = [(firm, price, key) for firm, price, key in firms if key]
            asked = [asyncio.create_task(self._post(operation, *firm)) for firm in firms]
            while operation.waiting < len(firms):
                await asyncio.sleep(0)
            writing = asyncio.create_task(admission.write_groups(self.servers.gated))
            try:
                await asyncio.gather(*asked)
            finally:
                writing.cancel()

        await self.start(f"submit {firms}", work, place, accident)

    async def _post(self, operation: Operation, firm: int, price: int, key: str | None) -> None:
        headers = {"Idempotency-Key": key} if key else {}
        body, known_before = application(firm, price_won=price), set(self.firsts)
        answer = await self.servers.http.post(f"/rounds/{self.round}/applications", json=body, headers=headers)
        told = answer.json()
        if answer.status_code == 503:
            assert operation.accident is not Accident.NONE, "nothing was away"
            if key:
                self.unanswered.append((key, firm, price))
        elif answer.status_code == 201:
            assert told["token"]
            if key:
                assert self.keys.setdefault((firm, key), price) == price, "one body under one key of a firm"
                assert self.firsts.setdefault((firm, key), told) == told, "a retry gets the first receipt"
            self._accepted(operation, told)
            known = self.entered.setdefault(firm, told)
            assert known["application"] == told["application"], "one application of one product"
        elif answer.status_code == 410:
            assert (firm, key) not in known_before, "a retry gets its receipt after the close too"
            self._refused(operation, body["contact"]["email"])
            if key and operation.stood is not None and operation.stood[0] != "open":
                self.refused_keys.add((firm, key))
        elif answer.status_code == 422:
            assert key, answer.text
            self.reused.append(((firm, key), price))
        else:
            assert (answer.status_code, told["type"].rsplit(":", 1)[1]) == (409, "already-entered"), answer.text

    async def resubmit(self, choice: int, price: int, *, stale: bool, place: Place) -> None:
        firm, first = self._entered(choice)
        newest = max(version for application_id, version in self.receipts if application_id == first["application"])

        async def work(operation: Operation) -> None:
            named = newest - 1 if stale else newest
            answer = await self.servers.http.put(
                f"/applications/{first['application']}",
                json=application(firm, price_won=price),
                headers={"Authorization": f"Bearer {first['token']}", "If-Match": f'"{named}"'},
            )
            if answer.status_code == 200:
                assert answer.json()["version"] == named + 1, "it replaces the version it names"
                self._accepted(operation, answer.json())
            elif answer.status_code == 410:
                self._refused(operation, None)
            else:
                assert answer.status_code == 412, answer.text

        await self.start(f"resubmit {firm}", work, place)

    async def withdraw(self, choice: int, place: Place) -> None:
        firm, first = self._entered(choice)

        async def work(operation: Operation) -> None:
            url = f"/applications/{first['application']}/withdrawal"
            token = {"Authorization": f"Bearer {first['token']}"}
            answer = await self.servers.http.post(url, json={"reason": "sold out"}, headers=token)
            if answer.status_code == 200:
                assert answer.json()["withdrawn"]
                self._accepted(operation, answer.json())
            else:
                assert answer.status_code == 410, answer.text
                self._refused(operation, None)

        await self.start(f"withdraw {firm}", work, place)

    async def extend(self, hours: int, place: Place) -> None:
        """Two officers move the close; it is refused when another extension or the freeze came first."""

        async def work(operation: Operation) -> None:
            closes_at = (await self.servers.standing())[1] + hours * HOUR
            answer = await self._act("extend", {"closes_at": closes_at.isoformat()})
            if answer is not None and answer.status_code == 200:
                assert operation.stood is not None
                assert operation.stood[0] == "open", "a fixed set is not opened again"

        await self.start(f"extend by {hours} h", work, place)

    async def freeze(self, place: Place) -> None:
        async def work(operation: Operation) -> None:
            await freeze(self.servers.gated, self.servers.outbox, self.round, self.clock)
            assert operation.stood is not None

        await self.start("freeze", work, place)

    async def admit_late(self, firm: int, place: Place) -> None:
        async def work(operation: Operation) -> None:
            frozen = "SELECT epoch, applications FROM rounds WHERE round = $1"
            row = await self.servers.pool.fetchrow(frozen, self.round)
            assert row is not None
            root = row["applications"]["root"] if row["applications"] else ""
            terms = {"epoch": row["epoch"], "applications_root": root, "source": "lotto"}
            answer = await self._act("admit-late", terms, entry=application(firm))
            if answer is not None and answer.status_code == 200:
                receipt = answer.json()["receipt"]
                assert operation.stood is not None
                assert operation.stood[0] == "frozen", "admitted late into a set that is not fixed"
                self.receipts[receipt["application"], 1] = receipt
                self.late.add(receipt["application"])

        await self.start(f"admit {firm} late", work, place)

    async def _act(self, kind: str, terms: dict[str, Any], **more: Any) -> httpx2.Response | None:
        """The answer to the approval; None when it could not even be proposed."""
        one, two = ({"Authorization": f"Bearer {name}"} for name in OFFICERS)
        body = {"act": kind, "terms": terms, "reason": "an outage"} | more
        proposed = await self.servers.http.post(f"/rounds/{self.round}/acts", json=body, headers=one)
        if proposed.status_code != 201:
            assert proposed.status_code == 409, proposed.text
            return None
        url = f"/rounds/{self.round}/acts/{proposed.json()['act']}/approval"
        answer = await self.servers.http.post(url, headers=two)
        assert answer.status_code in (200, 409), answer.text
        return answer

    def _entered(self, choice: int) -> tuple[int, Receipt]:
        firms = sorted(self.entered)
        firm = firms[choice % len(firms)]
        return firm, self.entered[firm]

    # What must be true of it

    def _accepted(self, operation: Operation, receipt: Receipt) -> None:
        place = receipt["application"], receipt["version"]
        known = self.receipts.setdefault(place, receipt)
        if known is receipt:
            assert operation.stood is not None, "accepted without the round's lock"
            status, closes_at = operation.stood
            assert status == "open", "accepted after the freeze"
            assert datetime.fromisoformat(receipt["received_at"]) < closes_at, "accepted after the close"
        else:
            assert {**known, "token": None} == {**receipt, "token": None}, "one version, one receipt"

    def _refused(self, operation: Operation, email: str | None) -> None:
        assert operation.stood is not None, "refused without the round's lock"
        status, closes_at = operation.stood
        if status == "open":
            assert operation.started >= closes_at, "refused before the close that stood"
            if email:
                self.closed.append((closes_at, email))

    async def settle(self) -> None:
        """The close passes and the round freezes, whoever is still held, and whoever is held asks again meanwhile; then
        everything is held against it."""
        closes_at = (await self.servers.standing())[1]
        self.clock.moment = max(self.clock.moment, closes_at)
        held = [asked for operation in self.operations for asked in operation.keyed]
        await self.freeze(Place.NOWHERE)
        for asked in held[:4]:
            await self.submit([asked], Place.NOWHERE, Accident.NONE)
        for _ in range(200):
            if not self.operations:
                break
            await self.open_gate(0)
        assert not self.operations, "somebody waits for ever"
        while (await self.servers.standing())[0] != "frozen":  # an extension landed first
            self.clock.moment = (await self.servers.standing())[1]
            await self.freeze(Place.NOWHERE)
        await self._asked_again()
        await self._late_submission()
        await self._manifests()
        await self._outbox()

    async def _asked_again(self) -> None:
        """Whoever got no answer asks again under the key: the receipt, exactly if it was accepted."""
        for key, firm, price in self.unanswered:
            rows = await self.servers.pool.fetch(
                "SELECT application::text FROM keys_of_firms WHERE round = $1 AND business_number = $2 AND key = $3",
                self.round,
                business_number(firm),
                key,
            )
            body = application(firm, price_won=price)
            answer = await self._send(body, {"Idempotency-Key": key})
            if answer.status_code == 201:
                assert self.keys.setdefault((firm, key), price) == price, "one body under one key of a firm"
                assert answer.json()["application"] == rows[0]["application"]
                self.receipts.setdefault((answer.json()["application"], 1), answer.json())
            else:
                assert answer.status_code == (422 if rows else 410), answer.text
        assert not any(self.keys[key] == price for key, price in self.reused), "the same body, taken for another"
        assert not self.refused_keys & self.keys.keys(), "refused behind the freeze, and accepted"
        for (firm, key), receipt in self.firsts.items():
            price = self.keys[firm, key]
            answer = await self._send(application(firm, price_won=price), {"Idempotency-Key": key})
            assert (answer.status_code, answer.json()) == (201, receipt), "its receipt, after the freeze too"

    async def _late_submission(self) -> None:
        assert (await self._send(application(99), {})).status_code == 410

    async def _send(self, body: Any, headers: dict[str, str]) -> httpx2.Response:
        operation = Operation("settling", Place.NOWHERE, Accident.NONE, self.clock.moment)
        operation.admission = Admission(self.servers.outbox, self.servers.signing, 16, 100)
        CURRENT.set(operation)
        writing = asyncio.create_task(operation.admission.write_groups(self.servers.gated))
        try:
            return await self.servers.http.post(f"/rounds/{self.round}/applications", json=body, headers=headers)
        finally:
            writing.cancel()
            CURRENT.set(None)

    async def _manifests(self) -> None:
        """Accepted ⇔ in the manifest: the freeze's holds all but who was admitted late, the newest holds those too."""
        epochs = await self.servers.pool.fetch(
            "SELECT epoch, applications FROM epochs WHERE round = $1 ORDER BY epoch", self.round
        )
        assert len(epochs) == 1 + len(self.late)
        newest: dict[str, Receipt] = {}
        for (identifier, _), receipt in sorted(self.receipts.items(), key=lambda item: item[0]):
            newest[identifier] = receipt
        leaves = [
            (identifier, receipt["version"], receipt["payload_hash"])
            for identifier, receipt in newest.items()
            if not receipt.get("withdrawn")
        ]
        frozen = digest_of(leaf for leaf in leaves if leaf[0] not in self.late)
        for row, expected in ((epochs[0], frozen), (epochs[-1], digest_of(leaves))):
            held = row["applications"]["count"], row["applications"]["root"]
            assert held == (expected.count, expected.root), "accepted ⇔ in the manifest"
        rows = await self.servers.pool.fetch(
            "SELECT business_number, product_key FROM applications WHERE round = $1", self.round
        )
        assert len({tuple(row) for row in rows}) == len(rows) == len(newest), "one application of one product"

    async def _outbox(self) -> None:
        """One event id, one content; every accepted version is told, and whoever an extension lets in again."""
        contents: dict[str, Any] = {}
        told: dict[str, list[Any]] = {}
        for row in await self.servers.pool.fetch("SELECT types, ids, bodies FROM outbox ORDER BY batch"):
            for kind, identifier, body in zip(*row.values(), strict=True):
                assert identifier not in contents, f"{kind} {identifier} was made true twice"
                contents[identifier] = body
                told.setdefault(kind, []).append(json.loads(body))
        versions = {
            (body["application"], body["version"])
            for kind in ("ApplicationSubmitted", "ApplicationWithdrawn")
            for body in told.get(kind, ())
        }
        assert versions == self.receipts.keys(), "published ⇔ accepted"
        (frozen,) = told["RoundFrozen"]
        assert frozen["frozen_at"] >= frozen["closes_at"], "frozen before its close"
        emails = {contact["party"]: contact["email"] for contact in told.get("ContactChanged", ())}
        doubtful = {application(firm)["contact"]["email"] for _, firm, _ in self.unanswered}
        for extended in told.get("RoundExtended", ()):
            before, after = datetime.fromisoformat(extended["closed_at_before"]), extended["closes_at"]
            invited = [one["party"] for one in told.get("RefusalReconsidered", ()) if one["closes_at"] == after]
            refused = {email for closed, email in self.closed if closed == before}
            assert {emails[party] for party in invited} - doubtful == refused - doubtful, "told that they may come back"
            assert len({emails[party] for party in invited}) == len(invited), "each of them once"
