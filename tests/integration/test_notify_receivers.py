"""What a webhook's receiver does, and what that means: a real HTTP server that fails in every way."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from services.notify.domain.attempts import DELIVERED, Ending, Outcome
from services.notify.receivers import Receivers
from tests.receiver import Receiver, receiving

NOW = datetime(2018, 9, 14, 9, 0, tzinfo=UTC)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def anywhere() -> AsyncIterator[Receivers]:
    receivers = Receivers(8, 0.5, lambda: NOW, private=True)
    yield receivers
    await receivers.close()


@pytest.fixture
async def public_only() -> AsyncIterator[Receivers]:
    receivers = Receivers(8, 2.0, lambda: NOW, private=False)
    yield receivers
    await receivers.close()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/ok", DELIVERED),
        ("/status/200", DELIVERED),
        ("/slow-body", DELIVERED),
        ("/endless", DELIVERED),
        ("/silent", Outcome(Ending.LATER, "timeout", in_doubt=True)),
        ("/hang-up", Outcome(Ending.LATER, "connection-lost", in_doubt=True)),
        ("/status/500", Outcome(Ending.LATER, "answered-500")),
        ("/status/404", Outcome(Ending.LATER, "answered-404")),
        ("/status/429", Outcome(Ending.LATER, "answered-429")),
        ("/status/410", Outcome(Ending.NEVER, "gone")),
        ("/redirect", Outcome(Ending.LATER, "redirected")),
    ],
)
async def test_what_an_answer_means(receiver: Receiver, anywhere: Receivers, path: str, expected: Outcome) -> None:
    assert await anywhere.post(receiver.url(path), {}, b"{}") == expected
    assert [where for where, _, _ in receiver.got] == [path]
    assert await anywhere.post(receiver.url("/ok"), {}, b"{}") == DELIVERED


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [
        ("120", timedelta(seconds=120)),
        (format_datetime(NOW + timedelta(minutes=3)), timedelta(minutes=3)),
        (format_datetime(NOW - timedelta(minutes=3)), timedelta(0)),
        ("86400000", timedelta(hours=6)),
        ("soon", timedelta(0)),
        ("9" * 400, timedelta(0)),
    ],
)
async def test_a_receiver_may_ask_to_be_left_alone_for_a_while(
    receiver: Receiver, anywhere: Receivers, retry_after: str, pause: timedelta
) -> None:
    receiver.moods["/busy"] = [web.Response(status=429, headers={"Retry-After": retry_after})]
    outcome = await anywhere.post(receiver.url("/busy"), {}, b"{}")
    assert outcome == Outcome(Ending.LATER, "answered-429", pause=pause)


async def test_a_receiver_that_is_away_is_a_failure_for_now(anywhere: Receivers) -> None:
    assert await anywhere.post("http://127.0.0.1:1/", {}, b"{}") == Outcome(Ending.LATER, "receiver-away")
    unknown = await anywhere.post("http://nowhere.invalid/", {}, b"{}")
    assert unknown == Outcome(Ending.LATER, "receiver-away")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_no_notice_goes_to_a_private_address_by_whatever_name(
    receiver: Receiver, public_only: Receivers, host: str
) -> None:
    refused = await public_only.post(receiver.url("/ok", host), {}, b"{}")
    assert refused == Outcome(Ending.NEVER, "private-address")
    assert receiver.got == []
