"""The month, driven: everything is sent when it is due, every turn of the round is awaited on the topics."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from deploy.local.registries.records import Mood
from firstbuy.demo import first_half
from firstbuy.demo.account import RESULTS
from firstbuy.demo.away import ServiceAwayError
from firstbuy.demo.client import Senders, Traffic
from firstbuy.demo.course import LONGER, Course, Window, expected_notices
from firstbuy.demo.demand import Awarded, reports_on
from firstbuy.demo.first_half import Beside, FirstHalf
from firstbuy.demo.generator import Plan
from firstbuy.demo.inbox_writers import InboxWriters
from firstbuy.demo.observer import FOLLOWED, Observer
from firstbuy.demo.office import Office, rehearsed
from firstbuy.demo.progress import Screen
from firstbuy.demo.registries import TaxService
from firstbuy.demo.target import DemoFailedError, Target, TooSlowError
from shared.contracts import topics

OPENS_IN: Final = 2.0
"""Real seconds from the announcement to the opening; the early ones are sent in it."""
LAST_SECONDS: Final = 1.0
"""Before the close nothing is sent any more: what is not answered by then would be in doubt."""
PATIENCE: Final = 120.0


async def drive(
    target: Target, plan: Plan, terms: Mapping[str, Any], policy: Any, institutions: Mapping[str, Any],
    beside: Beside, seed: int, wanted: float | None, screen: Screen,
) -> tuple[Course, FirstHalf]:  # fmt: skip
    """`institutions`: by round."""
    client = target.client.client_arguments()
    round_id = str(terms["round"])
    mails_before = _mails(target)
    async with AsyncExitStack() as held:
        office, writers = Office(target), InboxWriters(target.client, target.topic_prefix)
        held.push_async_callback(office.close)
        held.push_async_callback(writers.stop)
        tax_service = TaxService(target.registries_url)
        held.push_async_callback(tax_service.close)
        screen.note(f"{await tax_service.register(plan)} firms are in the tax service's registry, which the round asks")
        observer = await Observer.started(client, target.topic_prefix, round_id)
        held.push_async_callback(observer.stop)

        await office.open_office(("officer-kim", "officer-lee"))
        passwords = await office.onboard(institutions)
        codes = [institution["institution"] for institution in institutions[round_id]]
        await writers.start(codes, passwords)
        await observer.follow((*FOLLOWED, *map(topics.outbox, codes)))
        own_users = ", and a user that may use no others" if passwords else ""
        screen.phase("onboarded", f"{len(codes)} institutions, each with an inbox and an outbox topic" + own_users)

        window = Window.of(plan.calls, wanted)
        opens = datetime.now(UTC) + timedelta(seconds=OPENS_IN)
        told, rate = rehearsed(terms, opens, window.seconds, f"demo-{seed}")
        await office.announce(told, policy, "the second round of 2018, rehearsed")
        closes = await first_half.announce(office, beside, opens, window.seconds)
        course = Course(
            plan=plan,
            traffic=Traffic(),
            observer=observer,
            seen=observer.seen(round_id),
            sent=writers.sent,
            window=window,
            rate=rate,
        )
        month = _Month(round_id, target, office, writers, course, screen, opens, tax_service)
        moving = asyncio.create_task(month.show())
        held.push_async_callback(_ended, moving)
        after_the_rush = opens + timedelta(seconds=window.sending)
        other = asyncio.create_task(first_half.hold(target, observer, screen, beside, after_the_rush, closes))
        held.push_async_callback(_ended, other)
        await month.run()
        course.registry_calls = await tax_service.calls()
        first = await other
        course.apis = await _ask_services(office, round_id)
        course.mails_on_disk = _mails(target) - mails_before
        await observer.drained()
    return course, first


async def _ended(task: "asyncio.Task[Any]") -> None:
    """What it failed of was told by whoever awaited it, or comes of what ended us."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _mails(target: Target) -> int:
    return sum(1 for _ in target.mail_folder.glob("*.eml"))


async def _ask_services(office: Office, round_id: str) -> dict[str, Any]:
    asked = {
        "round": ("intake", f"/rounds/{round_id}"),
        "manifest": ("intake", f"/rounds/{round_id}/manifest"),
        "results": ("intake", f"/rounds/{round_id}/results"),
        "completeness": ("eligibility", f"/rounds/{round_id}/completeness"),
        "commitments": ("selection", f"/rounds/{round_id}/commitments"),
        "pledges": ("selection", f"/rounds/{round_id}/pledges"),
        "deliveries": ("notify", f"/rounds/{round_id}/deliveries"),
    }
    answers = await asyncio.gather(*(office.get(service, path) for service, path in asked.values()))
    return dict(zip(asked, answers, strict=True))


