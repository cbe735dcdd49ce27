"""What an inbox message is read as, in each form it may be sent in, and what it is told where it can't be."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from services.intake.storage.requests import InboxMessage
from services.intake.usecases.inbox_parsing import MOST_BYTES, Read, read_message
from tests.rounds import purchase_request

GOLDEN = Path(__file__).parents[1] / "contract/golden"
NOW = datetime(2018, 9, 1, tzinfo=UTC)
SUBMIT = "SubmitPurchaseRequest"
FULL = f"kr.firstbuy.{SUBMIT}.v1"
CONTENT = purchase_request("r-1", "a")
TYPES = (SUBMIT, "AmendPurchaseRequest", "WithdrawPurchaseRequest", "ReportPurchase", "ReportNonPurchase")


def sent(body: Any, **headers: Any) -> InboxMessage:
    """As the reader hands it on: an absent header is empty, an absent id the message's place."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    message = InboxMessage("institution.kepco.inbox.v1", 7, "kepco", "", "offset:7", content, NOW)
    return replace(message, **headers)


def codes(read: Read) -> list[tuple[str, str]]:
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


REPORT = json.loads((GOLDEN / "ReportPurchase.v1.1.json").read_text())
DAY = "/contracted_on"
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


DEEP = b'{"type":"SubmitPurchaseRequest","round":' + b"[" * 100_000
STRUCTURED = "application/cloudevents+json"
REFUSED: dict[str, tuple[InboxMessage, list[tuple[str, str]]]] = {
    "no value": (sent(b"", type=SUBMIT), [("", "no-value")]),
    "no JSON": (sent(b"\x00\xff", type=SUBMIT), [("", "json-invalid")]),
    "not UTF-8": (sent('{"type":"가"}'.encode("euc-kr")), [("", "json-invalid")]),
    "two byte order marks": (sent(b"\xef\xbb\xbf" * 2 + b"{}", type=SUBMIT), [("", "json-invalid")]),
    "UTF-16": (sent('{"type":"가"}'.encode("utf-16")), [("", "json-invalid")]),
    "no number": (sent(CONTENT | {"type": SUBMIT, "x": float("nan")}), [("", "json-invalid")]),
    "no number in an attribute": (
        sent({"specversion": "1.0", "type": FULL, "other": float("inf"), "data": CONTENT}),
        [("", "json-invalid")],
    ),
    "a number beyond all bounds": (
        sent(
            b'{"type":"SubmitPurchaseRequest",'
            + json.dumps(purchase_request("r-1", "a", price_ceiling_won=7)).replace(": 7", ": 1e400").encode()[1:]
        ),
        [("/facts/price_ceiling_won", "int-type")],
    ),
    "an array": (sent([CONTENT], type=SUBMIT), [("", "dict-type")]),
    "a number": (sent(b"7"), [("", "dict-type")]),
    "deep": (sent(DEEP), [("", "json-invalid")]),
    "a lone surrogate": (sent(b'{"type":"\\ud800"}'), [("", "json-invalid")]),
    "too large": (sent(b" " * (MOST_BYTES + 1), type=SUBMIT), [("", "too-large")]),
    "no record": (sent(b"", unreadable="its checksum is wrong"), [("", "unreadable-record")]),
    "no type": (sent(CONTENT), [("", "no-type")]),
    "a type that is no text": (sent(CONTENT | {"type": 7}), [("", "no-type")]),
    "another type": (sent(CONTENT, type="OrderPizza"), [("", "unknown-type")]),
    "another's type": (sent(CONTENT, type="org.example.SubmitPurchaseRequest"), [("", "unknown-type")]),
    "a type of ours that is no inbox message": (sent(CONTENT, type="RoundFrozen"), [("", "unknown-type")]),
    "NUL in the type": (sent({"type": "\x00"}), [("", "unknown-type")]),
    "a newer version": (sent(CONTENT, type=f"{SUBMIT}.v2"), [("", "unsupported-version")]),
    "a newer version in the body": (sent(CONTENT | {"type": f"{SUBMIT}.v3"}), [("", "unsupported-version")]),
    "a newer schema": (sent(CONTENT, type=SUBMIT, schema="urn:firstbuy:schema:x:2"), [("", "unsupported-schema")]),
    "two types": (sent(CONTENT | {"type": "ReportPurchase"}, type=SUBMIT), [("/type", "type-conflict")]),
    "two ids": (sent(CONTENT | {"id": "n"}, type=SUBMIT, message_id="m"), [("/id", "id-conflict")]),
    "an id that is no text": (sent(CONTENT | {"type": FULL, "id": {}}), [("/id", "id-no-text")]),
    "an id that is a truth value": (sent(CONTENT | {"type": FULL, "id": True}), [("/id", "id-no-text")]),
    "no data": (sent({"specversion": "1.0", "type": FULL, "id": "m"}), [("/data", "no-data")]),
    "data in base 64": (sent({"type": FULL, "data_base64": "e30="}, content_type=STRUCTURED), [("/data", "no-data")]),
    "an unknown field": (sent(CONTENT | {"prise": 1}, type=SUBMIT), [("/prise", "extra-forbidden")]),
    "a field missing": (
        sent({"specversion": "1.0", "type": FULL, "data": {"round": "r-1", "request": "a"}}),
        [("/data/facts", "missing")],
    ),
    "2^53": (
        sent(purchase_request("r-1", "a", quantity=2**53), type=SUBMIT),
        [("/facts/quantity", "less-than-equal")],
    ),
    "5,000 digits": (
        sent(json.dumps(CONTENT).replace('"quantity": 5', '"quantity": ' + "9" * 5000).encode(), type=SUBMIT),
        [("", "json-invalid")],
    ),
    "1e400": (
        sent(json.dumps(CONTENT).replace('"quantity": 5', '"quantity": 1e400').encode(), type=SUBMIT),
        [("/facts/quantity", "int-type")],
    ),
    "a number as text": (
        sent(purchase_request("r-1", "a", quantity="5"), type=SUBMIT),
        [("/facts/quantity", "int-type")],
    ),
    "a number as other text": (
        sent(purchase_request("r-1", "a", quantity="5e0"), type=SUBMIT),
        [("/facts/quantity", "int-type")],
    ),
    "a number with a fraction": (
        sent(purchase_request("r-1", "a", quantity=5.0), type=SUBMIT),
        [("/facts/quantity", "int-type")],
    ),
    "a name that turns": (
        sent(purchase_request("r-1", "a", note="a\u202eb"), type=SUBMIT),
        [("/facts/note", "turning-text")],
    ),
    **{
        f"a note with {code}": (
            sent(purchase_request("r-1", "a", note=note), type=SUBMIT),
            [("/facts/note", code)],
        )
        for note, code in {
            "a\x85b": "control-character",
            "깨\ufffd진": "lost-letters",
            "a" + "\u0301" * 31: "many-marks",
        }.items()
    },
    **{
        f"contracted on {value!r}": (sent(REPORT | {"contracted_on": value}, type="ReportPurchase"), [(DAY, code)])
        for value, code in {
            0: "date-type",
            0.5: "date-type",
            True: "date-type",
            1541116800: "date-type",
            "0": "date-from-datetime-parsing",
            "1541116800": "date-from-datetime-parsing",
            "20181102": "date-from-datetime-parsing",
            "2018-11-31": "date-from-datetime-parsing",
            "2018-11-01T15:00:00Z": "date-from-datetime-inexact",
            "2018-11-02T00:00:00": "date-from-datetime-inexact",
            "2018-11-02+09:00": "date-from-datetime-inexact",
        }.items()
    },
    "NUL": (
        sent(purchase_request("r-1", "a", note="a\x00b"), type=SUBMIT),
        [("/facts/note", "string-pattern-mismatch")],
    ),
    "said twice": (
        sent(json.dumps(CONTENT).replace('"quantity": 5', '"quantity": 5, "quantity": 50').encode(), type=SUBMIT),
        [("", "said-twice")],
    ),
    "two types in the body": (
        sent(b'{"type":"ReportPurchase",' + json.dumps(CONTENT | {"type": SUBMIT}).encode()[1:]),
        [("", "said-twice")],
    ),
}


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

    def read(length: int) -> Read:
        if where == "body":
            return read_message(sent(CONTENT | {"type": SUBMIT, "id": "x" * length}))
        return read_message(replace(sent(CONTENT, type=SUBMIT), message_id="x" * length))

    assert read(200).reasons == ()
    assert [(one.pointer, one.code) for one in read(201).reasons] == [
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
