"""Durable submissions a second over HTTP, beside the same server validating alone, and beside one transaction each.

python -m tests.bench.admission [--requests N] [--rounds R] [--connections C]

The three take turns, so that a machine that slows down slows all three; the ratio is the median over the turns.
Goals (issue 3): at least 0.5 of validation alone, at least 3 times one transaction per request.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import yaml

from deploy.local.stack import Stack
from deploy.local.state import State
from shared.programme.registration_numbers import business_check_digit
from tests.bench.load import write_requests

PROJECT = Path(__file__).parents[2]
ROUND = "bench-1"
SERVERS = {"intake": "admission_server"}
KINDS = {
    "durable": f"/rounds/{ROUND}/applications",
    "validated only": f"/bench/validate/{ROUND}",
    "one transaction each": f"/bench/per-request/{ROUND}",
}


def registered(number: int) -> str:
    """A business number whose last digit fits the others: an edge takes no other."""
    stem = f"{number:09d}"
    return f"{stem}{business_check_digit(f'{stem}0')}"


def body(number: int) -> bytes:
    """An application of about 1 KB."""
    facts = {
        "track": "general",
        "applicant": {
            "name": f"주식회사 시험 {number}",
            "business_number": registered(number),
            "legal_form": "corporation",
            "corporate_number": "1101110062432",
            "started_on": "2014-03-02",
            "status": "active",
            "sanctioned": False,
            "sme_confirmation": {"number": "0010-2018-1", "issued_on": "2018-04-01", "expires_on": "2019-03-31"},
            "supply_record": {"won": 120_000_000, "count": 3},
            "annual_sales_won": 900_000_000,
        },
        "product": {
            "name": "저전력 누수 감지기",
            "reference": f"P-{number}",
            "class_code": "41112201",
            "price_won": 1_250_000,
            "capacity": 400,
            "delivery_days": 30,
            "description": "배관의 음향을 재어 누수를 찾는다. " * 4,
            "direct_production": {"number": "2017-1-1", "issued_on": "2017-10-01", "expires_on": "2019-09-30"},
        },
        "certificates": [
            {"kind": "nep", "number": "NEP-MOTIE-2017-012", "issued_on": "2017-05-01", "expires_on": "2020-04-30"}
        ],
        "contact": {"name": "담당자", "email": f"contact{number}@example.org", "language": "ko"},
    }
    return json.dumps(facts, ensure_ascii=False).encode()


def request(path: str, number: int) -> bytes:
    content = body(number)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def announce(stack: Stack) -> None:
    """A round that is open now."""
    now = datetime.now(UTC)
    terms: dict[str, Any] = yaml.safe_load((PROJECT / "deploy/rounds/2018-h2.yaml").read_text())["round"]
    policy = yaml.safe_load((PROJECT / "deploy/policies/2018-h2.yaml").read_text()) | {"as_of": now.date()}
    terms |= {"round": ROUND, "opens_at": str(now - timedelta(days=1)), "closes_at": str(now + timedelta(days=1))}
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        made = await client.post(
            "/tokens",
            json={"role": "officer", "name": "bench"},
            headers={"Authorization": f"Bearer {stack.operator_token}"},
        )
        officer = {"Authorization": f"Bearer {made.raise_for_status().json()['token']}"}
        announcement = json.dumps({"round": terms, "policy": policy, "reason": "bench"}, default=str)
        headers = officer | {"content-type": "application/json"}
        (await client.post("/rounds", content=announcement, headers=headers)).raise_for_status()


async def measure(port: int, path: str, first: int, count: int, connections: int, folder: Path) -> float:
    """Requests a second; every one must be answered 201."""
    file = folder / "requests"
    write_requests(file, [request(path, number) for number in range(first, first + count)])
    load = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.load", "127.0.0.1", str(port), str(connections), str(file),
        stdout=asyncio.subprocess.PIPE, cwd=PROJECT,
    )  # fmt: skip
    output, _ = await load.communicate()
    told = json.loads(output)
    if told["statuses"] != {"201": count}:
        raise RuntimeError(f"{path}: {told['statuses']}")
    return count / float(told["seconds"])


async def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--requests", type=int, default=6000)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--connections", type=int, default=256)
    asked, _ = words.parse_known_args()

    figures: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with State.temporary() as state, tempfile.TemporaryDirectory() as folder:
        async with Stack.started(state=state, services=("intake",), command=bench_server) as stack:
            await announce(stack)
            port, number = stack.ports["intake"][0], 1_000_000
            for turn in range(asked.rounds + 1):
                for kind, path in KINDS.items():
                    count = asked.requests // 3 if kind == "one transaction each" else asked.requests
                    rate = await measure(port, path, number, count, asked.connections, Path(folder))
                    number += count
                    if turn:
                        figures[kind].append(rate)
            print(f"admission: {stack.kafka.kind} {stack.kafka.version}, PostgreSQL {stack.postgres.version}")
    for kind, rates in figures.items():
        print(f"  {kind:22} {statistics.median(rates):8.0f} a second  (median of {len(rates)})")
    for kind, goal in (("validated only", 0.5), ("one transaction each", 3.0)):
        ratio = statistics.median(a / b for a, b in zip(figures["durable"], figures[kind], strict=True))
        print(f"  durable / {kind}: {ratio:.2f}  (goal: at least {goal})")


def bench_server(service: str) -> Sequence[str]:
    return (sys.executable, "-m", f"tests.bench.{SERVERS[service]}")


if __name__ == "__main__":
    asyncio.run(main())
