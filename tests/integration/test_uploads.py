"""An institution without Kafka sends a table over HTTP: it goes through its own inbox, and is answered there."""

import asyncio
import io

import asyncpg
import openpyxl
import pytest

from deploy.local.stack import Stack
from firstbuy.onboarding.cluster import Cluster
from shared.contracts.access import Grant, Resource, Right, service_user
from shared.contracts.topics import inbox, outbox
from shared.kafka.access import Access
from tests.conftest import StartStack
from tests.support.consuming import until
from tests.support.rounds import Office
from tests.support.spreadsheets import MAIN, xlsx
from tests.support.uploading import CODE, answered, on, opened, send, table, token_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    environment = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.5", "FIRSTBUY_INTAKE_UPLOAD_ROWS": "50"}
    return await start_stack(services=("intake",), environment=environment)


THREE = table('r-1,41112201,50,"120,000,000"', "r-2,41112201,5,900000000", "r-3,41112201,5.0,20000000")


async def test_an_uploads_rows_are_answered_on_the_outbox_and_in_its_status(office: Office) -> None:
    round_id, token = await opened(office)
    made = await send(office, round_id, token, THREE)
    assert made.status_code == 201, made.text
    upload = made.json()
    assert (upload["rows"], made.headers["location"]) == (3, f"/institutions/{CODE}/uploads/{upload['upload']}")
    rows = await answered(office, token, upload["upload"])
    assert {number: row["state"] for number, row in rows.items()} == {2: "accepted", 3: "rejected", 4: "accepted"}
    assert rows[2]["version"] == 1
    (wrong,) = rows[3]["errors"]
    assert (wrong["code"], wrong["cell"], wrong["value"]) == ("budget-above-pledge", "D3", "900000000")
    sent = await on(office, inbox(CODE).name)
    assert [body["request"] for _, body in sent] == ["r-1", "r-2", "r-3"]
    told = [body for _, body in await on(office, outbox(CODE).name) if "quotes" in body]
    assert {body["quotes"]: body["answer"] for body in told} == dict(
        zip([identifier for identifier, _ in sent], ["accepted", "rejected", "accepted"], strict=True)
    )


async def test_a_preview_says_what_was_understood_and_sends_nothing(office: Office) -> None:
    round_id, token = await opened(office)
    shown = (await send(office, round_id, token, THREE, preview=True)).raise_for_status().json()
    assert shown["sendable"]
    assert shown["rows"][0] == {
        "row": 2,
        "type": "SubmitPurchaseRequest",
        "message": {
            "round": round_id,
            "request": "r-1",
            "facts": {"class_code": "41112201", "quantity": 50, "budget_won": 120_000_000},
        },
        "errors": 0,
        "warnings": [],
        "read_as": [{"cell": "D2", "said": "120,000,000", "read": "120000000"}],
    }
    assert await on(office, inbox(CODE).name) == []
    listed = await office.client.get(f"/institutions/{CODE}/uploads", headers=token)
    assert listed.json()["uploads"] == []


async def test_one_bad_cell_keeps_the_whole_table_from_being_sent(office: Office) -> None:
    round_id, token = await opened(office)
    content = table("r-1,41112201,50,1.2억", "r-2,411,5,20000000", "r-3,41112201,5,20000000")
    refused = await send(office, round_id, token, content)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    errors = refused.json()["errors"]
    assert [(error["cell"], error["column"], error["value"]) for error in errors] == [
        ("D2", "budget_won", "1.2억"),
        ("B3", "class_code", "411"),
    ]
    assert all(error["fix"] for error in errors)
    preview = (await send(office, round_id, token, content, preview=True)).raise_for_status().json()
    assert (preview["sendable"], preview["errors"]) == (False, errors)
    assert await on(office, inbox(CODE).name) == []


async def test_the_same_table_again_is_the_upload_before(office: Office) -> None:
    round_id, token = await opened(office)
    first, second = await asyncio.gather(*(send(office, round_id, token, THREE) for _ in range(2)))
    assert {first.status_code, second.status_code} == {200, 201}
    assert first.json()["upload"] == second.json()["upload"]
    await answered(office, token, first.json()["upload"])
    again = await send(office, round_id, token, THREE)
    assert (again.status_code, again.json()["upload"]) == (200, first.json()["upload"])
    assert len(await on(office, inbox(CODE).name)) == 3
    keyed = await send(office, round_id, token | {"Idempotency-Key": "again"}, THREE)
    assert keyed.status_code == 201
    rows = await answered(office, token, keyed.json()["upload"])
    assert {row["state"] for row in rows.values()} == {"duplicate", "rejected"}
    other = await send(office, round_id, token | {"Idempotency-Key": "again"}, THREE + b"\n")
    assert (other.status_code, other.json()["type"]) == (422, "urn:firstbuy:problem:idempotency-key-reused")


