"""The adapters against a server that speaks as the registries do, in each of its moods."""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime

import httpx2
import pytest

from deploy.local.registries.records import Business, Mood, Records
from services.eligibility.adapters.registries.business_status import BusinessStatusRegistry
from services.eligibility.adapters.registries.certificates import CertificateRegistry, plain
from services.intake.domain.identity import Claimed
from shared.contracts.facts import BusinessStatus
from shared.contracts.registries import Registry, RegistryOutcome
from shared.service.registry_calls import Address, RegistryAwayError, RegistryFailureError, UnsoundAnswerError
from tests.support.registries import KEY, Local, local_registries

NOW = datetime(2018, 9, 14, 9, tzinfo=UTC)
NUMBER, OTHER = "2208162517", "1248100998"
NEP = {"number": "NEP-MOTIE-2017-012", "issued_on": "2017-03-02", "expires_on": "2020-03-01"}
SUBJECT = "nep/41112201/NEP-MOTIE-2017-012"


@pytest.fixture(scope="module")
def server() -> Iterator[Local]:
    with local_registries() as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(server: Local) -> None:
    server.is_(Mood.WELL)
    for asked in server.shelf.asked.values():
        asked.clear()
    server.shelf.businesses.clear()
    server.shelf.certificates.clear()
    server.knows(NUMBER)
    server.certifies(NEP, "41112201")


async def test_each_status_is_read_and_a_number_that_is_not_registered_is_unknown(server: Local) -> None:
    server.knows("1111111119", BusinessStatus.SUSPENDED)
    server.knows("2222222227", BusinessStatus.CLOSED, date(2018, 8, 31))
    server.knows("3333333336", BusinessStatus.CLOSED)
    asked = [NUMBER, "1111111119", "2222222227", "3333333336", OTHER]
    answers = {each.subject: each for each in await server.business_status().ask(asked, NOW)}
    assert set(answers) == set(asked)
    assert [(answers[each].outcome, answers[each].status, answers[each].closed_on) for each in asked] == [
        (RegistryOutcome.KNOWN, BusinessStatus.ACTIVE, None),
        (RegistryOutcome.KNOWN, BusinessStatus.SUSPENDED, None),
        (RegistryOutcome.KNOWN, BusinessStatus.CLOSED, date(2018, 8, 31)),
        (RegistryOutcome.KNOWN, BusinessStatus.CLOSED, None),
        (RegistryOutcome.UNKNOWN, None, None),
    ]
    assert {each.said_at for each in answers.values()} == {NOW}


async def test_the_tax_service_confirms_number_day_and_name_together(server: Local) -> None:
    known = Business(started_on=date(2015, 3, 2), representative="김새싹")
    server.shelf.add(Records(businesses={NUMBER: known, OTHER: Business()}))
    day, name = date(2015, 3, 2), "김새싹"
    claims = {
        Claimed(NUMBER, day, name): True,
        Claimed(NUMBER, date(2015, 3, 3), name): False,
        Claimed(NUMBER, day, "김도둑"): False,
        Claimed(OTHER, day, name): False,
        Claimed("1111111119", day, name): False,
    }
    for claimed, confirmed in claims.items():
        assert await server.tax_service().confirms(claimed) is confirmed


@pytest.mark.parametrize("mood", [mood for mood in Mood if mood not in (Mood.WELL, Mood.SLOW)])
async def test_the_tax_service_confirms_nothing_when_it_is_not_well(server: Local, mood: Mood) -> None:
    server.shelf.add(Records(businesses={NUMBER: Business(started_on=date(2015, 3, 2), representative="김새싹")}))
    server.is_(mood)
    with pytest.raises(RegistryFailureError) as failed:
        await server.tax_service().confirms(Claimed(NUMBER, date(2015, 3, 2), "김새싹"))
    for secret in (KEY, NUMBER, "김새싹", server.url):
        assert secret not in str(failed.value)


async def test_a_certificate_is_read_with_its_dates_grade_and_holder(server: Local) -> None:
    server.certifies(NEP, "43211503", revoked_on="2018-07-02", grade="1", holder=NUMBER)
    plain, revoked, unknown = [
        (await server.certificates().ask([f"nep/{place}/{number}"], NOW))[0]
        for place, number in (("41112201", NEP["number"]), ("43211503", NEP["number"]), ("41112201", "no such"))
    ]
    assert (plain.issued_on, plain.expires_on, plain.revoked_on) == (date(2017, 3, 2), date(2020, 3, 1), None)
    assert (plain.grade, plain.holder) == (None, None)
    assert (revoked.revoked_on, revoked.grade, revoked.holder) == (date(2018, 7, 2), "1", NUMBER)
    assert (unknown.outcome, unknown.issued_on) == (RegistryOutcome.UNKNOWN, None)


