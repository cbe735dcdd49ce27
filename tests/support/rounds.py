"""Opens and drives rounds over HTTP and the inboxes, as officers, firms and institutions do."""

import asyncio
import itertools
import json
import secrets
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import yaml
from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from firstbuy.onboarding.cluster import Cluster
from shared.programme.working_days import korean_date

PROJECT = Path(__file__).parents[2]
OPENS = datetime(2018, 8, 16, tzinfo=UTC)
CLOSES = datetime(2018, 9, 14, 9, tzinfo=UTC)
_numbers = itertools.count(1)


@cache
def _shipped(name: str) -> Any:
    return yaml.safe_load((PROJECT / "deploy/policies" / f"{name}.yaml").read_text())


def shipped_policy(name: str) -> dict[str, Any]:
    """As its file says it, to be changed by the test."""
    policy: dict[str, Any] = deepcopy(_shipped(name))
    return policy


def policy_2018_h2() -> dict[str, Any]:
    return shipped_policy("2018-h2")


def business_number(number: int) -> str:
    """A sole proprietor's number with a right check digit."""
    digits = f"{number:03d}01{number:04d}"[:9]
    weighed = sum(int(digit) * weight for digit, weight in zip(digits, (1, 3, 7, 1, 3, 7, 1, 3, 5), strict=True))
    return digits + str((10 - (weighed + 5 * int(digits[8]) // 10) % 10) % 10)


def application(number: int, **changed: Any) -> dict[str, Any]:
    """A startup with a valid certificate: eligible under 2018-h2. `changed` replaces fields of its product."""
    return {
        "track": "general",
        "applicant": {
            "name": f"시험기업 {number}",
            "business_number": business_number(number),
            "legal_form": "sole-proprietor",
            "started_on": "2015-03-02",
            "status": "active",
            "sanctioned": False,
            "supply_record": {"won": 0, "count": 0},
        },
        "product": {
            "name": f"제품 {number}",
            "reference": f"P-{number}",
            "class_code": "41112201",
            "price_won": 1_000_000,
            "capacity": 10,
            "delivery_days": 30,
        }
        | changed,
        "certificates": [
            {"kind": "nep", "number": "NEP-MOTIE-2017-012", "issued_on": "2017-05-01", "expires_on": "2020-04-30"}
        ],
        "contact": {"name": "담당자", "email": f"contact{number}@example.org"},
    }


def clock_map(real_seconds: float, opens_in: float = 0.0, seed: str = "test") -> dict[str, Any]:
    """The rehearsal map under which the window lasts `real_seconds` and opens after `opens_in`."""
    anchor = datetime.now(UTC) + timedelta(seconds=opens_in)
    rate = max(1, int((CLOSES - OPENS).total_seconds() / real_seconds))
    return {"real_anchor": str(anchor), "programme_anchor": str(OPENS), "rate": rate, "seed": seed}


@dataclass
class Office:
    """The programme's office: two officers, and what they do."""

    stack: Stack
    client: httpx2.AsyncClient
    officers: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    async def of(cls, stack: Stack, client: httpx2.AsyncClient) -> "Office":
        office = cls(stack, client)
        operator = {"Authorization": f"Bearer {stack.operator_token}"}
        for name in ("officer one", "officer two"):
            body = {"role": "officer", "name": f"{name} {secrets.token_hex(4)}"}
            made = (await client.post("/tokens", json=body, headers=operator)).raise_for_status().json()
            office.officers.append({"Authorization": f"Bearer {made['token']}"})
        return office

    async def institution(self, code: str, **pledges: int) -> None:
        """Registered, with a pledge for each round given; `_` in a round's name stands for `-`."""
        kafka = self.stack.kafka
        await Cluster(kafka.settings, self.stack.topic_prefix, kafka.own_users).join([code])
        named = [{"round": round_id.replace("_", "-"), "won": won} for round_id, won in pledges.items()]
        body = {"name": f"기관 {code}", "pledges": named}
        (await self.client.put(f"/institutions/{code}", json=body, headers=self.officers[0])).raise_for_status()

    async def announce(self, round_id: str | None = None, policy: dict[str, Any] | None = None, **terms: Any) -> str:
        """A round under 2018-h2, judged by the day of its close, with a rehearsal source. `terms` replace its own."""
        round_id = round_id or f"test-{next(_numbers)}-{secrets.token_hex(3)}"
        source = {"source": "rehearsal", "kind": "rehearsal", "period_seconds": 1, "description": "from the seed"}
        announced = {
            "round": round_id,
            "title": "시험 라운드",
            "opens_at": OPENS.isoformat(),
            "closes_at": CLOSES.isoformat(),
            "lead_seconds": 3600,
            "sources": [source],
        } | terms
        closes = datetime.fromisoformat(str(announced["closes_at"]))
        policy = policy or policy_2018_h2() | {"as_of": korean_date(closes).isoformat()}
        content = json.dumps({"round": announced, "policy": policy, "reason": "a test"}, default=str)
        headers = self.officers[0] | {"content-type": "application/json"}
        (await self.client.post("/rounds", content=content, headers=headers)).raise_for_status()
        return round_id

    async def shown(self, round_id: str) -> dict[str, Any]:
        shown: dict[str, Any] = (await self.client.get(f"/rounds/{round_id}")).raise_for_status().json()
        return shown

    async def status(self, round_id: str, wanted: str, seconds: float = 60) -> None:
        """Waits until the round has this status."""
        async with asyncio.timeout(seconds):
            while (await self.shown(round_id))["status"] != wanted:
                await asyncio.sleep(0.1)

    async def milestone(self, round_id: str, kind: str, seconds: float = 60, epoch: int = 1) -> dict[str, Any]:
        """Waits for the milestone of that epoch or of a later one."""
        async with asyncio.timeout(seconds):
            while True:
                for milestone in (await self.shown(round_id))["milestones"]:
                    if milestone["type"] == kind and milestone["epoch"] >= epoch:
                        body: dict[str, Any] = milestone["body"]
                        return body
                await asyncio.sleep(0.1)

    async def propose(self, round_id: str, act: str, terms: dict[str, Any], **more: Any) -> httpx2.Response:
        body = {"act": act, "terms": terms, "reason": "as the records of the office say"} | more
        return await self.client.post(f"/rounds/{round_id}/acts", json=body, headers=self.officers[0])

    async def act(self, round_id: str, act: str, terms: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Both officers do it; returns the answer to the approval."""
        proposed = (await self.propose(round_id, act, terms, **more)).raise_for_status().json()["act"]
        return await self.approve(round_id, proposed)

    async def approve(self, round_id: str, act: str) -> dict[str, Any]:
        """The second officer looks at it, and approves it."""
        url = f"/rounds/{round_id}/acts/{act}"
        shown = (await self.client.get(url, headers=self.officers[1])).raise_for_status().json()
        assert shown["state"] == "waiting", shown
        assert shown["before"] != shown["after"], shown
        done = await self.client.post(f"{url}/approval", headers=self.officers[1])
        answer: dict[str, Any] = done.raise_for_status().json()
        return answer

    async def confirm(self, round_id: str, epoch: int = 1) -> dict[str, Any]:
        """Both officers confirm what is proposed; returns the proposal."""
        proposal = await self.milestone(round_id, "SelectionProposed", epoch=epoch)
        terms = {name: proposal[name] for name in ("epoch", "commitment_root", "selection_root")}
        await self.act(round_id, "confirm", terms)
        return proposal

    async def results(self, round_id: str, count: int, seconds: float = 60) -> list[dict[str, Any]]:
        """Waits until `count` results are published."""
        async with asyncio.timeout(seconds):
            while True:
                answer = (await self.client.get(f"/rounds/{round_id}/results")).raise_for_status().json()
                if len(answer["results"]) >= count:
                    results: list[dict[str, Any]] = answer["results"]
                    return results
                await asyncio.sleep(0.1)


async def emptied(stack: Stack, service: str) -> None:
    """Stops a service, takes all that its database knows, and starts it again."""
    await stack.stop(service)
    database = await asyncpg.connect(stack.database_url(service))
    try:
        names = await database.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '%migrations%'"
        )
        await database.execute("TRUNCATE " + ", ".join(row["tablename"] for row in names))
    finally:
        await database.close()
    await stack.restart(service)


async def write_inbox(stack: Stack, institution: str, *messages: tuple[str, str, Any]) -> None:
    """Sends (type, message id, body) to an inbox, as an institution's own producer would."""
    producer = AIOKafkaProducer(**stack.kafka.settings.client_arguments())
    await producer.start()
    try:
        for kind, identifier, body in messages:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            await producer.send_and_wait(
                f"{stack.topic_prefix}institution.{institution}.inbox.v1",
                content,
                key=identifier.encode(),
                headers=[("ce_type", f"kr.firstbuy.{kind}.v1".encode()), ("ce_id", identifier.encode())],
            )
    finally:
        await producer.stop()


def purchase_request(round_id: str, reference: str, **facts: Any) -> dict[str, Any]:
    wanted = {"class_code": "41112201", "quantity": 5, "budget_won": 20_000_000} | facts
    return {"round": round_id, "request": reference, "facts": wanted}
