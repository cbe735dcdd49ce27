"""What one stage accepts the next holds: values at every bound go through all four services to the mail.

Entries, contacts, desks, requests, withdrawals, appeals and acts are made of nothing but the least and the most that
each field's schema takes, in every kind of text that edges take. Nothing is parked, given up or refused on its way, and
the round ends.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx2

from deploy.local.stack import Stack
from services.intake.api.bodies import ContactBody, SubmissionBody, WithdrawalBody
from shared.contracts.events import SubmitPurchaseRequest
from shared.programme.regions import REGIONS
from tests.conftest import StartStack
from tests.support.consuming import until
from tests.support.document_files import pdf
from tests.support.document_uploads import new_key, upload
from tests.support.examples import examples
from tests.support.receiver import receiving
from tests.support.rounds import CLOSES, Office, application, business_number, clock_map, write_inbox

Json = dict[str, Any]
I_JSON_MAX: Final = 2**53 - 1
PAPERS: Final = (("applicant", "sme_confirmation"), ("product", "direct_production"))
WINDOW_SECONDS: Final = 14.0
FILLERS: Final = ("가", "a", '"', "\\", "<&>", "😀", "ß", "=", "www.a.kr ", "{{x}}", "%s")
WITH_A_FORM: Final[dict[str, str]] = {
    r"^[a-z0-9][a-z0-9-]{0,60}$": "a" * 61,
    r"^[A-Za-z0-9._-]{1,64}$": "." * 64,
    r"^[0-9]{10}$": "9" * 10,
    r"^[0-9]{13}$": "9" * 13,
    r"^[0-9]{8}$": "9" * 8,
    r"^[a-z0-9][a-z0-9-]{1,39}$": "a" * 40,
    r"^[0-9a-f]{64}$": "f" * 64,
    r"^[a-z]+/[a-z0-9][a-z0-9.+-]*$": "a/" + "b" * 125,
}
"""What the longest of texts with a form of their own is, by their pattern."""


@dataclass
class Bounds:
    """Makes values of a JSON schema from its bounds alone. `told`: fields that are given."""

    chosen: random.Random
    definitions: Json

    def of(self, schema: Json) -> Any:
        if "$ref" in schema:
            return self.of(self.definitions[schema["$ref"].rpartition("/")[2]])
        if "anyOf" in schema:
            return self.of(self.chosen.choice(schema["anyOf"]))
        if "enum" in schema:
            return self.chosen.choice(schema["enum"])
        match schema.get("type"):
            case "object":
                needed = schema.get("required", ())
                stated = [name for name in schema["properties"] if name in needed or self.chosen.random() < 0.8]
                return {name: self.of(schema["properties"][name]) for name in stated}
            case "array":
                most = schema.get("maxItems", 40)
                return [self.of(schema["items"]) for _ in range(self.chosen.choice((schema.get("minItems", 0), most)))]
            case "integer":
                return self.chosen.choice((schema.get("minimum", 0), schema.get("maximum", I_JSON_MAX)))
            case "boolean":
                return self.chosen.random() < 0.5
            case "null":
                return None
            case "string":
                return self.text(schema)
        raise AssertionError(f"no value for {schema}")

    def text(self, schema: Json) -> str:
        if schema.get("format") == "date":
            return self.chosen.choice(("0001-01-01", "9999-12-31", "2017-05-01"))
        if schema.get("pattern") in WITH_A_FORM:
            return WITH_A_FORM[schema["pattern"]]
        least, most = schema.get("minLength", 0), schema["maxLength"]
        filler = self.chosen.choice(FILLERS)
        longest = ("가" + filler * most)[:most]  # a name has a letter
        longest = longest if longest == longest.strip() else longest[:-1] + "."
        chosen: str = self.chosen.choice(("x" * least, longest, longest))
        return chosen


def bounds(model: Any, seed: int) -> tuple[Bounds, Json]:
    schema = model.model_json_schema()
    return Bounds(random.Random(seed), schema.get("$defs", {})), schema  # noqa: S311 -- the same in every run


def longest_address(seed: int) -> str:
    """254 characters, of which 64 stand before the @."""
    local = f"{seed:04d}".ljust(64, "x")
    labels = [f"{seed:04d}".ljust(63, "a"), "b" * 63, "c" * 58, "kr"]
    address = f"{local}@{'.'.join(labels)}"
    assert len(address) == 254
    return address


def entry(seed: int) -> Json:
    """At its bounds in every field; eligible where `seed` is even."""
    made, schema = bounds(SubmissionBody, seed)
    body: Json = made.of(schema)
    good = application(seed)
    body["track"] = good["track"]
    body["applicant"] |= {"business_number": business_number(seed)}
    body["product"] |= {"reference": f"{seed}".rjust(64, "r")}
    body["product"].pop("item_id", None)
    body["contact"] |= {"email": longest_address(seed)}
    body.pop("identity", None)  # which intake alone can seal
    body.pop("documents", None)  # which intake holds before
    body["applicant"] |= {"started_on": "0001-01-01", "legal_form": "sole-proprietor"}
    body["product"] |= {
        "regions": [*REGIONS],
    }
    for paper in (*body.get("certificates", ()), *(body[of].get(name) for of, name in PAPERS)):
        if paper:
            paper |= {"issued_on": "0001-01-01"} | ({"kind": "nep"} if "kind" in paper else {})
    if seed % 2 == 0:
        kept = ("name", "business_number")
        body["applicant"] = good["applicant"] | {name: body["applicant"][name] for name in kept}
        body["certificates"] = good["certificates"]
        body["product"] |= {"class_code": good["product"]["class_code"], "price_won": 1_000_000, "capacity": I_JSON_MAX}
        body["product"].pop("regions", None)
    return body


def requests(round_id: str) -> Iterator[tuple[str, str, Json]]:
    for seed in range(6):
        made, schema = bounds(SubmitPurchaseRequest, 100 + seed)
        body: Json = made.of(schema)
        body |= {"round": round_id, "request": f"{seed}".rjust(64, "q")}
        if seed % 2 == 0:
            body["facts"] = {
                "class_code": "41112201",
                "quantity": I_JSON_MAX,
                "budget_won": I_JSON_MAX,
                "note": body["facts"].get("note", ""),
            }
        yield "SubmitPurchaseRequest", f"{seed}".rjust(200, "m"), body


async def test_values_at_every_bound_go_through_all_services_to_the_mail(start_stack: StartStack) -> None:
    environment = {
        "FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3",
        "FIRSTBUY_INTAKE_PLAIN_WEBHOOKS": "true",
        "FIRSTBUY_NOTIFY_PRIVATE_WEBHOOKS": "true",
        "FIRSTBUY_NOTIFY_DIGEST_SECONDS": "1",
    }
    stack = await start_stack(environment=environment)
    firms = max(8, examples(20))
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=60) as client, receiving() as receiver:
        office = await Office.of(stack, client)
        round_id = "a" * 40
        code = "a" + "b" * 30
        await office.institution(code, **{round_id: I_JSON_MAX})
        await told_at_desks(office, code, receiver.url("/" + "h" * (500 - len(receiver.url("/")))))
        await office.announce(round_id, rehearsal=clock_map(WINDOW_SECONDS), title="제" * 200)
        await office.status(round_id, "open")
        await write_inbox(stack, code, *requests(round_id))
        later = (CLOSES + timedelta(hours=1)).isoformat()
        await office.act(round_id, "extend", {"closes_at": later}, reason=("😀<a" * 100)[:200])
        receipts, key = [], new_key()
        name = ('가😀<&>"' * 60)[:251] + ".pdf"
        document = (await upload(client, round_id, key, pdf(), "other", name)).raise_for_status().json()
        for seed in range(firms):
            body = entry(seed) | {"documents": [document]}
            answer = await client.post(f"/rounds/{round_id}/applications", json=body, headers=key)
            assert answer.status_code == 201, (seed, answer.text[:1000])
            receipts.append(answer.json())
        await withdraw(client, receipts[1])
        await office.confirm(round_id)
        results = await office.results(round_id, firms - 1)
        assert any(result["result"] == "ProductSelected" for result in results)
        await appeal(client, receipts[3])
        await until(lambda: settled(stack, round_id), "everybody is told", 90)
        await nothing_is_left(stack, round_id)
        assert receiver.got, "the longest address of a webhook was called"


async def told_at_desks(office: Office, code: str, webhook: str) -> None:
    people = []
    for seed in range(50):
        made, schema = bounds(ContactBody, 200 + seed)
        people.append(made.of(schema) | {"email": longest_address(9000 + seed)})
    headers = office.officers[0]
    answer = await office.client.put(f"/institutions/{code}/contacts", json={"contacts": people[:3]}, headers=headers)
    assert answer.status_code == 200, answer.text
    answer = await office.client.put(f"/institutions/{code}/webhook", json={"url": webhook}, headers=headers)
    assert answer.status_code == 201, answer.text


async def withdraw(client: httpx2.AsyncClient, receipt: Json) -> None:
    made, schema = bounds(WithdrawalBody, 300)
    body = {"reason": made.text(schema["properties"]["reason"])}
    url = f"/applications/{receipt['application']}/withdrawal"
    answer = await client.post(url, json=body, headers={"Authorization": f"Bearer {receipt['token']}"})
    assert answer.status_code == 200, answer.text


async def appeal(client: httpx2.AsyncClient, receipt: Json) -> None:
    headers = {"Authorization": f"Bearer {receipt['token']}"}
    url = f"/applications/{receipt['application']}"

    async def told() -> bool:
        status = (await client.get(f"{url}/status", headers=headers)).json()
        return bool(status["appeal"]["may_file_until"])

    await until(told, "the applicant may appeal")
    answer = await client.post(f"{url}/appeal", json={"grounds": ('"\\<😀' * 2500)[:10_000]}, headers=headers)
    assert answer.status_code == 201, answer.text


async def settled(stack: Stack, round_id: str) -> bool:
    async with httpx2.AsyncClient(base_url=stack.url("notify"), timeout=30) as client:
        return bool((await client.get(f"/rounds/{round_id}/deliveries")).raise_for_status().json()["settled"])


async def nothing_is_left(stack: Stack, round_id: str) -> None:
    """Nothing parked, given up, failed or tried without end, in any service."""
    operator = {"Authorization": f"Bearer {stack.operator_token}"}
    async with httpx2.AsyncClient(timeout=30) as client:
        for service in stack.services:
            parked = (await client.get(f"{stack.url(service)}/parked", headers=operator)).raise_for_status().json()
            assert parked == [], service
            log = stack.log(service).read_text()
            for word in ("job failed", "parked ", "failed to compute counterfactual", "Traceback"):
                assert word not in log, (service, log[max(0, log.index(word) - 500) : log.index(word) + 3000])
        url = f"{stack.url('notify')}/rounds/{round_id}/deliveries"
        told = (await client.get(url)).raise_for_status().json()
        assert {states["failed"] for states in told["channels"].values()} == {0}, told
        failed = (await client.get(f"{stack.url('notify')}/deliveries/failed", headers=operator)).json()
        assert failed == [], failed
