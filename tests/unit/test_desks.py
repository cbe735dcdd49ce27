"""An institution's notification contacts and webhook, and what reaches it: pure."""

from datetime import UTC, datetime, timedelta

import pytest

from services.intake.domain.notification_contacts import Person, Webhook, replaced, webhook_refusal
from services.intake.domain.submissions import ContactDetails
from services.notify.domain.digests import LONGEST, Gatherable, gathering
from services.notify.domain.lifecycle import LifecycleEvent
from services.notify.domain.notices import Happening
from services.notify.domain.reminders import Window, reminder
from shared.clock import REAL_TIME
from shared.service.addresses import reachable

NOW = datetime(2018, 9, 12, tzinfo=UTC)


def contact(email: str, name: str = "A") -> ContactDetails:
    return ContactDetails(name, email, None, "ko")


def test_who_stays_keeps_the_party_however_the_address_is_written() -> None:
    before = [Person("1", contact("a@x.example")), Person("2", contact("b@x.example"))]
    after = replaced(before, [contact("A@X.example", "other"), contact("c@x.example")], lambda: "new")
    assert [(person.party, person.contact.email) for person in after.people] == [
        ("1", "A@X.example"),
        ("new", "c@x.example"),
    ]
    assert after.changed == after.people
    assert after.gone == ("2",)
    assert replaced(before, [one.contact for one in before], lambda: "never").changed == ()


def test_a_rotation_keeps_the_secret_before_for_a_day() -> None:
    rotated = Webhook("https://x.example/", "whsec_one").rotated("whsec_two", NOW)
    assert (rotated.secret, rotated.secret_before) == ("whsec_two", "whsec_one")
    assert rotated.before_until == NOW + timedelta(hours=24)
    assert "whsec" not in repr(rotated)


@pytest.mark.parametrize(
    ("url", "plain", "told"),
    [
        ("https://hooks.kwater.example/a?b=1", False, None),
        ("https://8.8.8.8/", False, None),
        ("http://hooks.kwater.example/", False, "not https"),
        ("http://hooks.kwater.example/", True, None),
        ("https://192.168.0.1/", False, "no public address"),
        ("https://[::1]/", False, "no public address"),
        ("https://127.1/", False, "no public address"),
        ("https://2130706433/", False, "no public address"),
        ("https://0x7f000001/", False, "no public address"),
        ("https://hooks1.kwater.example/", False, None),
        ("https://hooks.example:99999/", True, "port"),
        ("https://[", True, "host can't be read"),
        ("https://[::1", False, "host can't be read"),
        ("https://[hooks.example]/", True, "host can't be read"),
    ],
)
def test_a_webhook_goes_to_https_and_the_internet(url: str, plain: bool, told: str | None) -> None:
    refused = webhook_refusal(url, plain=plain)
    assert (told or "") in (refused or ("",))[0]
    assert (refused is None) is (told is None)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::1", False),
        ("fe80::1%eth0", False),
        ("::", False),
    ],
)
def test_an_address_is_the_internets_whatever_it_is_written_as(address: str, expected: bool) -> None:
    assert reachable(address) is expected


def gatherable(number: int, recipient: str = "p", round_id: str = "r") -> Gatherable:
    return Gatherable(f"d{number}", round_id, "award", f"a{number}", "epoch-1", recipient, {"product": "x"}, "kwater")


def test_few_go_alone_and_many_together_and_too_many_in_several() -> None:
    alone, digests = gathering([gatherable(1), gatherable(2)], 3)
    assert (alone, digests) == (["d1", "d2"], [])
    found = [gatherable(number) for number in range(LONGEST + 1)]
    alone, digests = gathering(found, 3)
    assert alone == []
    assert [len(said) for _, said in digests] == [LONGEST, 1]
    assert len({due.key for due, _ in digests}) == 2
    assert gathering(found, 3)[1][0][0].key == digests[0][0].key


def test_two_people_and_two_rounds_have_digests_of_their_own() -> None:
    found = [gatherable(n, who, of) for who in "pq" for of in "rs" for n in range(3)]
    _, digests = gathering(found, 3)
    assert [(due.recipient, due.round) for due, _ in digests] == [("p", "r"), ("p", "s"), ("q", "r"), ("q", "s")]


@pytest.mark.parametrize(
    ("opens_before", "closes_in", "expected"),
    [
        (timedelta(days=5), timedelta(days=4), False),
        (timedelta(days=5), timedelta(days=2), "turn"),
        (timedelta(days=5), timedelta(seconds=-1), True),
        (timedelta(hours=1), timedelta(days=2), True),
    ],
)
def test_a_reminder_is_due_once_between_its_time_and_the_close(
    opens_before: timedelta, closes_in: timedelta, expected: object
) -> None:
    found = reminder(Window("r", NOW - opens_before, NOW + closes_in, REAL_TIME), NOW, timedelta(days=3))
    if expected == "turn":
        assert isinstance(found, LifecycleEvent)
        assert (found.happening, found.closes_at) == (Happening.CLOSING_SOON, NOW + closes_in)
    else:
        assert found is expected
