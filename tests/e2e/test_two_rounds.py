"""Two rounds at once over all four services, each on its own clock: neither moves the other, deadlines are exact."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from shared.clock import TimeMap
from shared.proof.merkle import digest_of
from tests.conftest import StartStack
from tests.support.consuming import until
from tests.support.rounds import CLOSES, OPENS, Office, application, clock_map, purchase_request, write_inbox

FIRMS = 20
TOO_LATE = 20


def time_map(rehearsal: dict[str, Any]) -> TimeMap:
    real, programme = (datetime.fromisoformat(rehearsal[name]) for name in ("real_anchor", "programme_anchor"))
    return TimeMap(real, programme, rehearsal["rate"])


class Round:
    """One of the two, and what its applicants were answered."""

    def __init__(self, office: Office, round_id: str, rehearsal: dict[str, Any]) -> None:
        self.office = office
        self.round = round_id
        self.map = time_map(rehearsal)
        self.receipts: list[dict[str, Any]] = []

    def now(self) -> datetime:
        return self.map.programme(datetime.now(UTC))

    async def apply(self, number: int) -> int:
        before = self.now()
        answer = await self.office.client.post(f"/rounds/{self.round}/applications", json=application(number))
        after = self.now()
        assert answer.status_code in (201, 409, 410), answer.text
        if after < OPENS:
            assert answer.status_code == 409, "not open yet"
        elif before >= OPENS and after < CLOSES:
            assert answer.status_code == 201, f"in the window from {before} to {after}"
        elif before >= CLOSES:
            assert answer.status_code == 410, f"after the close, from {before} to {after}"
        if answer.status_code == 201:
            receipt = answer.json()
            assert OPENS <= datetime.fromisoformat(receipt["received_at"]) < CLOSES
            self.receipts.append(receipt)
        return int(answer.status_code)

    async def apply_around_the_close(self, numbers: range) -> set[int]:
        """From shortly before it until some have been too late."""
        lead = (self.map.real(CLOSES) - datetime.now(UTC)).total_seconds() - 0.4
        await asyncio.sleep(max(0.0, lead))
        answers: list[int] = []
        for number in numbers:
            answers.append(await self.apply(number))
            if answers.count(410) == TOO_LATE:
                break
        return set(answers)

    async def is_what_was_entered(self) -> dict[str, Any]:
        await self.office.status(self.round, "frozen")
        manifest = (await self.office.client.get(f"/rounds/{self.round}/manifest")).json()["applications"]
        entered = digest_of(
            (receipt["application"], receipt["version"], receipt["payload_hash"]) for receipt in self.receipts
        )
        assert manifest["root"] == entered.root
        committed = await self.office.milestone(self.round, "InputsCommitted")
        assert committed["applications_root"] == entered.root
        return committed


@pytest.mark.alone("firms apply up to the last moment of two windows of seconds")
async def test_two_overlapping_rounds_on_their_own_clocks(start_stack: StartStack) -> None:
    stack = await start_stack(environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "1"})
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        await office.institution("kepco", first_round=30_000_000, second_round=20_000_000)
        maps = {"first-round": clock_map(8, opens_in=1), "second-round": clock_map(14, opens_in=3, seed="another")}
        rounds = []
        for round_id, rehearsal in maps.items():
            await office.announce(round_id, rehearsal=rehearsal)
            rounds.append(Round(office, round_id, rehearsal))
        first, second = rounds
        early = await second.apply(999)
        assert early == 409
        for each in rounds:
            await office.status(each.round, "open")
        for each in rounds:  # the same firms, products and request ids of their own in both
            name = each.round.partition("-")[0]
            asked = purchase_request(each.round, name)
            await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", f"to-{name}", asked))
            for number in range(1, FIRMS + 1):
                await each.apply(number)
        assert {len(each.receipts) for each in rounds} == {FIRMS}, "both windows are open at once"

        around = await first.apply_around_the_close(range(100, 400))
        assert around == {201, 410}
        assert (await office.shown(second.round))["status"] == "open", "the other goes on"
        assert await second.apply(500) == 201
        assert await second.apply_around_the_close(range(600, 900)) == {201, 410}

        commitments = [await each.is_what_was_entered() for each in rounds]
        assert commitments[0]["commitment_root"] != commitments[1]["commitment_root"]
        for each in rounds:
            await office.confirm(each.round)
        for each in rounds:
            results = await office.results(each.round, len(each.receipts))
            assert {result["application"] for result in results} == {
                receipt["application"] for receipt in each.receipts
            }

        async def everybody_told() -> bool:
            expected = 3 * sum(len(each.receipts) for each in rounds)
            return sum(1 for _ in stack.mail_folder.glob("*.eml")) == expected

        await until(everybody_told, "a receipt, a verdict and a result by mail for each entry of both rounds", 60)
