"""What a whole application by form costs beside the same facts sent to the API, and how long a page takes meanwhile.

python -m tests.bench.portal_forms [--applications 60]

By form: a draft, six posts of steps and a file, one submission, through the portal. By API: the file and the facts. The
ratio is that of processor time of portal and intake together (wanted: at most 3). Then intake is loaded past what it
can take, and the round's page is asked for at the portal: the 99th percentile of its time (wanted: 100 ms on a machine
with a core to spare).
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2

from deploy.local.stack import Stack
from deploy.local.state import PROJECT, State
from tests.bench.load import write_requests
from tests.support.document_files import pdf
from tests.support.document_uploads import new_key, upload
from tests.support.portal_forms import Applicant
from tests.support.rounds import Office, application, clock_map

ROUND = "bench"
PRESSED = 6000
_TICK = os.sysconf("SC_CLK_TCK")


def processor_of(pid: int | None) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def used(stack: Stack) -> float:
    return processor_of(stack.portals[0].pid) + processor_of(stack.pid("intake"))


async def cost(stack: Stack, numbers: range, send: Callable[[int], Awaitable[None]]) -> float:
    """Milliseconds of processor for one application."""
    began = used(stack)
    for number in numbers:
        await send(number)
    return (used(stack) - began) / len(numbers) * 1000


async def measured(stack: Stack, count: int) -> None:
    portal, content = stack.portal_urls[0], pdf("명세" * 20_000)
    async with (
        httpx2.AsyncClient(base_url=portal, timeout=60) as pages,
        httpx2.AsyncClient(base_url=stack.url("intake"), timeout=60) as api,
    ):
        applicant = await Applicant.signed_in(pages, stack.mail_folder, "bench@hanbit.example")

        async def by_form(number: int) -> None:
            draft = await applicant.begin(ROUND)
            await applicant.fill_in(draft, number)
            assert (await applicant.attach(draft, "규격서.pdf", content)).status_code == 303
            sent = await applicant.post(f"{draft}/submission")
            assert "/applications/" in sent.headers["location"], sent.text

        async def by_api(number: int) -> None:
            key = new_key()
            file = (await upload(api, ROUND, key, content)).raise_for_status().json()
            body = application(number) | {"documents": [file]}
            (await api.post(f"/rounds/{ROUND}/applications", json=body, headers=key)).raise_for_status()

        await by_form(0)
        await by_api(1)
        forms, facts = [], []
        for turn in range(3):
            start = 2 + turn * 2 * count
            forms.append(await cost(stack, range(start, start + count), by_form))
            facts.append(await cost(stack, range(start + count, start + 2 * count), by_api))
        print(f"an application: by form {min(forms):.1f} ms, by API {min(facts):.1f} ms of processor")
        print(f"  by form over by API: {min(forms) / min(facts):.2f} times (wanted: at most 3)")
        await under_load(stack, pages)


async def under_load(stack: Stack, pages: httpx2.AsyncClient) -> None:
    """The round's page while another process sends more applications than intake can take."""
    prepared = stack.state.folder / "requests"
    write_requests(prepared, [_request(number) for number in range(100_000, 100_000 + PRESSED)])
    host, port = "127.0.0.1", stack.url("intake").rpartition(":")[2]
    command = (sys.executable, "-m", "tests.bench.load", host, port, "64", str(prepared))
    pressing = await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stdout=asyncio.subprocess.PIPE)
    took = []
    while pressing.returncode is None:
        began = time.perf_counter()
        (await pages.get(f"/rounds/{ROUND}")).raise_for_status()
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.005)
    told, _ = await pressing.communicate()
    hundredths = statistics.quantiles(took, n=100)
    print(f"the round's page, {len(took)} times while intake took {PRESSED} applications: {told.decode().strip()}")
    print(f"  median {statistics.median(took):.0f} ms, 99 of 100 within {hundredths[98]:.0f} ms (wanted: 100)")


def _request(number: int) -> bytes:
    body = json.dumps(application(number), ensure_ascii=False).encode()
    head = f"POST /rounds/{ROUND}/applications HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--applications", type=int, default=60)
    count = words.parse_known_args()[0].applications
    with State.temporary() as state:
        services = ("intake", "eligibility")
        async with Stack.started(state=state, services=services, registries=False, portals=1) as stack:
            async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=60) as client:
                office = await Office.of(stack, client)
                await office.announce(ROUND, rehearsal=clock_map(36_000))
                await office.status(ROUND, "open")
            await measured(stack, count)


if __name__ == "__main__":
    asyncio.run(main())