@dataclass(slots=True)
class _Month:
    round_id: str
    target: Target
    office: Office
    writers: InboxWriters
    course: Course
    screen: Screen
    opens: datetime
    tax_service: TaxService
    expected: dict[str, int] = field(default_factory=dict)

    @property
    def closes(self) -> datetime:
        return self.opens + timedelta(seconds=self.course.window.seconds)

    async def run(self) -> None:
        await self._before()
        await self._open()
        await self._after_close()
        await self._judge_and_draw()
        await self._tell()

    async def _before(self) -> None:
        senders = self._senders()
        await senders.send(self.course.plan.early)
        await self.writers.write(self.course.plan.demand.early)
        await self._event("RoundOpened", "the round did not open")
        month = f"2018-08-16 to 2018-09-14 in {self.course.window.seconds:.0f} s"
        self.screen.phase("open", f"{month}, policy {self._newest('RoundOpened')['policy_hash'][:16]}…")

    async def _open(self) -> None:
        plan, traffic, window = self.course.plan, self.course.traffic, self.course.window
        self._expect("answered", sum(plan.answers().values()))
        self._expect("admitted", len(plan.fates))
        self._expect("messages", plan.demand.messages)
        self._expect("judged", len(plan.fates))
        await self._senders().send(plan.contested)
        began = time.monotonic()
        stop_at = self.closes - timedelta(seconds=LAST_SECONDS)
        done, *_ = await asyncio.gather(
            self._senders().send(plan.in_time, over_seconds=window.sending, stop=lambda: datetime.now(UTC) >= stop_at),
            self.writers.write(plan.demand.in_time, over_seconds=window.sending),
            self._close_registry(window.sending / 2),
        )
        await self._senders().send(plan.beyond, stop=lambda: datetime.now(UTC) >= stop_at)
        self.course.busiest_margin = (self.closes - datetime.now(UTC)).total_seconds()
        if not done or self.course.busiest_margin < 0:
            raise TooSlowError(
                f"this machine was too slow for the window: {traffic.answered} of {plan.calls} requests were answered "
                f"when {window.seconds:.0f} s were over. Nothing is reported, since it would be wrong. "
                f"Run again with --window {window.seconds * LONGER:.0f}"
            )
        took = time.monotonic() - began
        self.screen.note(f"{plan.calls} requests answered in {took:.1f} s, {self.course.busiest_margin:.1f} s to spare")

    async def _close_registry(self, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        await self.tax_service.be(Mood.DOWN)
        self.screen.note("the tax service's registry is down: who applies now is pending, and refused nothing")

    async def _after_close(self) -> None:
        await asyncio.sleep(max(0.0, (self.closes - datetime.now(UTC)).total_seconds()) + 0.3)
        await self._senders().send(self.course.plan.late)
        await self.writers.write(self.course.plan.demand.late)
        await self._event("RoundFrozen", "the round did not freeze")
        frozen = self._newest("RoundFrozen")
        count, root = frozen["applications"]["count"], frozen["applications"]["root"]
        self.screen.phase("frozen", f"{count} applications under root {root[:16]}…")

    async def _wait_for_registry(self) -> None:
        """The round is frozen and waits: as many are pending as were not judged before the registry went down."""
        deadline = time.monotonic() + PATIENCE
        path = f"/rounds/{self.round_id}/completeness"
        while not self.course.pending and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
            try:
                stands = await self.office.get("eligibility", path)
            except ServiceAwayError:
                raise
            except DemoFailedError:  # eligibility has not heard of the freeze yet
                continue
            if stands["judged"] + stands["pending"] >= stands["expected"]:
                self.course.pending = stands["pending"]
        self.screen.note(f"frozen, and not judged: {self.course.pending} applications wait for the registry")
        await self.tax_service.be(Mood.WELL)
        self.screen.note("the registry is back: everything goes on by itself")

    async def _judge_and_draw(self) -> None:
        await self._wait_for_registry()
        await self._event("EligibilityCompleted", "eligibility did not complete")
        judged = self._newest("EligibilityCompleted")
        self.screen.phase("judged", f"{judged['eligible']} eligible, {judged['ineligible']} not")
        await self._event("InputsCommitted", "selection did not commit")
        committed = self._newest("InputsCommitted")
        self.screen.phase("committed", f"everything that decides, under {committed['commitment_root'][:16]}…")
        await self._event("SourceValueRecorded", "the source gave no value")
        await self._event("SelectionProposed", "selection did not propose")
        proposed = self._newest("SelectionProposed")
        said = f"{proposed['selected']} selected, {proposed['reserve']} in reserve"
        self.screen.phase("proposed", f"{said}; seed {proposed['seed'][:16]}… came after the commitment")
        await self.office.confirm(proposed)
        await self._event("SelectionConfirmed", "the confirmation had no effect")
        self.screen.phase("confirmed", f"by two officers, selection root {proposed['selection_root'][:16]}…")

    async def _tell(self) -> None:
        """Until everyone is told. What is missing at the end is a difference the checks will name."""
        observer, seen, plan = self.course.observer, self.course.seen, self.course.plan
        self._expect("results", plan.admitted)
        published = lambda: len(seen.standing(*RESULTS)) >= plan.admitted  # noqa: E731
        if not await observer.until(published, PATIENCE):
            raise DemoFailedError(f"results were not published in {PATIENCE:.0f} s; see {self.target.logs}")
        await self._report()
        mail, outbox = expected_notices(plan, seen)
        self._expect("mail", mail)
        self._expect("outbox", outbox)
        patience = PATIENCE + mail / 50
        told = lambda: seen.delivered["mail"] >= mail and seen.delivered["outbox"] >= outbox  # noqa: E731
        await observer.until(told, patience)
        delivered = seen.delivered
        self.screen.phase("told", f"{delivered['mail']} mails, {delivered['outbox']} notices to institutions")

    async def _report(self) -> None:
        """One institution says what became of an award, after much that can't be true."""
        seen, demand = self.course.seen, self.course.plan.demand
        results = {
            name: [body for named, body in seen.standing(*RESULTS).values() if named == name] for name in RESULTS
        }
        selected = next(iter(results["ProductSelected"]), None)
        reserve = next(iter(results["ProductReserved"] or results["ProductNotSelected"]), None)
        if selected is None or reserve is None:
            return
        award = selected["awards"][0]
        confirmed_at = datetime.fromisoformat(self._newest("SelectionConfirmed")["confirmed_at"])
        named = {name: award[name] for name in ("request", "institution", "quantity", "amount_won")}
        told = Awarded(self.round_id, selected["application"], **named, confirmed_at=confirmed_at)
        await self._read_by_intake()
        demand.reports += reports_on(told, reserve["application"])
        self._expect("messages", demand.messages)
        await self.writers.write(demand.reports)
        answered = lambda: len(seen.of("InboxAnswered")) >= demand.messages  # noqa: E731
        await self.course.observer.until(answered, PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            pledges = await self.office.get("selection", f"/rounds/{self.round_id}/pledges")
            if any(row["contracted_won"] for row in pledges):
                return
            await asyncio.sleep(0.1)

    async def _read_by_intake(self) -> None:
        """What is reported before intake has read the results is refused: they are not decided yet."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            read = await self.office.get("intake", f"/rounds/{self.round_id}/results")
            if len(read["results"]) >= self.course.plan.admitted:
                return
            await asyncio.sleep(0.2)

    async def show(self) -> None:
        """Moves the bars."""
        traffic, seen = self.course.traffic, self.course.seen
        while True:
            self.screen.move("answered", traffic.answered)
            self.screen.move("admitted", len(seen.admitted))
            self.screen.move("messages", len(seen.of("InboxAnswered")))
            self.screen.move("judged", len(seen.judged))
            self.screen.move("results", len(seen.standing(*RESULTS)))
            self.screen.move("mail", seen.delivered["mail"])
            self.screen.move("outbox", seen.delivered["outbox"])
            await asyncio.sleep(0.1)

    def _senders(self) -> Senders:
        return Senders(self.target.urls["intake"], self.round_id, self.course.traffic)

    def _expect(self, bar: str, total: int) -> None:
        self.expected[bar] = total
        self.screen.expect(bar, total)

    def _newest(self, name: str) -> dict[str, Any]:
        body = self.course.seen.newest(name)
        if body is None:
            raise DemoFailedError(f"no {name} was published")
        return body

    async def _event(self, name: str, complaint: str) -> None:
        if not await self.course.observer.until(lambda: bool(self.course.seen.of(name)), PATIENCE):
            raise DemoFailedError(f"{complaint} in {PATIENCE:.0f} s; the services' logs are in {self.target.logs}")
