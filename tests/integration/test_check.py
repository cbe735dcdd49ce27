"""Told before it applies: the verdict these facts would have, and nothing kept of them."""

import asyncpg
import httpx2

from deploy.local.stack import Stack
from tests.conftest import StartStack
from tests.support.consuming import until
from tests.support.document_files import pdf
from tests.support.document_uploads import apply_with, new_key, opened, upload
from tests.support.rounds import Office, application, clock_map, policy_2018_h2


async def kept(stack: Stack) -> int:
    database = await asyncpg.connect(stack.database_url("eligibility"))
    try:
        return int(await database.fetchval("SELECT (SELECT count(*) FROM verdicts) + (SELECT count(*) FROM waiting)"))
    finally:
        await database.close()


async def test_a_check_judges_explains_and_stores_nothing(start_stack: StartStack) -> None:
    stack = await start_stack(services=("intake", "eligibility"))
    async with (
        httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client,
        httpx2.AsyncClient(base_url=stack.url("eligibility"), timeout=30) as eligibility,
    ):
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        url = f"/rounds/{round_id}/check"

        async def known() -> bool:
            return (await eligibility.post(url, json=application(1))).status_code == 200

        await until(known, "eligibility knows the policy")
        good = (await eligibility.post(url, json=application(1))).json()
        assert (good["outcome"], good["counterfactual"]) == ("eligible", None)
        assert good["explanation"]["ko"] == {"against": [], "would_help": []}
        assert good["tickets"] >= 1
        assert len(good["findings_in_words"]["ko"]) == len(good["findings"]) > 1

        without = application(2)
        without["certificates"] = []
        del without["contact"]
        told = (await eligibility.post(url, json=without)).json()
        assert (told["outcome"], told["tickets"]) == ("ineligible", 0)
        assert [change["pointer"] for change in told["counterfactual"]] == ["/certificates/-"]
        assert any("인증" in one["rule"] for one in told["explanation"]["ko"]["against"])
        assert told["explanation"]["en"]["would_help"] == [
            f"technology-product certificate: accepted certificate valid on {told['as_of']}"
        ]
        applied = await client.post(
            f"/rounds/{round_id}/applications", json=without | {"contact": application(2)["contact"]}
        )
        assert applied.status_code == 201
        judged = f"/applications/{applied.json()['application']}/status"
        token = {"Authorization": f"Bearer {applied.json()['token']}"}

        async def same() -> bool:
            verdict = (await client.get(judged, headers=token)).json()["verdict"]
            return verdict is not None and verdict["findings"] == told["findings"]

        await until(same, "the verdict is what the check said")
        assert await kept(stack) == 1, "the application alone"

        missing = application(3)
        del missing["product"]["price_won"]
        refused = await eligibility.post(url, json=missing)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/product/price_won"
        assert (await eligibility.post("/rounds/nowhere/check", json=application(1))).status_code == 404
        unreadable = await eligibility.post(url, content=b"{", headers={"content-type": "application/json"})
        assert unreadable.status_code == 400
        await documents_that_a_policy_asks_for(office, client, eligibility)


async def documents_that_a_policy_asks_for(
    office: Office, client: httpx2.AsyncClient, eligibility: httpx2.AsyncClient
) -> None:
    """A missing one is unknown and named; with it the application is eligible."""
    policy = policy_2018_h2()
    asks = {"rule": "documents", "legal_source": "공고", "parameters": {"kinds": ["specification"]}}
    policy["tracks"][0]["conditions"].append(asks)
    round_id = await office.announce(rehearsal=clock_map(3600), policy=policy)
    await office.status(round_id, "open")
    url = f"/rounds/{round_id}/check"

    async def known() -> bool:
        return (await eligibility.post(url, json=application(4))).status_code == 200

    await until(known, "eligibility knows the policy")
    told = (await eligibility.post(url, json=application(4))).json()
    assert told["outcome"] == "ineligible"
    assert told["explanation"]["ko"]["would_help"] == ["제출 서류: 규격서"]
    shown = (await client.get(f"/rounds/{round_id}/documents")).json()
    assert {"track": "general", "kinds": ["specification"]} in shown["asked"]
    key = new_key()
    document = (await upload(client, round_id, key, pdf())).json()
    warned = (await apply_with(client, round_id, 5, [], {})).json()
    assert [remark["code"] for remark in warned["warnings"]] == ["no-document"]
    applied = (await apply_with(client, round_id, 4, [document], key)).json()

    async def eligible() -> bool:
        status = await client.get(f"/applications/{applied['application']}/status", headers=opened(applied))
        return (status.json()["verdict"] or {}).get("outcome") == "eligible"

    await until(eligible, "the document is there")
