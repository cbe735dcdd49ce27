"""What befalls services while a round is entered, and what must be true of it all the same."""

import asyncio
import json
import random
import signal
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from shared.contracts import topics
from tests.support.consuming import records_of
from tests.support.rounds import Office, application

WINDOW_SECONDS = 12.0


PATIENCE = 90


ENVIRONMENT = {
    "FIRSTBUY_INTAKE_DRAIN_SECONDS": "1",
    "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.5",
    "FIRSTBUY_ELIGIBILITY_REPAIR_SECONDS": "2",
    "FIRSTBUY_SELECTION_REPAIR_SECONDS": "2",
}


async def contents_of(stack: Stack, *names: str) -> None:
    """One id, one content, however often it was published."""
    for name in names:
        known: dict[bytes, tuple[bytes, bytes]] = {}
        for record in await records_of(stack.kafka.settings, stack.topic_prefix + name):
            headers = dict(record.headers)
            if "ce_id" in headers and headers["ce_id"] != b"poison":
                said = headers["ce_type"], record.value
                assert known.setdefault(headers["ce_id"], said) == said, f"{name}: {said[0]!r} means two things"


async def equal_roots(office: Office, round_id: str) -> dict[str, Any]:
    """Admitted, judged, selected from: waits for the commitment; the manifest."""
    committed = await office.milestone(round_id, "InputsCommitted", PATIENCE)
    judged = await office.milestone(round_id, "EligibilityCompleted", PATIENCE)
    answer = await office.client.get(f"/rounds/{round_id}/manifest")
    manifest: dict[str, Any] = answer.raise_for_status().json()
    roots = {manifest["applications"]["root"], judged["applications_root"], committed["applications_root"]}
    assert len(roots) == 1, f"admitted, judged and selected from differ: {roots}"
    assert judged["verdicts"]["root"] == committed["verdicts_root"]
    assert manifest["requests"]["root"] == committed["requests_root"]
    return manifest


@dataclass
class Firms:
    """Enter at moments of their own; some amend or withdraw. `standing` is what their newest receipts say: what a slow
    machine sends after the close is refused, and what stood before stands."""

    office: Office
    round: str
    chance: random.Random
    receipts: list[dict[str, Any]]

    async def enter(self, number: int, after: float) -> None:
        acts, pause = self.chance.choice(["", "", "", "amend", "withdraw"]), self.chance.random()
        await asyncio.sleep(after)
        client, body = self.office.client, application(number)
        key = {"Idempotency-Key": f"firm {number}"}
        answer = await client.post(f"/rounds/{self.round}/applications", json=body, headers=key)
        if answer.status_code == HTTPStatus.GONE:
            return
        receipt = answer.raise_for_status().json()
        url, token = f"/applications/{receipt['application']}", {"Authorization": f"Bearer {receipt['token']}"}
        if acts:
            await asyncio.sleep(pause)
        if acts == "amend":
            headers = token | {"If-Match": '"1"'}
            answer = await client.put(url, json=application(number, price_won=999_000), headers=headers)
        elif acts == "withdraw":
            answer = await client.post(f"{url}/withdrawal", json={}, headers=token)
        closed = answer.status_code == HTTPStatus.GONE
        self.receipts.append(receipt if closed else answer.raise_for_status().json())

    def standing(self) -> list[tuple[str, int, str]]:
        left = [receipt for receipt in self.receipts if not receipt.get("withdrawn")]
        return [(one["application"], one["version"], one["payload_hash"]) for one in left]


async def disturb(stack: Stack, chance: random.Random) -> None:
    """Eligibility's replicas are killed and hung while the round is entered and frozen; the third comes, or goes, about
    the close, so that the group is shared out anew in the middle of it."""
    joins = chance.random() < 0.5
    if joins:
        await stack.stop("eligibility", 2)

    async def killed(replica: int, after: float) -> None:
        await asyncio.sleep(after)
        await stack.kill("eligibility", replica)

    async def hung(replica: int, after: float, seconds: float) -> None:
        await asyncio.sleep(after)
        stack.send("eligibility", signal.SIGSTOP, replica)
        await asyncio.sleep(seconds)
        stack.send("eligibility", signal.SIGCONT, replica)

    async def third(after: float) -> None:
        await asyncio.sleep(after)
        await (stack.restart("eligibility", 2) if joins else stack.stop("eligibility", 2))

    kills = [killed(chance.randrange(2), chance.uniform(1, WINDOW_SECONDS + 4)) for _ in range(4)]
    hang = hung(chance.randrange(2), chance.uniform(1, WINDOW_SECONDS), chance.uniform(1, 12))
    await asyncio.gather(*kills, hang, third(chance.uniform(WINDOW_SECONDS - 3, WINDOW_SECONDS + 2)))
    for replica in range(3):
        stack.send("eligibility", signal.SIGCONT, replica)
        await stack.restart("eligibility", replica)


NESTED = b"[" * 100_000


UNREADABLE: dict[str, bytes] = {
    "a byte that is no JSON": b"\x00",
    "NUL": b'{"round":"a\\u0000b","application":"a\\u0000b","request":"a\\u0000b","institution":"a\\u0000b"}',
    "a lone surrogate": b'{"round":"\\ud800","application":"\\ud800","request":"\\ud800","institution":"\\ud800"}',
    "2^60": b'{"version":1152921504606846976,"epoch":1152921504606846976}',
    "deep": NESTED,
    "empty": b"",
    "an array": b"[]",
}


def poison_for(topic: topics.Topic) -> list[tuple[bytes | None, list[tuple[str, bytes]]]]:
    """Records that no consumer of that topic can take."""
    kind = f"kr.firstbuy.{topic.events[0].__name__}.v1".encode()
    headers = [("ce_id", b"poison"), ("ce_type", kind)]
    records: list[tuple[bytes | None, list[tuple[str, bytes]]]] = [(body, headers) for body in UNREADABLE.values()]
    records.append((b"{}", [*headers, ("ce_source", b"\xff\xfe")]))
    records.append((b"{}", []))
    records.append((b"{}", [("ce_id", b"poison")]))
    return records


async def send(
    stack: Stack, records: list[tuple[str, bytes | None, list[tuple[str, bytes]]]]
) -> set[tuple[str, int, int]]:
    """Where each of them stands now."""
    producer = AIOKafkaProducer(**stack.kafka.settings.client_arguments())
    await producer.start()
    try:
        sent = [
            await producer.send_and_wait(stack.topic_prefix + topic, body, key=b"poison", headers=headers)
            for topic, body, headers in records
        ]
    finally:
        await producer.stop()
    return {(one.topic, one.partition, one.offset) for one in sent}


def spoiled() -> list[tuple[bytes, str | None]]:
    """Applications with something that can't be held, and the field that has to be named."""
    found: list[tuple[Any, str | None]] = [(application(1, name="\ud800"), "")]
    found += [
        (application(1, **{field: "a\x00b"}), f"/product/{field}") for field in ("name", "reference", "class_code")
    ]
    found += [(application(1, **{field: 2**60}), f"/product/{field}") for field in ("price_won", "capacity")]
    found.append((application(1) | {"contact": {"name": "a\x00", "email": "a@b.c"}}, "/contact/name"))
    found.append((application(1) | {"certificates": [{}] * 40}, "/certificates/0/kind"))
    found.append((application(1) | {"product": {f"k{n}": 1 for n in range(20_000)}}, None))
    bodies = [(json.dumps(body).encode(), pointer) for body, pointer in found]
    unreadable = [*UNREADABLE.values(), b'{"track":' + NESTED + b"}"]
    return [*bodies, *((body, None) for body in unreadable)]
