"""Acts that open a next epoch: what is parked holds the round up, who is admitted late changes nobody's draw."""

import asyncio
import json
from collections import defaultdict
from typing import Any

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.selection.domain.draw import draw_key, seed_of
from shared.contracts.policy import POLICY
from shared.proof.canonical import json_hash
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.epochs import ENVIRONMENT, enter, opened_round, standing
from tests.support.rounds import (
    CLOSES,
    OPENS,
    Office,
    application,
    clock_map,
    emptied,
    policy_2018_h2,
    purchase_request,
    write_inbox,
)

FIRMS = 6


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(services=("intake", "eligibility", "selection"), environment=ENVIRONMENT)


async def completeness(office: Office, service: str, round_id: str) -> dict[str, Any]:
    answer = await office.client.get(f"{office.stack.url(service)}/rounds/{round_id}/completeness")
    told: dict[str, Any] = answer.json()
    return told


def stated(policy: dict[str, Any]) -> Any:
    """As intake keeps and hashes it."""
    return POLICY.dump_python(POLICY.validate_json(json.dumps(policy, default=str)), mode="json", exclude_none=True)


def faulty_policy() -> dict[str, Any]:
    """It asks for a credit grade that is not in its own list: judging fails where a firm states a grade that is."""
    policy = policy_2018_h2()
    for track in policy["tracks"]:
        for condition in track["conditions"]:
            if condition["rule"] == "sales-or-credit":
                condition["parameters"]["credit_at_least"] = "ZZZ"
    return policy


async def under_a_faulty_policy(office: Office) -> str:
    """An announcement would refuse it: it is put into intake's database before the round opens."""
    round_id = await office.announce(rehearsal=clock_map(5, opens_in=3, seed="one seed"))
    policy = stated(faulty_policy())
    async with _database(office.stack, "intake") as database:
        statement = "UPDATE rounds SET policy = $2, policy_hash = $3 WHERE round = $1 AND status = 'announced'"
        done = await database.execute(statement, round_id, json.dumps(policy), json_hash(policy))
    assert done == "UPDATE 1"
    await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
    await office.status(round_id, "open")
    await write_inbox(office.stack, "kepco", ("SubmitPurchaseRequest", "m1", purchase_request(round_id, "r1")))
    return round_id


async def refused(office: Office, policy: dict[str, Any]) -> dict[str, Any]:
    """The one error the announcement of a round under the policy is answered."""
    announcement = {"round": "unsound", "title": "t", "opens_at": OPENS, "closes_at": CLOSES, "lead_seconds": 60}
    source = {"source": "lotto", "kind": "rfc3797", "period_seconds": 60, "description": "six numbers"}
    rehearsed = {"sources": [source], "rehearsal": clock_map(3600)}
    body = {"round": announcement | rehearsed, "policy": policy, "reason": "a test"}
    headers = office.officers[0] | {"content-type": "application/json"}
    answer = await office.client.post("/rounds", content=json.dumps(body, default=str), headers=headers)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["fix"]
    return dict(error)


async def test_a_policy_that_could_not_be_judged_by_is_not_announced(office: Office) -> None:
    assert (await refused(office, faulty_policy()))["pointer"].endswith("/parameters/credit_at_least")


async def test_a_policy_of_another_rounds_day_is_not_announced(office: Office) -> None:
    error = await refused(office, policy_2018_h2() | {"as_of": "2017-09-14"})
    assert (error["pointer"], error["code"]) == ("/policy/as_of", "not-the-day-of-the-round")
    assert "2018-09-14" in error["fix"]


async def once_heard(office: Office, round_id: str, act: str, terms: dict[str, Any]) -> None:
    """Both officers do it, as soon as intake has heard that the application is parked."""
    async with asyncio.timeout(20):
        while (proposed := await office.propose(round_id, act, terms)).is_error:
            await asyncio.sleep(0.1)
    await office.approve(round_id, proposed.json()["act"])


