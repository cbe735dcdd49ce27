"""Rounds as an Atom feed and as a calendar, read back."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from services.portal.domain.feeds import ATOM, atom, calendar
from services.portal.domain.rounds import Summary
from services.portal.domain.texts import TEXTS
from shared.contracts.events import Language

ADDRESS = "https://portal.example"
LONG = "기술개발제품 시범구매, 아주 긴 이름; 그리고 \\ 더 긴 이름을 가진 라운드"
OPEN = Summary(
    round="2018-h2",
    title=f"{LONG} (Pilot purchase, second half)",
    status="open",
    opens_at=datetime(2018, 8, 16, tzinfo=UTC),
    closes_at=datetime(2018, 9, 14, 9, tzinfo=UTC),
    now=datetime(2018, 8, 20, tzinfo=UTC),
    rehearsal=False,
)
CLOSED = Summary(
    round="2018-h1",
    title="<라운드> & \x07",
    status="confirmed",
    opens_at=datetime(2018, 2, 1, tzinfo=UTC),
    closes_at=datetime(2018, 3, 1, tzinfo=UTC),
    now=datetime(2018, 8, 20, tzinfo=UTC),
    rehearsal=False,
)


def read(feed: bytes) -> ET.Element:
    return ET.fromstring(feed)  # noqa: S314 -- written here


@pytest.mark.parametrize("language", list(Language))
def test_a_feed_has_an_entry_for_each_round_and_state(language: Language) -> None:
    feed = read(atom([OPEN], ADDRESS, TEXTS[language]))
    (entry,) = feed.findall(f"{{{ATOM}}}entry")
    said = {child.tag.partition("}")[2]: child.text for child in entry}
    assert said["id"] == "urn:firstbuy:round:2018-h2:open"
    assert said["updated"] == "2018-08-16T00:00:00Z"
    assert (LONG if language is Language.KO else "Pilot purchase, second half") in str(said["title"])
    link = entry.find(f"{{{ATOM}}}link")
    assert link is not None
    assert link.get("href") == f"{ADDRESS}/rounds/2018-h2"
    assert feed.findtext(f"{{{ATOM}}}updated") == "2018-08-16T00:00:00Z"


def test_the_newest_is_first_and_no_round_is_a_feed_too() -> None:
    feed = read(atom([CLOSED, OPEN], ADDRESS, TEXTS[Language.KO]))
    ids = [entry.findtext(f"{{{ATOM}}}id") for entry in feed.findall(f"{{{ATOM}}}entry")]
    assert ids == ["urn:firstbuy:round:2018-h2:open", "urn:firstbuy:round:2018-h1:confirmed"]
    assert read(atom([], ADDRESS, TEXTS[Language.KO])).findall(f"{{{ATOM}}}entry") == []


def test_a_window_is_an_event_that_ends_at_the_close() -> None:
    written = calendar([OPEN, CLOSED], ADDRESS, TEXTS[Language.KO])
    lines = written.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    unfolded = written.replace(b"\r\n ", b"").decode().split("\r\n")
    assert "DTSTART:20180816T000000Z" in unfolded
    assert "DTEND:20180914T090000Z" in unfolded
    escaped = LONG.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    assert f"SUMMARY:{escaped}" in unfolded
    assert unfolded.count("BEGIN:VEVENT") == unfolded.count("END:VEVENT") == 2
