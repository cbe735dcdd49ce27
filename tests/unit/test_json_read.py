"""JSON of people and their programs: what is read, what is said of it, and what is never turned into anything."""

import json
from collections.abc import Callable
from datetime import date
from time import process_time
from typing import Any

import pytest
from pydantic import TypeAdapter

from services.eligibility.api import CheckBody
from services.intake.api.bodies import SUBMISSION, ContactBody
from services.intake.usecases.acts.announcement import AnnouncementBody
from shared.contracts.facts import facts_json
from shared.contracts.values import UtcTime
from shared.proof.canonical import json_hash
from shared.reading.json_read import UnreadableJsonError, loaded, read_json, read_value

APPLICATION: dict[str, Any] = {
    "track": "general",
    "applicant": {
        "name": "주식회사 새싹기술",
        "business_number": "2208162517",
        "legal_form": "corporation",
        "started_on": "2023-03-02",
        "corporate_number": "1301110006246",
        "sanctioned": False,
        "supply_record": {"won": 0, "count": 0},
        "sme_confirmation": {"number": "0010-2023-12345", "issued_on": "2023-04-01"},
    },
    "product": {
        "name": "스마트 부표",
        "reference": "P-1",
        "class_code": "41112201",
        "price_won": 2_400_000,
        "capacity": 100,
        "delivery_days": 30,
    },
    "certificates": [{"kind": "nep", "number": "NEP-MOTIE-2025-001", "issued_on": "2025-02-01"}],
    "contact": {"name": "김새싹", "email": "kim@saessak.example"},
}


def with_value(pointer: str, value: Any) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(APPLICATION))
    *path, last = pointer.split("/")[1:]
    at: Any = changed
    for part in path:
        at = at[int(part)] if isinstance(at, list) else at[part]
    at[last] = value
    return changed


