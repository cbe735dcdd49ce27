"""An institution's people and webhook: stated by its office's command, kept by intake, told by notify, erased."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner

from deploy.local.stack import Stack
from firstbuy.cli import assembled
from shared.contracts import topics
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.notified import mails_in
from tests.support.receiver import Receiver
from tests.support.rounds import Office, clock_map


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(services=("intake", "notify"))


@pytest.fixture
def firstbuy(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in stack.kafka.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FIRSTBUY_TOPIC_PREFIX", stack.topic_prefix)
    monkeypatch.setenv("FIRSTBUY_TOKEN", stack.operator_token)
    monkeypatch.setenv("FIRSTBUY_URL", stack.url("intake"))

    async def run(*arguments: str, exit_code: int = 0) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, assembled(), list(arguments))
        assert done.exit_code == exit_code, done.output
        return done.stdout if exit_code == 0 else done.output

    return run


async def published(stack: Stack) -> list[tuple[str, Any]]:
    records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}{topics.CONTACTS.name}")
    return [(record.key.decode(), record.value and json.loads(record.value)) for record in records]


async def newest(stack: Stack, key: str, wanted: Callable[[Any], bool]) -> Any:
    """The newest value of a key, once it is what is waited for: it is published after the answer."""
    found: list[Any] = []

    async def there() -> bool:
        found[:] = [value for one, value in await published(stack) if one == key]
        return bool(found) and wanted(found[-1])

    await until(there, f"the wanted value of {key}")
    return found[-1]


def has_address(email: str, value: Any) -> bool:
    return value is not None and value["email"] == email


async def test_who_joins_states_people_and_a_webhook_and_both_hear_of_a_round(
    stack: Stack, receiver: Receiver, firstbuy: Any
) -> None:
    stated = ("--name", "한국수자원공사", "--contact", "이구매 <desk@kwater.example>", "--webhook", receiver.url("/ok"))
    (made,) = json.loads(await firstbuy("institution", "onboard", "kwater", *stated, "--json"))
    secret = made["webhook_secret"]
    (again,) = json.loads(await firstbuy("institution", "onboard", "kwater", *stated, "--json"))
    assert "webhook_secret" not in again

    async def both() -> bool:
        return len(await published(stack)) == 2

    await until(both, "a person and a webhook, each told once though stated twice")

    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        await firstbuy("institution", "amend", "kwater", "--pledge", "told-2018=1000000")
        await office.announce("told-2018", rehearsal=clock_map(3600))
        await office.status("told-2018", "open")

    async def told() -> bool:
        turns = {json.loads(body)["data"]["turn"] for _, body in receiver.taken("/ok")}
        return {"announced", "opened"} <= turns and len(mails_in(stack)) >= 2

    await until(told, "the webhook and the mails")
    for headers, body in receiver.taken("/ok"):
        assert Webhook(secret).verify(body, dict(headers))
    assert {mail["To"].addresses[0].addr_spec for mail in mails_in(stack)} == {"desk@kwater.example"}


async def test_a_desk_changes_hands_and_whoever_left_is_erased(stack: Stack, firstbuy: Any) -> None:
    await firstbuy("institution", "onboard", "kwater", "--name", "K", "--contact", "A <a@kwater.example>")
    await firstbuy(
        "institution", "contacts", "kwater", "--contact", "B <b@kwater.example>", "--contact", "A <A@kwater.example>"
    )
    shown = json.loads(await firstbuy("institution", "contacts", "kwater", "--json"))
    assert [contact["email"] for contact in shown["contacts"]] == ["A@kwater.example", "b@kwater.example"]
    parties = {contact["party"] for contact in shown["contacts"]}
    for contact in shown["contacts"]:
        await newest(stack, contact["party"], partial(has_address, contact["email"]))
    assert {key for key, _ in await published(stack)} == parties, "who stays keeps the party"
    assert json.loads(await firstbuy("contact", "erase", "--email", "b@kwater.example", "--json")) == {"erased": 1}
    left = json.loads(await firstbuy("institution", "contacts", "kwater", "--json"))
    assert [contact["email"] for contact in left["contacts"]] == ["A@kwater.example"]
    nobody = json.loads(await firstbuy("institution", "contacts", "kwater", "--nobody", "--json"))
    assert nobody["contacts"] == []
    (gone,) = parties - {contact["party"] for contact in left["contacts"]}
    await newest(stack, gone, lambda value: value is None)


async def test_a_secret_is_changed_and_both_are_told_to_notify_for_a_day(stack: Stack, firstbuy: Any) -> None:
    first = "https://hooks.kwater.example/firstbuy"
    (made,) = json.loads(
        await firstbuy("institution", "onboard", "kwater", "--name", "K", "--webhook", first, "--json")
    )
    rotated = json.loads(await firstbuy("institution", "webhook", "kwater", "--rotate", "--json"))
    assert rotated["secret"] != made["webhook_secret"]
    changed = await newest(stack, "kwater", lambda value: value["secret"] == rotated["secret"])
    assert changed["url"] == first
    assert (changed["secret"], changed["secret_before"]) == (rotated["secret"], made["webhook_secret"])
    assert json.loads(await firstbuy("institution", "webhook", "kwater", "--json"))["url"] == first
    await firstbuy("institution", "webhook", "kwater", "--remove")
    await newest(stack, "kwater", lambda value: value is None)


async def test_a_target_of_no_public_address_is_refused_with_the_fix(start_stack: StartStack) -> None:
    stack = await start_stack(services=("intake",), environment={"FIRSTBUY_INTAKE_PLAIN_WEBHOOKS": "false"})
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        await office.institution("kwater")
        bearer = {"Authorization": f"Bearer {stack.operator_token}"}
        for url, told in (
            ("http://kwater.example/hook", "not https"),
            ("https://10.0.0.1/hook", "no public address"),
            ("https://user:word@kwater.example/", ""),
        ):
            answer = await client.put("/institutions/kwater/webhook", json={"url": url}, headers=bearer)
            assert answer.status_code == 422
            (reason,) = answer.json()["errors"]
            assert reason["pointer"] == "/url"
            assert told in reason["detail"]
        made = await client.post(
            "/tokens", json={"role": "institution", "name": "kepco-desk", "institution": "kepco"}, headers=bearer
        )
        other = {"Authorization": f"Bearer {made.json()['token']}"}
        for method, path in (("PUT", "contacts"), ("GET", "contacts"), ("DELETE", "webhook")):
            assert (await client.request(method, f"/institutions/kwater/{path}", headers=other)).status_code == 403
