"""What an inbox message is read as, in each form it may be sent in, and what it is told where it can't be."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.intake.storage.requests import InboxMessage
from services.intake.usecases.inbox_parsing import ParsedMessage, read_message
from tests.support.inbox_records import CONTENT, FULL, GOLDEN, REFUSED, REPORT, SUBMIT, sent
from tests.support.rounds import purchase_request

TYPES = (SUBMIT, "AmendPurchaseRequest", "WithdrawPurchaseRequest", "ReportPurchase", "ReportNonPurchase")


def codes(read: ParsedMessage) -> list[tuple[str, str]]:
    return [(reason.pointer, reason.code) for reason in read.reasons]


@pytest.mark.parametrize(
    ("message", "quotes"),
    [
        (sent(CONTENT, type=SUBMIT, message_id="m"), "m"),
        (sent(CONTENT, type=SUBMIT), "offset:7"),
        (sent(CONTENT | {"type": SUBMIT, "id": "m"}), "m"),
        (sent(CONTENT | {"type": FULL, "id": 17}), "17"),
        (sent(CONTENT | {"type": FULL}), "offset:7"),
        (sent(CONTENT | {"type": FULL, "id": ""}), "offset:7"),
        (sent(CONTENT | {"type": FULL, "id": "m"}, type=SUBMIT, message_id="m"), "m"),
        (sent(CONTENT, type=SUBMIT, message_id="m", content_type="application/json"), "m"),
        (sent(CONTENT, type=SUBMIT, message_id="m", schema=f"urn:firstbuy:schema:{SUBMIT}:1"), "m"),
        (sent(CONTENT, type=SUBMIT, message_id="m", schema="https://kepco.example/ours"), "m"),
        (
            sent(
                {"specversion": "1.0", "type": FULL, "id": "m", "source": "/kepco", "data": CONTENT},
                content_type="application/cloudevents+json; charset=UTF-8",
            ),
            "m",
        ),
        (sent({"specversion": "1.0", "type": FULL, "id": "m", "source": "/kepco", "data": CONTENT}), "m"),
    ],
)
def test_a_message_is_read_in_each_form(message: InboxMessage, quotes: str) -> None:
    read = read_message(message)
    assert (read.reasons, read.message.type, read.message.message_id) == ((), SUBMIT, quotes)
    assert read.asks.model_dump(mode="json")["facts"].items() >= CONTENT["facts"].items()


@pytest.mark.parametrize("kind", TYPES)
def test_the_oldest_message_of_each_type_is_still_read(kind: str) -> None:
    body = json.loads((GOLDEN / f"{kind}.v1.1.json").read_text())
    assert read_message(sent(body | {"type": kind})).reasons == ()
    assert read_message(sent(body, type=kind)).reasons == ()


def test_what_was_read_can_be_read_again_as_it_is_kept() -> None:
    first = read_message(sent({"specversion": "1.0", "type": FULL, "id": "m", "data": CONTENT}))
    again = read_message(first.message)
    assert (again.asks, again.message.message_id) == (first.asks, "m")


WRITTEN: dict[str, tuple[dict[str, Any], str, Any, str]] = {
    "a day": ({"contracted_on": "2018. 11. 2."}, "contracted_on", date(2018, 11, 2), "2018-11-02"),
    "another day": ({"contracted_on": "2018년 11월 2일"}, "contracted_on", date(2018, 11, 2), "2018-11-02"),
    "thousands": ({"amount_won": "1,000,000"}, "amount_won", 1_000_000, "1000000"),
    "full width": ({"quantity": "１２"}, "quantity", 12, "12"),
    "a blank": ({"quantity": "5\u00a0"}, "quantity", 5, "5"),
    "a dash": ({"request": "2018\u2011017"}, "request", "2018-017", "2018-017"),
    "zero width": ({"round": "\u200br-1"}, "round", "r-1", "r-1"),
}


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("form", ["binary", "plain", "structured"])
def test_what_is_written_otherwise_is_read_and_said(name: str, form: str) -> None:
    change, named, kept, read_as = WRITTEN[name]
    content, kind = REPORT | change, "ReportPurchase"
    messages = {
        "binary": sent(content, type=kind),
        "plain": sent(content | {"type": kind}),
        "structured": sent({"specversion": "1.0", "type": f"kr.firstbuy.{kind}.v1", "data": content}),
    }
    read = read_message(messages[form])
    assert read.reasons == ()
    assert getattr(read.asks, named) == kept
    (said,) = read.message.read_as
    assert said.field == ("/data" if form == "structured" else "") + f"/{named}"
    assert (said.said, said.read) == (str(change[named]), read_as)


@pytest.mark.parametrize("headers", [{"type": SUBMIT}, {}])
def test_a_byte_order_mark_is_passed_over_and_said(headers: dict[str, str]) -> None:
    marked = b"\xef\xbb\xbf" + json.dumps(CONTENT | ({} if headers else {"type": SUBMIT})).encode()
    read = read_message(sent(marked, **headers))
    assert read.reasons == ()
    assert [(one.field, one.said) for one in read.message.read_as] == [("", "\ufeff")]


def test_a_note_in_parts_is_composed() -> None:
    read = read_message(sent(purchase_request("r-1", "a", note="\u1112\u1161\u11ab"), type=SUBMIT))
    assert read.asks.facts.note == "한"


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_read_is_told_why_and_what_to_do(name: str) -> None:
    message, expected = REFUSED[name]
    read = read_message(message)
    assert read.asks is None
    assert codes(read) == expected
    assert all(reason.detail and reason.fix for reason in read.reasons)
    told = json.dumps([reason.model_dump() for reason in read.reasons])
    assert "\\u0000" not in told
    assert len(told) < 100_000


def test_who_says_no_type_is_told_both_places_and_all_types() -> None:
    (reason,) = read_message(sent(CONTENT)).reasons
    assert reason.detail == "the message does not say what it is"
    assert 'the header ce_type, or "type" in the body' in reason.fix
    assert all(kind in reason.fix for kind in TYPES)


@pytest.mark.parametrize("where", ["header", "body"])
def test_an_id_that_can_not_be_quoted_is_refused_and_quoted_as_far_as_it_goes(where: str) -> None:
    """Two that begin alike would be answered as one."""

    def read(length: int) -> ParsedMessage:
        if where == "body":
            return read_message(sent(CONTENT | {"type": SUBMIT, "id": "x" * length}))
        return read_message(replace(sent(CONTENT, type=SUBMIT), message_id="x" * length))

    assert read(200).reasons == ()
    assert [(reason.pointer, reason.code) for reason in read(201).reasons] == [
        ("" if where == "header" else "/id", "id-too-long")
    ]
    assert read(5000).message.message_id == "x" * 200
    assert read(5000).asks is None


def test_a_field_that_is_not_known_has_one_code_wherever_it_stands() -> None:
    facts = CONTENT["facts"] | {"colour": "red"}
    for content in (CONTENT | {"colour": "red"}, CONTENT | {"facts": facts}):
        (reason,) = read_message(sent(content, type=SUBMIT)).reasons
        assert reason.code == "extra-forbidden"


def test_a_conflict_of_types_names_both() -> None:
    (reason,) = read_message(sent(CONTENT | {"type": "ReportPurchase"}, type=SUBMIT)).reasons
    assert reason.detail == "the header says 'SubmitPurchaseRequest', the body 'ReportPurchase'"