def body(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def facts(sent: bytes) -> Any:
    return facts_json(read_json(SUBMISSION, sent).value.facts())


SAME = {
    "/applicant/business_number": [
        "220-81-62517",
        "２２０－８１－６２５１７",
        "220\u201181\u201162517",
        "\ufeff2208162517",
    ],
    "/applicant/corporate_number": ["130111-0006246", "130111\u20130006246"],
    "/applicant/started_on": ["2023.3.2", "2023. 3. 2.", "2023/03/02", "2023년 3월 2일", "２０２３-03-02"],
    "/applicant/name": ["주식회사\u00a0새싹기술", "주식회사 새\u200b싹기술", "주식회사 새싹기술".encode().decode()],
    "/applicant/supply_record/won": ["０"],
    "/applicant/sme_confirmation/number": ["0010\u20132023\u201312345", "0010 - 2023 - 12345"],
    "/product/class_code": ["４１１１２２０１", "41112201\u200b", "\u00a041112201"],
    "/product/price_won": ["2,400,000", "２４０００００", "2400000\u200b"],
    "/product/reference": ["P\u20101", "Ｐ－１"],
    "/certificates/0/number": ["NEP\u2010MOTIE\u20102025\u2010001", "ＮＥＰ-MOTIE-2025-001\u200b"],
    "/certificates/0/issued_on": ["2025.2.1."],
    "/certificates/0/kind": ["ｎｅｐ", "nep\u200b"],
    "/track": ["\u200bgeneral", " general", "general\u00a0"],
}


@pytest.mark.parametrize(("pointer", "written"), [(at, way) for at, ways in SAME.items() for way in ways], ids=ascii)
def test_an_application_is_the_same_however_it_is_written(pointer: str, written: str) -> None:
    sent = body(with_value(pointer, written))
    assert json_hash(facts(sent)) == json_hash(facts(body(APPLICATION)))
    read_as = read_json(SUBMISSION, sent).read_as
    if sent != body(APPLICATION):
        assert [(one.field, one.said) for one in read_as] == [(pointer, written)]


def test_what_is_written_as_it_is_kept_is_not_spoken_of() -> None:
    assert read_json(SUBMISSION, body(APPLICATION)).read_as == ()
    assert read_json(SUBMISSION, body(with_value("/applicant/name", "  주식회사 새싹기술 "))).read_as == ()


def test_a_byte_order_mark_is_passed_over() -> None:
    marked = b"\xef\xbb\xbf" + body(APPLICATION)
    assert facts(marked) == facts(body(APPLICATION))
    assert [(one.field, one.said) for one in read_json(SUBMISSION, marked).read_as] == [("", "\ufeff")]


def test_decomposed_korean_is_composed() -> None:
    name = "\u1112\u1161\u11ab\u1100\u1161\u11bc"
    assert facts(body(with_value("/applicant/name", name)))["applicant"]["name"] == "한강"
    assert facts(body(with_value("/product/description", name)))["product"]["description"] == "한강"


NO_DAYS: dict[Any, str] = {
    0: "date-type",
    0.5: "date-type",
    1514764800: "date-type",
    1514764800000: "date-type",
    20230302: "date-type",
    True: "date-type",
    "0": "date-from-datetime-parsing",
    "+0": "date-from-datetime-parsing",
    "1514764800": "date-from-datetime-parsing",
    "20230302": "date-from-datetime-parsing",
    "2023-03-02T00:00:00Z": "date-from-datetime-inexact",
    "2023-03-02 00:00": "date-from-datetime-inexact",
    "2023-02-30": "date-from-datetime-parsing",
}
DATES = [
    "/applicant/started_on",
    "/applicant/sme_confirmation/issued_on",
    "/applicant/sme_confirmation/expires_on",
    "/certificates/0/issued_on",
    "/certificates/0/expires_on",
]


def refused(adapter: TypeAdapter[Any], sent: bytes) -> list[tuple[str, str]]:
    with pytest.raises(UnreadableJsonError) as error:
        read_json(adapter, sent)
    assert all(reason.detail and reason.fix for reason in error.value.reasons)
    return [(reason.pointer, reason.code) for reason in error.value.reasons]


@pytest.mark.parametrize("pointer", DATES)
@pytest.mark.parametrize("value", NO_DAYS, ids=repr)
@pytest.mark.parametrize("adapter", [SUBMISSION, TypeAdapter(CheckBody)], ids=["apply", "check"])
def test_what_is_no_day_is_never_made_one(adapter: TypeAdapter[Any], pointer: str, value: Any) -> None:
    assert refused(adapter, body(with_value(pointer, value))) == [(pointer, NO_DAYS[value])]


@pytest.mark.parametrize(
    ("pointer", "value", "code"),
    [
        ("/applicant/sanctioned", "no", "bool-type"),
        ("/applicant/sanctioned", 0, "bool-type"),
        ("/applicant/sanctioned", "false", "bool-type"),
        ("/product/price_won", "1e3", "int-type"),
        ("/product/price_won", "2,40,000", "int-type"),
        ("/product/price_won", 2_400_000.5, "int-type"),
        ("/product/price_won", True, "int-type"),
        ("/product/price_won", "1.5", "int-type"),
        ("/product/price_won", "240만", "int-type"),
        ("/product/price_won", "2400000", "int-type"),
        ("/product/class_code", 41112201, "string-type"),
        ("/product/class_code", "٤١١١٢٢٠١", "string-pattern-mismatch"),
        ("/applicant/business_number", "22-081-62517", "string-pattern-mismatch"),
        ("/applicant/business_number", "\u202e2208162517", "string-pattern-mismatch"),
        ("/applicant/name", "\u200b\u200b", "no-letter"),
        ("/applicant/name", "\u3164", "no-letter"),
        ("/applicant/name", "a\u202egnp.exe", "turning-text"),
        ("/applicant/name", "a\u2028b", "control-character"),
        ("/applicant/name", "a\x85b", "control-character"),
        ("/applicant/name", "깨\ufffd진", "lost-letters"),
        ("/product/name", "\u200b", "no-letter"),
        ("/contact/name", "김\u202e", "turning-text"),
        ("/product/description", "a\u202eb", "turning-text"),
        ("/certificates/0/number", "\u200b", "no-letter"),
    ],
    ids=ascii,
)
def test_a_field_that_can_not_be_read_is_named(pointer: str, value: Any, code: str) -> None:
    assert refused(SUBMISSION, body(with_value(pointer, value))) == [(pointer, code)]


def test_everything_is_said_at_once() -> None:
    document = with_value("/applicant/started_on", 0)
    document["applicant"]["name"] = "\u200b"
    document["product"]["price_won"] = -1
    document["prise"] = 1
    sent = body(document).replace(b'"track": "general"', b'"track": "general", "track": "x"')
    assert sorted(refused(SUBMISSION, sent)) == [
        ("", "said-twice"),
        ("/applicant/name", "no-letter"),
        ("/applicant/started_on", "date-type"),
        ("/prise", "extra-forbidden"),
        ("/product/price_won", "greater-than-equal"),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"price_won": 2400000', '"price_won": 1, "price_won": 2400000'),
        ('"track": "general"', '"track": "general", "track": "general"'),
        ('"track": "general"', '"track": "general", "tr\\u0061ck": "x"'),
        ('"kind": "nep"', '"kind": "nep", "kind": "net"'),
    ],
)
def test_a_name_stands_once_in_an_object(old: str, new: str) -> None:
    sent = json.dumps(APPLICATION).replace(old, new).encode()
    assert ("", "said-twice") in refused(SUBMISSION, sent)