@pytest.mark.altered_by_hand("a policy that no announcement takes")
async def test_what_can_not_be_judged_is_named_and_waited_for_until_officers_exclude_it(office: Office) -> None:
    round_id = await under_a_faulty_policy(office)
    await enter(office, round_id, range(1, FIRMS))
    faulty = application(FIRMS)
    faulty["applicant"] |= {"credit_grade": "BBB", "annual_sales_won": 1}
    parked = (await office.client.post(f"/rounds/{round_id}/applications", json=faulty)).raise_for_status().json()
    await office.status(round_id, "frozen")

    async def named() -> bool:
        told = await completeness(office, "eligibility", round_id)
        return bool(told.get("parked") == [parked["application"]] and told["judged"] == FIRMS)

    await until(named, "the parked application is named")
    assert (await completeness(office, "eligibility", round_id))["complete"] is False
    terms = await standing(office, round_id)

    others = (await office.propose(round_id, "exclude", terms | {"application": "no id"})).json()
    assert others["type"] == "urn:firstbuy:problem:unknown-application"
    await once_heard(office, round_id, "unpark", terms | {"applications": [parked["application"]]})
    again = await office.propose(round_id, "exclude", terms | {"application": parked["application"]})
    told = again.json()["type"].rpartition(":")[2]
    assert told in ("not-parked", "terms-differ"), "it is being judged again, and the epoch is another now"

    async def judged_again() -> bool:
        async with _database(office.stack, "eligibility") as database:
            found = await database.fetch(
                "SELECT epoch, outcome FROM verdicts WHERE application = $1 ORDER BY epoch", parked["application"]
            )
        return [tuple(row) for row in found] == [(1, "parked"), (2, "parked")]

    await until(judged_again, "judged again, once, in the second epoch")
    assert (await office.shown(round_id))["milestones"] == [], "nothing is completed around what is parked"
    terms = await standing(office, round_id)
    await once_heard(office, round_id, "exclude", terms | {"application": parked["application"]})
    committed = await office.milestone(round_id, "InputsCommitted")
    assert (committed["epoch"], committed["entries"], committed["seed_epoch"]) == (3, FIRMS - 1, 3)
    manifests = [
        (await office.client.get(f"/rounds/{round_id}/manifest", params={"epoch": epoch})).json()["applications"]
        for epoch in (1, 3)
    ]
    assert [manifest["count"] for manifest in manifests] == [FIRMS, FIRMS - 1]
    assert manifests[1]["root"] == committed["applications_root"]
    await office.confirm(round_id, epoch=3)
    await office.results(round_id, FIRMS - 1)
    token = {"Authorization": f"Bearer {parked['token']}"}
    status = (await office.client.get(f"/applications/{parked['application']}/status", headers=token)).json()
    assert (status["withdrawn"], status["version"]) == (True, 2)


