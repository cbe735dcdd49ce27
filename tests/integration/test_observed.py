"""A small round as an operator sees it: metrics have its figures, one trace leads to the mail, commands show both."""

import asyncio
import json
import threading
import zipfile
from collections.abc import AsyncIterator, Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from firstbuy.cli import assembled
from firstbuy.reference.exported import exported
from shared.contracts.access import SERVICES
from shared.contracts.topics import CONSUMED
from tests.support.consuming import until
from tests.support.rounds import Office, application, clock_map
from tests.support.scraped import Samples, scraped, total
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("observed")  # one stack for the whole file
ENTER = {"method": "POST", "route": "/rounds/{round}/applications"}
Spans = dict[str, set[tuple[str, str]]]
"""By trace, each span's service and name."""


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[str, Spans]]:
    """Takes traces as an OpenTelemetry collector does, by OTLP over HTTP."""
    spans: Spans = {}

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
            for resource in sent.resource_spans:
                names = {each.key: each.value.string_value for each in resource.resource.attributes}
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        spans.setdefault(span.trace_id.hex(), set()).add((names["service.name"], span.name))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", spans
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack, collector: tuple[str, Spans]) -> AsyncIterator[Stack]:
    environment = {
        "FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3",
        "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.3",
        "FIRSTBUY_TRACE_ENDPOINT": collector[0],
        "FIRSTBUY_TRACE_SAMPLE_RATIO": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    async with lasting_stack(SERVICES, environment=environment) as running:
        yield running


async def test_metrics_have_the_figures_of_a_round_and_one_trace_leads_to_the_mail(
    stack: Stack, office: Office, client: httpx2.AsyncClient, collector: tuple[str, Spans]
) -> None:
    async def metrics(service: str) -> Samples:
        return await scraped(client, stack.url(service))

    for service in SERVICES:
        await holds_from_the_start(service, await metrics(service))
    round_id = await office.announce(rehearsal=clock_map(6))
    await office.status(round_id, "open")
    for number in range(3):
        (await client.post(f"/rounds/{round_id}/applications", json=application(number))).raise_for_status()
    assert (await client.post(f"/rounds/{round_id}/applications", json={})).status_code == 422
    assert (await client.get("/no/such/route")).status_code == 404
    intake = await metrics("intake")
    assert total(intake, "firstbuy_http_requests_total", **ENTER, status="201") == 3
    assert total(intake, "firstbuy_http_requests_total", **ENTER, status="422") == 1
    assert total(intake, "firstbuy_http_seconds_count", **ENTER) == 4
    assert total(intake, "firstbuy_http_requests_total", route="none", status="404") == 1
    assert not any(round_id in dict(labels).get("route", "") for _, labels in intake)
    await office.milestone(round_id, "EligibilityCompleted")

    async def counted() -> bool:
        intake, eligibility = await metrics("intake"), await metrics("eligibility")
        return (
            total(intake, "firstbuy_round_admitted", round=round_id) == 3
            and total(intake, "firstbuy_round_status", round=round_id, status="frozen") == 1
            and total(eligibility, "firstbuy_round_judged", round=round_id) == 3
            and total(eligibility, "firstbuy_round_frozen", round=round_id) == 3
        )

    await until(counted, "the round's figures in the metrics")
    intake, eligibility = await metrics("intake"), await metrics("eligibility")
    assert total(intake, "firstbuy_round_past_close_seconds", round=round_id) == 0
    assert total(intake, "firstbuy_round_contested", round=round_id) == 0
    assert total(eligibility, "firstbuy_round_parked", round=round_id) == 0
    assert total(eligibility, "firstbuy_bucket_mismatches", round=round_id) == 0
    applications = f"{stack.topic_prefix}applications.v1"
    assert total(eligibility, "firstbuy_records_total", topic=applications) == 3
    assert total(eligibility, "firstbuy_record_seconds_count", topic=applications) == 3

    async def told() -> bool:
        samples = await metrics("notify")
        return (total(samples, "firstbuy_deliveries_total", channel="mail", state="sent") or 0) >= 3

    await until(told, "three mails sent")
    notify = await metrics("notify")
    sent = total(notify, "firstbuy_deliveries_total", channel="mail", state="sent")
    assert total(notify, "firstbuy_notices_total", channel="mail", state="sent") == sent
    assert (total(notify, "firstbuy_notice_seconds_count", channel="mail") or 0) >= 3
    for service in SERVICES:
        await at_rest(service, await metrics(service))
    await one_trace(stack, collector[1])


async def holds_from_the_start(service: str, samples: Samples) -> None:
    """Every metric is there before it was used, with every topic, but those by round and by retry."""
    there = {name for name, _ in samples}
    late = {"firstbuy_notices_total", "firstbuy_round_failures_total"}
    for metric in exported():
        if service in metric.services and "round" not in metric.labels and metric.series[0] not in late:
            assert there.issuperset(metric.series), metric.name
    topics = {dict(labels)["topic"] for name, labels in samples if name == "firstbuy_dead_letters_total"}
    assert len(topics) == len(CONSUMED[service])


async def at_rest(service: str, samples: Samples) -> None:
    assert total(samples, "firstbuy_dead_letters_total") == 0, service
    assert total(samples, "firstbuy_parked_records") == 0, service
    assert total(samples, "firstbuy_end_seconds", kind="kafka-broker") == float("inf"), service
    assert (total(samples, "firstbuy_database_connections", state="most") or 0) > 0, service
    assert (total(samples, "firstbuy_rebalances_total") or 0) >= len(CONSUMED[service]), service


async def one_trace(stack: Stack, spans: Spans) -> None:
    """Each mail of an entry names a trace that the collector has whole: request, verdict, mail."""
    wanted = {
        ("firstbuy-intake", "POST application"),
        ("firstbuy-eligibility", "judge"),
        ("firstbuy-notify", "mail"),
    }
    mails = [message_from_bytes(path.read_bytes()) for path in sorted(stack.mail_folder.glob("*.eml"))]
    named = {str(mail["traceparent"]).split("-")[1] for mail in mails if mail["traceparent"]}
    async with asyncio.timeout(30):
        while sum(wanted <= found for trace, found in spans.items() if trace in named) < 3:
            await asyncio.sleep(0.1)


def command(stack: Stack, *words: str, **environment: str) -> Result:
    return CliRunner(env={"FIRSTBUY_STATE": str(stack.state.folder), **environment}).invoke(assembled(), list(words))


async def test_lag_is_told_by_topic_and_partition_while_a_service_is_down(
    stack: Stack, office: Office, client: httpx2.AsyncClient
) -> None:
    async def behind(*words: str) -> list[dict[str, Any]]:
        told = await asyncio.to_thread(command, stack, "lag", "--json", *words)
        assert told.exit_code == 0, told.output
        rows: list[dict[str, Any]] = json.loads(told.stdout)
        return rows

    async def caught_up() -> bool:
        return not await behind("selection")

    await until(caught_up, "nothing behind before")
    await stack.stop("selection")
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    (await client.post(f"/rounds/{round_id}/applications", json=application(7))).raise_for_status()

    async def told() -> bool:
        rows = [row for row in await behind("selection") if row["topic"].endswith(".applications.v1")]
        return [row["records"] for row in rows] == [1] and 0 < rows[0]["seconds"] < 600

    await until(told, "one application behind, and since when")
    assert {row["service"] for row in await behind("selection")} == {"selection"}
    shown = (await asyncio.to_thread(command, stack, "lag", "selection")).stdout
    assert f"{stack.topic_prefix}applications.v1" in shown
    once = await asyncio.to_thread(command, stack, "top", "--once")
    assert once.exit_code == 1, "selection does not answer"
    await stack.restart("selection")
    await stack.wait_ready("selection")
    await until(caught_up, "nothing behind after")
    exports = await asyncio.to_thread(command, stack, "lag", "--all", "--json", "--from", stack.url("selection"))
    assert {row["service"] for row in json.loads(exports.stdout)} == {"selection"}
    assert "nothing is behind" in (await asyncio.to_thread(command, stack, "lag", "selection")).stdout


async def test_top_shows_services_rounds_and_notices(stack: Stack, office: Office, client: httpx2.AsyncClient) -> None:
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    (await client.post(f"/rounds/{round_id}/applications", json=application(8))).raise_for_status()

    async def shown() -> bool:
        told = await asyncio.to_thread(command, stack, "top", "--once")
        (row,) = [line for line in told.stdout.splitlines() if round_id in line] or [""]
        cells = [cell.strip() for cell in row.strip("│┃ ").split("│")]
        return told.exit_code == 0 and cells[1:2] == ["open"] and cells[3:8] == ["1", "1", "0", "0", "0"]

    await until(shown, "the round with one application admitted and judged")
    told = (await asyncio.to_thread(command, stack, "top", "--once")).stdout
    assert all(word in told for word in (*SERVICES, "mail", "webhook", "outbox", "ready"))


PLANTED = {
    "FIRSTBUY_KAFKA_SASL_PASSWORD": "planted-kafka-password",
    "FIRSTBUY_INTAKE_DATABASE_URL": "postgresql://planted-user:planted-database@127.0.0.1:1/planted-name",
    "FIRSTBUY_INTAKE_OPERATOR_TOKEN_HASH": "ab" * 32,
    "FIRSTBUY_INTAKE_IDENTITY_KEY": "planted-identity-key",
    "FIRSTBUY_INTAKE_IDENTITY_URL": "https://planted-user:planted-password@tax.example:8443/planted-path?planted=1",
    "FIRSTBUY_NOTIFY_SMTP_URL": "smtp://planted-mailer:planted-smtp@mail.example:25",
    "FIRSTBUY_NOTIFY_SENDER_NAME": "planted sender",
    "FIRSTBUY_TOKEN": "planted-bearer",
}
LOGGED = {
    "event": "refused 홍길동",
    "email": "hong@planted.example",
    "name": "Hong Gildong",
    "phone": "010-1234-5678",
    "business_number": "1208100018",
    "error": "Key (email)=(kim@planted.example) exists",
    "nested": {"token": "planted-nested"},
    "offset": 1207,
}


async def test_a_support_bundle_holds_no_secret_and_nobodys_data(
    stack: Stack, office: Office, client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    sent = application(9)
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    receipt = (await client.post(f"/rounds/{round_id}/applications", json=sent)).raise_for_status().json()
    with stack.log("intake").open("a", encoding="utf-8") as log:
        log.write(json.dumps(LOGGED, ensure_ascii=False) + "\nTraceback of planted-line\n")
    target = tmp_path / "bundle.zip"
    done = await asyncio.to_thread(command, stack, "support-bundle", "-o", str(target), **PLANTED)
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(target) as bundle:
        parts = {name: bundle.read(name).decode() for name in bundle.namelist()}
    whole = "\n".join([*parts, *parts.values()])
    running = json.loads(stack.state.description.read_text())
    contact = [str(value) for value in sent["contact"].values() if len(str(value)) > 2]
    forbidden = [
        "planted",
        "ab" * 32,
        *(str(value) for value in LOGGED.values() if isinstance(value, str) and value != LOGGED["event"]),
        "홍길동",
        "kim@",
        receipt["token"],
        *contact,
        sent["applicant"]["business_number"],
        stack.operator_token,
        running["kafka_operator"]["FIRSTBUY_KAFKA_SASL_PASSWORD"],
        *(str(urlsplit(url).password) for url in running["databases"].values()),
    ]
    assert [word for word in forbidden if word and word != "None" and word in whole] == []
    assert '"offset": 1207' in parts["logs/intake-0.jsonl"], "the rest of such a line stays"
    settings = json.loads(parts["settings.json"])
    assert settings["FIRSTBUY_INTAKE_IDENTITY_URL"] == "https://tax.example:8443"
    for name in ("FIRSTBUY_KAFKA_SASL_PASSWORD", "FIRSTBUY_NOTIFY_SENDER_NAME", "FIRSTBUY_NOTIFY_SMTP_URL"):
        assert settings[name] == "set"
    assert {each["service"] for each in json.loads(parts["health.json"])} == set(SERVICES)
    assert json.loads(parts["migrations.json"])["notify"][0]["name"].startswith("shared/")
    assert len(json.loads(parts["lag.json"])) > 10
    assert any("firstbuy_records_total" in text for name, text in parts.items() if name.startswith("metrics/"))
