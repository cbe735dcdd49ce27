"""How many mails an applicant's address, a domain and a sender's network get, and what is done with those beyond."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.rates import LONGEST, Key, Rates, Ready, Scope, Shares, Used, keys, shared_out
from shared.service.networks import named, network_of

NOW = datetime(2018, 9, 14, 9, tzinfo=UTC)
RATES = Rates(
    {Scope.MAILBOX_HOUR: 3, Scope.MAILBOX_DAY: 5, Scope.DOMAIN_HOUR: 8, Scope.NETWORK_HOUR: 6},
    frozenset({"naver.com"}),
)


def ready(number: int, email: str = "a@firm.example", network: str | None = None, *, patient: bool = False) -> Ready:
    return Ready(f"d{number}", email.lower(), email, network, patient)


def mails(shares: Shares) -> list[list[str]]:
    return [[one] for one in shares.alone] + [[one.delivery for one in group] for group in shares.together]


def share(found: Sequence[Ready], used: Mapping[Key, Used] | None = None, now: datetime = NOW) -> Shares:
    return shared_out(found, used or {}, RATES, now)


def test_as_many_as_there_is_room_for_go_alone_and_thirty_at_once_are_one_mail() -> None:
    assert share([ready(n) for n in range(3)]).alone == ["d0", "d1", "d2"]
    shares = share([ready(n) for n in range(30)])
    assert shares.alone == []
    assert mails(shares) == [[f"d{n}" for n in range(30)]]
    assert shares.held == []


def test_thirty_one_after_another_are_the_rates_mails_and_then_one_that_gathers_the_rest() -> None:
    used: dict[Key, Used] = {}
    sent: list[list[str]] = []
    held: list[Ready] = []
    for number in range(30):
        shares = share([ready(number)], used)
        used |= shares.used
        sent += mails(shares)
        held += [ready(number) for _ in shares.held]
        assert all(until == NOW + timedelta(hours=1) for _, until in shares.held)
    assert sent == [["d0"], ["d1"], ["d2"]]
    later = share(held, used, NOW + timedelta(hours=1))
    assert mails(later) == [[f"d{number}" for number in range(3, 30)]]


def test_a_day_has_its_own_rate() -> None:
    used: dict[Key, Used] = {}
    sent = 0
    for hour in range(24):
        now = NOW + timedelta(hours=hour)
        shares = share([ready(number) for number in range(30)], used, now)
        used |= shares.used
        sent += len(mails(shares))
        assert all(until in {NOW + timedelta(days=1), now + timedelta(hours=1)} for _, until in shares.held)
    assert sent == 5


def test_what_stands_behind_a_plus_is_the_same_mailbox() -> None:
    tagged = [ready(n, f"a+{n}@firm.example") for n in range(30)]
    assert len(mails(share(tagged))) == 3
    dotted = [ready(n, email) for n, email in enumerate(["a.b@gmail.com", "ab@gmail.com", "A.B+x@gmail.com"])]
    assert len({key for one in dotted for key in keys(one, RATES) if key[0] is Scope.MAILBOX_HOUR}) == 1


def test_a_firms_domain_has_a_rate_and_a_providers_has_none() -> None:
    firm = share([ready(n, f"a{n}@firm.example") for n in range(30)])
    assert len(firm.alone) == 8
    assert {until for _, until in firm.held} == {NOW + timedelta(hours=1)}
    assert len(share([ready(n, f"a{n}@naver.com") for n in range(5000)]).alone) == 5000


def test_what_one_network_sent_to_many_addresses_waits_and_what_others_sent_does_not() -> None:
    flood = [ready(n, f"a{n}@naver.com", "n1") for n in range(30)]
    others = [ready(100 + n, f"b{n}@naver.com", f"m{n}") for n in range(30)]
    unknown = [ready(200 + n, f"c{n}@naver.com") for n in range(30)]
    shares = share([*flood, *others, *unknown])
    assert len(shares.alone) == 6 + 30 + 30
    assert {one for one, _ in shares.held} == {f"d{n}" for n in range(6, 30)}


def test_a_mail_has_no_end_of_notices() -> None:
    shares = share([ready(n) for n in range(LONGEST + 1)])
    assert [len(group) for group in shares.together] == [LONGEST]
    assert shares.held == [], "the last waits for the next time"


def test_no_rate_is_no_limit() -> None:
    shares = shared_out([ready(n) for n in range(500)], {}, Rates(dict.fromkeys(Scope, 0)), NOW)
    assert len(shares.alone) == 500
    assert shares.used == {}


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x.example", "naver.com"]), st.sampled_from("mn")))
    )
)
def test_no_window_ever_has_more_mails_than_its_rate_and_nothing_is_lost(
    batches: list[list[tuple[str, str, str]]],
) -> None:
    used: dict[Key, Used] = {}
    waiting: list[Ready] = []
    number = 0
    for batch in batches:
        for local, domain, network in batch:
            waiting.append(ready(number, f"{local}@{domain}", network))
            number += 1
        shares = share(waiting, used)
        used |= shares.used
        sent = [one for mail in mails(shares) for one in mail]
        held = {one for one, _ in shares.held}
        assert len(set(sent)) == len(sent)
        assert not held & set(sent)
        waiting = [one for one in waiting if one.delivery not in sent]
        assert held <= {one.delivery for one in waiting}
    assert all(window.mails <= RATES.most[scope] for (scope, _), window in used.items())


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("8.8.8.8", "8.8.8.0/24"),
        ("2001:4860:4860::8888", "2001:4860:4860::/48"),
        ("::ffff:8.8.8.8", "8.8.8.0/24"),
        ("127.0.0.1", None),
        ("10.1.2.3", None),
        ("192.168.0.1", None),
        ("fe80::1%eth0", None),
        ("testclient", None),
        (None, None),
    ],
)
def test_a_network_is_told_where_it_can_be(host: str | None, network: str | None) -> None:
    assert network_of(host) == network


def test_a_networks_name_says_nothing_without_the_key() -> None:
    first, second = named("8.8.8.0/24", b"k" * 32), named("8.8.9.0/24", b"k" * 32)
    assert first is not None
    assert len(first) == 64
    assert first != second
    assert first == named("8.8.8.0/24", b"k" * 32) != named("8.8.8.0/24", b"l" * 32)
    assert named(None, b"k" * 32) is None