@pytest.mark.altered_by_hand("a proposal from before there was a shown_root")
async def test_a_late_admission_moves_nobody_and_draws_under_a_value_due_after_it(office: Office) -> None:
    round_id = await opened_round(office)
    entered = await enter(office, round_id, range(1, FIRMS + 1))
    early = await office.propose(round_id, "admit-late", {"epoch": 0, "source": "rehearsal"}, entry=application(99))
    assert early.json()["type"] == "urn:firstbuy:problem:not-frozen"
    first = await office.milestone(round_id, "SelectionProposed")
    keys = await drawn(office, round_id, 1)

    terms = await standing(office, round_id) | {"source": "rehearsal"}
    assert (await office.propose(round_id, "admit-late", terms)).status_code == 422, "without an entry"
    again = await office.propose(round_id, "admit-late", terms, entry=application(1))
    assert again.json()["type"] == "urn:firstbuy:problem:already-entered"
    done = await office.act(round_id, "admit-late", terms, entry=application(99))
    late = done["receipt"]
    second = await office.milestone(round_id, "SelectionProposed", epoch=2)
    stale = {name: first[name] for name in ("epoch", "commitment_root", "selection_root")}
    refused = await office.propose(round_id, "confirm", stale)
    assert refused.json()["type"] == "urn:firstbuy:problem:terms-differ", (
        "an earlier epoch's proposal can't be confirmed"
    )

    assert second["seed"] == first["seed"], "one seed per round for ever"
    committed = await commitments(office, round_id)
    assert [(one["epoch"], one["seed_epoch"], one["supplementary"]) for one in committed] == [(1, 1, 0), (2, 1, 1)]
    values = await source_values(office, round_id)
    assert first["seed"] == seed_of(committed[0]["commitment_root"], values[1]["value"])
    assert values[2]["value"] != values[1]["value"]
    assert values[2]["due_at"] > committed[1]["committed_at"]
    keys_now = await drawn(office, round_id, 2)
    own_seed = seed_of(committed[1]["commitment_root"], values[2]["value"])
    tickets, key = keys_now.pop(late["application"])
    assert key == draw_key(own_seed, late["application"], tickets).hex()
    assert keys_now == keys
    epochs = await judged_in(office, round_id)
    assert epochs == {each["application"]: 1 for each in entered} | {late["application"]: 2}
    proof = await office.client.get(
        f"/applications/{late['application']}/proof", headers={"Authorization": f"Bearer {late['token']}"}
    )
    assert proof.json()["epoch"] == 2

    await office.act(round_id, "rerun", await standing(office, round_id))
    third = await office.milestone(round_id, "SelectionProposed", epoch=3)
    assert third["selection_root"] == second["selection_root"], "judged again to the same, everybody stands as before"
    assert set((await judged_in(office, round_id)).values()) == {3}
    await office.confirm(round_id, epoch=3)
    await office.results(round_id, FIRMS + 1)

    await _emptied_they_come_to_the_same(office, round_id, third, committed)
    shown = [one["shown_root"] for one in (first, second, third)]
    assert shown[0] != shown[1] == shown[2], "one application more, and then the same"
    await proposed_before_there_was_a_shown_root(office, round_id, third)


async def _emptied_they_come_to_the_same(office: Office, round_id: str, third: Any, committed: Any) -> None:
    """Selection and eligibility, to the moment."""
    said, committed = await milestones(office), await commitments(office, round_id)
    for service in ("selection", "eligibility"):
        await emptied(office.stack, service)
    async with asyncio.timeout(60):
        while not (await completeness(office, "selection", round_id)).get("complete"):
            await asyncio.sleep(0.1)

    async def proposed_again() -> bool:
        async with _database(office.stack, "selection") as database:
            found = await database.fetchval("SELECT body FROM proposals WHERE round = $1", round_id)
        return found is not None and json.loads(found) == third

    await until(proposed_again, "the emptied databases come to the same, to the moment")
    assert await milestones(office) == said
    assert await commitments(office, round_id) == committed


async def proposed_before_there_was_a_shown_root(office: Office, round_id: str, said: dict[str, Any]) -> None:
    """What was said stands, without it too."""
    async with _database(office.stack, "selection") as database, database.transaction():
        await database.execute(
            "UPDATE said SET body = body - 'shown_root' WHERE round = $1 AND type = 'SelectionProposed'", round_id
        )
        await database.execute("DELETE FROM proposals WHERE round = $1", round_id)
        await database.execute("DELETE FROM results WHERE round = $1", round_id)

    async def as_it_was() -> bool:
        async with _database(office.stack, "selection") as database:
            found = await database.fetchval("SELECT body FROM proposals WHERE round = $1", round_id)
        return found is not None and json.loads(found) == said | {"shown_root": None}

    await until(as_it_was, "it is proposed as it was said")


