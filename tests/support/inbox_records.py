"""Inbox records that are refused, by their code."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.intake.storage.requests import InboxMessage
from services.intake.usecases.inbox_parsing import MOST_BYTES
from tests.support.rounds import purchase_request

GOLDEN = Path(__file__).parents[1] / "contract/golden"


NOW = datetime(2018, 9, 1, tzinfo=UTC)


SUBMIT = "SubmitPurchaseRequest"


FULL = f"kr.firstbuy.{SUBMIT}.v1"


CONTENT = purchase_request("r-1", "a")


def sent(body: Any, **headers: Any) -> InboxMessage:
    """As the reader hands it on: an absent header is empty, an absent id the message's place."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    message = InboxMessage(
        topic="institution.kepco.inbox.v1",
        offset=7,
        institution="kepco",
        type="",
        message_id="offset:7",
        body=content,
        appended_at=NOW,
    )
    return replace(message, **headers)


REPORT = json.loads((GOLDEN / "ReportPurchase.v1.1.json").read_text())


DAY = "/contracted_on"


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
