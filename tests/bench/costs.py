"""What an application costs: processor seconds of each part, and bytes in Kafka and PostgreSQL.

Runs the demo twice, with few and with many applications, each on a stack of its own that is left running until it is
measured. What a start and a round cost, whatever their size, falls out of the difference. `firstbuy plan capacity`
(firstbuy/planning/capacity.py) rests on these figures; docs/scaling.md says from which run.

python -m tests.bench.costs [--few 500] [--many 4000]
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx2

from deploy.local.description import described
from deploy.local.state import PROJECT, State

Costs = dict[str, float]
_CPU = re.compile(r"^process_cpu_seconds_total ([0-9.e+-]+)$", re.MULTILINE)
_TICKS = os.sysconf("SC_CLK_TCK")


def _demo(folder: Path, applications: int) -> None:
    argv = [
        sys.executable,
        "-m",
        "firstbuy.cli",
        "demo",
        "--applications",
        str(applications),
        "--keep",
        "--window",
        "60",
    ]
    done = subprocess.run(argv, cwd=PROJECT, env=_environment(folder), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the demo of {applications} did not end well:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "FIRSTBUY_STATE": str(folder)}


async def measured(applications: int) -> Costs:
    """Totals of one demo, by part."""
    with State.temporary() as around:
        state = State(around.folder / "kept", around.cache)
        try:
            await asyncio.to_thread(_demo, state.folder, applications)
            return await _totals(state)
        finally:
            down = [sys.executable, "-m", "firstbuy.cli", "down"]
            subprocess.run(down, cwd=PROJECT, env=_environment(state.folder), capture_output=True, check=False)  # noqa: ASYNC221


async def _totals(state: State) -> Costs:
    running = described(state)
    if running is None:
        sys.exit("the stack was not left running")
    costs: Costs = {}
    async with httpx2.AsyncClient(timeout=30) as client:
        for service, replicas in running["services"].items():
            found = [_CPU.search((await client.get(f"{replica['url']}/metrics")).text) for replica in replicas]
            costs[f"{service}, processor"] = sum(float(each[1]) for each in found if each)
    costs["PostgreSQL, processor"] = sum(_processor("postgres", state.folder))
    costs["Kafka, processor"] = sum(_processor("kafka.Kafka", state.folder))
    for service, url in running["databases"].items():
        connection = await asyncpg.connect(url)
        costs[f"{service}, bytes in its database"] = await connection.fetchval(
            "SELECT pg_database_size(current_database())"
        )
        await connection.close()
    return costs | _topics(state.folder)


def _topics(folder: Path) -> Costs:
    """Bytes of each topic's segments on the one broker's disk."""
    sizes: Costs = defaultdict(float)
    for segment in folder.rglob("firstbuy.*-*/*.log"):
        sizes[f"{segment.parent.name.rpartition('-')[0]}, bytes"] += segment.stat().st_size
    return sizes


def _processor(word: str, folder: Path) -> Iterator[float]:
    """User and system seconds of processes whose command has the word and the folder; with their ended children."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if word in command and str(folder) in command:
            yield sum(map(int, fields[11:15])) / _TICKS


def main() -> None:
    parser = argparse.ArgumentParser(description="What an application costs, by part.")
    parser.add_argument("--few", type=int, default=500)
    parser.add_argument("--many", type=int, default=4000)
    given = parser.parse_args()
    few, many = asyncio.run(measured(given.few)), asyncio.run(measured(given.many))
    print(f"for each application, of {given.many} beside {given.few}:")
    for part in sorted(many):
        each = (many[part] - few.get(part, 0)) / (given.many - given.few)
        if abs(each) < (1e-5 if part.endswith("processor") else 1):
            continue
        print(f"  {part:45} " + (f"{each * 1000:8.2f} ms" if part.endswith("processor") else f"{each:8.0f} B"))


if __name__ == "__main__":
    main()