async def test_uploads_are_taken_in_their_order(office: Office) -> None:
    """A request made, changed and withdrawn in three uploads that leave at once."""
    round_id, token = await opened(office)
    header = "구분,구매 요청 번호,대체할 버전,물품분류번호,수량,예산(원)"
    tables = (
        table("요청,r-1,,41112201,5,20000000", header=header),
        table("변경,r-1,1,41112201,7,20000000", header=header),
        table("철회,r-1,,,,", header=header),
    )
    sent = [(await send(office, round_id, token, one)).raise_for_status().json()["upload"] for one in tables]
    states = [(await answered(office, token, upload))[2] for upload in sent]
    assert [(row["state"], row["version"]) for row in states] == [("accepted", 1), ("accepted", 2), ("accepted", 3)]
    listed = (await office.client.get(f"/institutions/{CODE}/uploads?limit=2", headers=token)).json()
    assert [upload["upload"] for upload in listed["uploads"]] == sent[:0:-1]
    older = (await office.client.get(listed["next"], headers=token)).json()
    assert [upload["upload"] for upload in older["uploads"]] == sent[:1]
    assert older["next"] is None


async def test_what_comes_after_the_close_is_late(office: Office) -> None:
    round_id, token = await opened(office, seconds=5)
    await asyncio.sleep(5)
    upload = (await send(office, round_id, token, THREE)).raise_for_status().json()["upload"]
    await office.status(round_id, "frozen")
    rows = await answered(office, token, upload)
    assert {row["state"] for row in rows.values()} == {"late"}


async def test_korean_excels_csv_and_workbooks_are_taken_as_they_are(office: Office) -> None:
    round_id, token = await opened(office)
    korean = '구매 요청 번호,물품분류번호,수량,예산(원),비고\r\nr-1,41112201,50,"120,000,000",뷁 시범\r\n'
    upload = (await send(office, round_id, token, korean.encode("cp949"))).raise_for_status().json()
    assert upload["file"]["encoding"] == "CP949"
    rows = await answered(office, token, upload["upload"])
    assert (rows[2]["state"], rows[2]["message"]["facts"]["note"]) == ("accepted", "뷁 시범")
    workbook = openpyxl.Workbook()
    workbook.active.title = "감춤"
    workbook.active.sheet_state = "hidden"
    sheet = workbook.create_sheet("요청")
    sheet.append(["2018년 하반기 구매 요청"])
    sheet.merge_cells("A1:D1")
    sheet.append(["request", "class_code", "quantity", "budget_won"])
    sheet.append([17.0, 41112201, 50.0, 20_000_000])
    sheet["H40"] = " "
    file = io.BytesIO()
    workbook.save(file)
    made = (await send(office, round_id, token, file.getvalue(), XLSX)).raise_for_status().json()
    assert (made["file"]["sheet"], made["file"]["sheets_passed_over"]) == ("요청", ["감춤"])
    rows = await answered(office, token, made["upload"])
    assert (rows[3]["state"], rows[3]["request"]) == ("accepted", "17")


async def test_a_file_that_can_not_be_taken_says_what_it_is(office: Office) -> None:
    round_id, token = await opened(office)
    many = table(*(f"r-{number},41112201,5,20000000" for number in range(51)))
    refused = {
        "bytes": (await send(office, round_id, token, b"x" * 3_000_000), 413, "2,097,152 bytes"),
        "rows": (await send(office, round_id, token, many), 413, "50 rows"),
        "depth": (
            await send(office, round_id, token, xlsx(styles=f'<a xmlns="{MAIN}">' + "<a>" * 99), XLSX),
            413,
            "64",
        ),
        "type": (await send(office, round_id, token, b"{}", "application/json"), 415, "neither CSV nor XLSX"),
        "old": (await send(office, round_id, token, bytes.fromhex("d0cf11e0a1b11ae1"), XLSX), 415, "old XLS"),
        "other": (await send(office, round_id, token, b"a,b", XLSX), 415, "sent as"),
    }
    for name, (answer, status, said) in refused.items():
        assert answer.status_code == status, name
        assert said in answer.json()["title"], name
    unknown = await send(office, "no-such-round", token, THREE)
    assert unknown.status_code == 404