NO_JSON: dict[str, tuple[Callable[[], bytes], str]] = {
    "CP949": (lambda: json.dumps(APPLICATION, ensure_ascii=False).encode("cp949"), "it is CP949, not UTF-8"),
    "UTF-16": (lambda: json.dumps(APPLICATION, ensure_ascii=False).encode("utf-16"), "it is UTF-16, not UTF-8"),
    "two encodings": (lambda: body(APPLICATION) + "가".encode("cp949"), "Invalid JSON"),
    "NaN": (lambda: b'{"a": NaN}', "Invalid JSON"),
    "Infinity": (lambda: b'{"a": -Infinity}', "Invalid JSON"),
    "half a character": (lambda: b'{"track": "\\ud800"}', "Invalid JSON"),
    "half a character after a mark": (lambda: b'\xef\xbb\xbf{"track": "\\udc00"}', "Invalid JSON"),
    "nested": (lambda: b"[" * 100_000, "Invalid JSON"),
    "5,000 digits": (lambda: b'{"a": ' + b"9" * 5000 + b"}", "Invalid JSON"),
    "empty": (lambda: b"", "Invalid JSON"),
    "two documents": (lambda: body(APPLICATION) * 2, "Invalid JSON"),
}


@pytest.mark.parametrize("name", NO_JSON)
def test_what_is_no_json_is_said_in_words(name: str) -> None:
    made, words = NO_JSON[name]
    with pytest.raises(UnreadableJsonError) as error:
        read_json(SUBMISSION, made())
    (reason,) = error.value.reasons
    assert not error.value.is_json
    assert reason.detail.startswith(words)
    assert (reason.code, bool(reason.fix)) == ("json-invalid", True)


def test_a_number_beyond_all_bounds_does_not_come_to_nothing() -> None:
    sent = body(with_value("/applicant/business_number", "220-81-62517")).replace(b'"count": 0', b'"count": 1e400')
    assert refused(SUBMISSION, sent) == [("/applicant/supply_record/count", "int-type")]


@pytest.mark.parametrize("value", [0, 1514764800, "0", "1514764800", True])
def test_no_number_is_a_moment(value: Any) -> None:
    with pytest.raises(UnreadableJsonError) as error:
        read_value(TypeAdapter(UtcTime), value, "/terms/closes_at")
    assert error.value.reasons[0].pointer == "/terms/closes_at"
    terms = {"round": {"opens_at": value}, "policy": {"as_of": 5}, "reason": "r"}
    told = refused(TypeAdapter(AnnouncementBody), body(terms))
    assert ("/round/opens_at", "datetime-type") in told
    assert ("/policy/as_of", "date-type") in told


def test_a_value_is_read_as_a_body_s_is() -> None:
    assert read_value(TypeAdapter(date), "2023. 3. 2.", "/day") == date(2023, 3, 2)


def test_no_body_holds_its_reader() -> None:
    began = process_time()
    for text in ("\u0316\u0301" * 60_000, "-ー" * 40_000, "\u200b" * 80_000):
        for pointer in ("/applicant/name", "/product/description", "/certificates/0/number", "/product/price_won"):
            with pytest.raises(UnreadableJsonError):
                read_json(SUBMISSION, body(with_value(pointer, text)))
    assert process_time() - began < 2
    assert loaded(b"{}").document == {}


@pytest.mark.parametrize("email", ["\u200bkim@firm.example", "ｋｉｍ@firm.example"])
def test_an_address_is_read_as_it_is_and_refused_where_no_mail_goes_to_it(email: str) -> None:
    with pytest.raises(UnreadableJsonError) as refused:
        read_json(TypeAdapter(ContactBody), json.dumps({"name": "김새싹", "email": email}).encode())
    assert [(reason.pointer, reason.code) for reason in refused.value.reasons] == [("/email", "address-invalid")]