FAILURES = [
    (Mood.DOWN, RegistryAwayError),
    (Mood.LIMITED, RegistryAwayError),
    (Mood.USED_UP, RegistryAwayError),
    (Mood.KEY, RegistryAwayError),
    (Mood.BROKEN, UnsoundAnswerError),
    (Mood.LACKING, UnsoundAnswerError),
    (Mood.UNDATED, UnsoundAnswerError),
    (Mood.ANOTHER, UnsoundAnswerError),
    (Mood.HUGE, UnsoundAnswerError),
]


@pytest.mark.parametrize(("mood", "error"), FAILURES)
async def test_what_is_not_as_promised_is_a_failed_call_and_never_an_answer(
    server: Local, mood: Mood, error: type[RegistryFailureError], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.is_(mood)
    for ask in (server.business_status().ask([NUMBER], NOW), server.certificates().ask([SUBJECT], NOW)):
        with pytest.raises(error) as raised:
            await ask
        assert_without_key(repr(raised.value) + str(raised.value.__cause__) + caplog.text)


async def test_a_slow_registry_is_waited_for_no_longer_than_set(server: Local) -> None:
    server.is_(Mood.SLOW, seconds=0.05)
    assert len(await server.business_status(seconds=30).ask([NUMBER], NOW)) == 1
    server.is_(Mood.SLOW, seconds=2)
    for ask in (server.business_status(0.2).ask([NUMBER], NOW), server.certificates(0.2).ask([SUBJECT], NOW)):
        with pytest.raises(RegistryAwayError):
            await ask


async def test_retry_after_is_told_to_whoever_asked(server: Local) -> None:
    server.is_(Mood.LIMITED, seconds=17)
    with pytest.raises(RegistryAwayError) as raised:
        await server.business_status().ask([NUMBER], NOW)
    assert raised.value.retry_after == 17


async def test_a_registry_that_is_not_there_is_away(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for url in ("http://127.0.0.1:9/list", "no address"):
        with pytest.raises(RegistryAwayError) as raised:
            await CertificateRegistry(Address(url, lambda: KEY), 2).ask([SUBJECT], NOW)
        assert_without_key(repr(raised.value) + caplog.text)


async def test_a_number_too_many_is_refused_by_the_server_as_the_real_one_does(server: Local) -> None:
    with pytest.raises(RegistryAwayError, match="413"):
        await server.business_status().ask([f"{number:010d}" for number in range(101)], NOW)
    assert server.calls(Registry.BUSINESS_STATUS) == [101]


async def test_each_call_has_the_newest_key(server: Local) -> None:
    told = [""]  # which the server refuses
    registry = BusinessStatusRegistry(Address(server.business_status_url, lambda: told[-1]), 2)
    with pytest.raises(RegistryAwayError):
        await registry.ask([NUMBER], NOW)
    told.append(KEY)
    assert len(await registry.ask([NUMBER], NOW)) == 1


def test_a_key_that_was_given_out_encoded_is_sent_as_it_is() -> None:
    assert plain("a%2Bsecret%2Fkey%3D%3D") == KEY


async def test_the_server_takes_records_and_moods_over_http(server: Local) -> None:
    async with httpx2.AsyncClient(base_url=server.url) as client:
        records = {"businesses": {OTHER: {"status": "suspended"}}, "certificates": [{"class_code": "41112201", **NEP}]}
        assert (await client.post("/records", json=records)).json() == {"businesses": 2, "certificates": 1}
        assert (await client.post("/records", json={"businesses": {"12": {}}})).status_code == 422
        assert (await client.put("/moods/certificates", json={"mood": "down"})).status_code == 204
        assert (await client.put("/moods/certificates", json={"mood": "merry"})).status_code == 422
        assert (await client.put("/moods/horoscopes", json={"mood": "down"})).status_code == 422
        assert (await server.business_status().ask([OTHER], NOW))[0].status is BusinessStatus.SUSPENDED
        with pytest.raises(RegistryAwayError):
            await server.certificates().ask([SUBJECT], NOW)
        assert (await client.get("/calls")).json() == {"business-status": [1], "certificates": [1]}


def assert_without_key(text: str) -> None:
    assert "secret" not in text, text