async def test_a_late_entry_draws_under_the_announced_source_though_its_own_epoch_was_never_committed(
    office: Office,
) -> None:
    round_id = await opened_round(office)
    await enter(office, round_id, range(1, 4))
    await office.milestone(round_id, "SelectionProposed")
    await office.stack.stop("selection")
    terms = await standing(office, round_id) | {"source": "rehearsal"}
    late = (await office.act(round_id, "admit-late", terms, entry=application(99)))["receipt"]
    await office.act(round_id, "rerun", await standing(office, round_id))
    await office.stack.restart("selection")
    await office.milestone(round_id, "SelectionProposed", epoch=3)
    committed = await commitments(office, round_id)
    assert [(one["epoch"], one["supplementary"]) for one in committed] == [(1, 0), (3, 1)]
    values = await source_values(office, round_id)
    assert values[3]["value"] != values[1]["value"], "a value nobody knew when it was admitted"
    tickets, key = (await drawn(office, round_id, 3))[late["application"]]
    assert (
        key
        == draw_key(seed_of(committed[1]["commitment_root"], values[3]["value"]), late["application"], tickets).hex()
    )


async def test_a_void_round_is_neither_judged_to_an_end_nor_selected_from(office: Office) -> None:
    lottery = {"source": "lotto", "kind": "rfc3797", "period_seconds": 60, "description": "six numbers"}
    round_id = await opened_round(office, sources=[lottery])
    await enter(office, round_id, range(1, FIRMS + 1))
    committed = await office.milestone(round_id, "InputsCommitted")
    await office.act(round_id, "void", {})

    async def known() -> bool:
        async with _database(office.stack, "selection") as selection, _database(office.stack, "eligibility") as judged:
            voids = [
                await one.fetchval("SELECT void FROM rounds WHERE round = $1", round_id) for one in (selection, judged)
            ]
        return voids == [True, True]

    await until(known, "both services know")
    assert (await completeness(office, "eligibility", round_id))["void"] is True
    named = {"epoch": committed["epoch"], "commitment_root": committed["commitment_root"]}
    seeded = await office.propose(round_id, "record-source", named | {"source": "lotto", "value": "1.2./"})
    assert seeded.json()["type"] == "urn:firstbuy:problem:ended"
    for act in ("rerun", "unpark"):
        assert (await office.propose(round_id, act, await standing(office, round_id))).status_code in (409, 422)


def _database(stack: Stack, service: str) -> Any:
    return _Connected(stack.database_url(service))


class _Connected:
    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Any:
        self._connection = await asyncpg.connect(self._url)
        return self._connection

    async def __aexit__(self, *error: object) -> None:
        await self._connection.close()


async def drawn(office: Office, round_id: str, epoch: int) -> dict[str, tuple[int, str]]:
    """Tickets and key of everyone who stood in that epoch's draw."""
    async with _database(office.stack, "selection") as database:
        rows = await database.fetch(
            "SELECT application::text, tickets, key FROM results WHERE round = $1 AND epoch = $2 AND key IS NOT NULL",
            round_id,
            epoch,
        )
    return {row["application"]: (row["tickets"], row["key"]) for row in rows}


async def judged_in(office: Office, round_id: str) -> dict[str, int]:
    async with _database(office.stack, "eligibility") as database:
        rows = await database.fetch(
            "SELECT application::text, max(epoch) AS epoch FROM verdicts WHERE round = $1 GROUP BY 1", round_id
        )
    return {row["application"]: row["epoch"] for row in rows}


async def commitments(office: Office, round_id: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = (
        await office.client.get(f"{office.stack.url('selection')}/rounds/{round_id}/commitments")
    ).json()
    return told


async def source_values(office: Office, round_id: str) -> dict[int, dict[str, Any]]:
    records = await records_of(office.stack.kafka.settings, f"{office.stack.topic_prefix}rounds.v1")
    bodies = [
        json.loads(record.value)
        for record in records
        if dict(record.headers)["ce_type"] == b"kr.firstbuy.SourceValueRecorded.v1"
    ]
    return {body["epoch"]: body for body in bodies if body["round"] == round_id}


async def milestones(office: Office) -> dict[str, set[bytes]]:
    """What was said under each event id: more than one thing would be a contradiction."""
    said = defaultdict(set)
    for record in await records_of(office.stack.kafka.settings, f"{office.stack.topic_prefix}milestones.v1"):
        headers = dict(record.headers)
        said[headers["ce_id"].decode()].add(headers["ce_time"] + record.value)
    assert {len(contents) for contents in said.values()} == {1}
    return dict(said)