async def test_only_the_institution_and_its_office_upload_and_the_audit_log_says_who(office: Office) -> None:
    round_id, token = await opened(office)
    await office.institution("lh")
    others = await token_of(office, "lh")
    assert (await send(office, round_id, others, THREE)).status_code == 403
    assert (await send(office, round_id, {}, THREE)).status_code == 401
    upload = (await send(office, round_id, office.officers[0], THREE)).raise_for_status().json()["upload"]
    for path in (f"/institutions/{CODE}", f"/institutions/{CODE}/uploads", f"/institutions/{CODE}/uploads/{upload}"):
        assert (await office.client.get(path, headers=others)).status_code == 403, path
        assert (await office.client.get(path, headers=token)).status_code == 200, path
    log = (await office.client.get("/audit", headers=office.officers[0])).raise_for_status().json()
    (said,) = [row for row in log["rows"] if row["action"] == "upload"]
    assert (said["detail"]["upload"], said["detail"]["role"]) == (upload, "officer")
    assert said["actor"].startswith("officer one")
    held = {"status": "suspended"}
    (await office.client.put(f"/institutions/{CODE}", json=held, headers=office.officers[0])).raise_for_status()
    assert (await send(office, round_id, token, table("r-9,41112201,5,20"))).status_code == 409


async def test_a_crash_between_storing_and_sending_loses_nothing_and_sends_once(office: Office) -> None:
    """As a kill leaves it: the upload's batch is in the outbox, and nobody was handed it."""
    round_id, token = await opened(office)
    upload = (await send(office, round_id, token, THREE)).raise_for_status().json()["upload"]
    await answered(office, token, upload)
    sent = await on(office, inbox(CODE).name)
    database = await asyncpg.connect(office.stack.database_url("intake"))
    await database.execute(
        "INSERT INTO outbox (created_at, topics, keys, types, ids, times, traceparents, bodies)"
        " SELECT now() - interval '1 minute', array_agg($1::text), array_agg(message->>'request'), array_agg(type),"
        " array_agg(message_id), array_agg(now()), array_agg(''::text), array_agg(convert_to(message::text, 'UTF8'))"
        " FROM upload_rows",
        inbox(CODE).name,
    )
    await database.close()

    async def sent_again() -> bool:
        return len(await on(office, inbox(CODE).name)) == 6

    await until(sent_again, "the rows sent again")
    assert {identifier for identifier, _ in await on(office, inbox(CODE).name)} == {
        identifier for identifier, _ in sent
    }
    after = await send(office, round_id, token, table("r-4,41112201,5,20000000"))
    await answered(office, token, after.json()["upload"])
    told = [body["quotes"] for _, body in await on(office, outbox(CODE).name) if "quotes" in body]
    assert len(told) == len(set(told)) == 4, "one answer to each message, however often it was sent"


@pytest.mark.apache_kafka
@pytest.mark.usefixtures("own_users")
async def test_an_upload_waits_while_intake_may_not_write_the_inbox_and_holds_up_nothing_else(office: Office) -> None:
    """As where an institution had joined before there were uploads."""
    round_id, token = await opened(office)
    kafka, prefix = office.stack.kafka.settings, office.stack.topic_prefix
    right = Grant(service_user(prefix, "intake"), Right.WRITE, Resource.TOPIC, prefix + inbox(CODE).name)
    await Access(kafka).revoke([right])
    upload = (await send(office, round_id, token, THREE)).raise_for_status().json()["upload"]
    await asyncio.sleep(8)  # until what is left behind is swept
    path = f"/institutions/{CODE}/uploads/{upload}"
    shown = (await office.client.get(path, headers=token)).raise_for_status().json()
    assert {row["state"] for row in shown["answers"]} == {"waiting"}
    later = await send(office, round_id, token, table("r-4,41112201,5,20000000"))
    assert (later.status_code, later.json()["type"]) == (503, "urn:firstbuy:problem:earlier-upload-waits")
    await office.institution("lh")

    async def told() -> bool:
        return any(body["institution"] == "lh" for _, body in await on(office, "institutions.v1"))

    await until(told, "what others publish")
    await Cluster(kafka, prefix).join([CODE])
    rows = await answered(office, token, upload)
    assert [row["state"] for row in rows.values()] == ["accepted", "rejected", "accepted"]


async def test_templates_can_be_had_and_their_example_is_never_sent(office: Office) -> None:
    round_id, token = await opened(office)
    for name, kind in (("csv", "text/csv"), ("xlsx", XLSX)):
        template = await office.client.get(f"/institutions/uploads/template.{name}")
        assert template.headers["content-type"].startswith(kind)
        shown = (await send(office, round_id, token, template.content, kind, preview=True)).raise_for_status().json()
        assert [error["code"] for error in shown["errors"]] == ["example"]
