"""The tax service's registry in the demo: it confirms what every firm states, and is down around the close.

The policies of 2018 ask no registry (that interface is of 2021): the demo's round asks one besides.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx2

from deploy.local.registries.records import Mood
from firstbuy.demo.away import Patience, request
from firstbuy.demo.entries import ASK
from firstbuy.demo.generator import Plan
from firstbuy.demo.target import DemoFailedError
from services.intake.api.bodies import SUBMISSION
from shared.contracts.registries import Registry
from shared.service.http import parse

USES: Final = [{"registry": Registry.BUSINESS_STATUS.value, "authority": "국세청 (NTS)", "kinds": []}]


class TaxService:
    """The local registry at `url`, as whoever runs it sees it."""

    def __init__(self, url: str) -> None:
        self._where = f"the registries' server at {url}"
        self._client = httpx2.AsyncClient(base_url=url, timeout=30)

    async def close(self) -> None:
        await self._client.aclose()

    async def register(self, plan: Plan) -> int:
        """Every firm as it states itself; how many. One that states no status is in no registry."""
        known = dict(_stated(plan))
        await self._tell("POST", "/records", {"businesses": known})
        return len(known)

    async def be(self, mood: Mood) -> None:
        await self._tell("PUT", f"/moods/{Registry.BUSINESS_STATUS}", {"mood": mood.value})

    async def calls(self) -> list[int]:
        """How many numbers each call named."""
        calls: list[int] = (await self._tell("GET", "/calls")).json()[Registry.BUSINESS_STATUS.value]
        return calls

    async def _tell(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        """Telling it the same again changes nothing."""
        answer = await request(self._client, method, path, patience=Patience(self._where), json=body)
        if answer.is_error:
            raise DemoFailedError(f"{method} {path} of the registries: {answer.status_code} {answer.text[:500]}")
        return answer


def _stated(plan: Plan) -> Iterator[tuple[str, dict[str, str]]]:
    for script in plan.in_time:
        call = script.calls[0]
        if call.expects == 201:
            applicant = parse(SUBMISSION, call.body).applicant
            if applicant.status is not None:
                yield applicant.business_number, {"status": applicant.status.value}
    for script in plan.contested:
        applicant = parse(SUBMISSION, script.calls[0].body).applicant
        claim = json.loads(next(call.body for call in script.calls if call.path == ASK))
        status = {"status": applicant.status.value} if applicant.status else {}
        yield claim.pop("business_number"), claim | status
