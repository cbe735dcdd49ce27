"""The columns of a table, and which of them each kind of message takes. The names do not change; headers may use the
Korean ones instead."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from services.intake.domain.uploads.cells import Kind
from services.intake.domain.uploads.sheets import SHOWN_AT_MOST
from shared.reading.as_written import is_blank, shape

EXAMPLE: Final = "EXAMPLE-1"
"""The request id of the template's example row, which is never sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the table. `pointer`: where its value goes in the message. `also`: other headers for it."""

    name: str
    ko: str
    pointer: str
    kind: Kind
    writes: str
    """What to write in it."""
    also: tuple[str, ...] = ()
    example: str | int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A kind of inbox message, and the words for it in the column `type`."""

    name: str
    words: tuple[str, ...]
    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()


TYPE: Final = Column(
    name="type",
    ko="구분",
    pointer="",
    kind=Kind.TEXT,
    writes=(
        "submit (요청) or nothing, amend (변경), withdraw (철회), "
        "report-purchase (구매실적), report-non-purchase (미구매)"
    ),
    also=("유형",),
    example="submit",
)
COLUMNS: Final = (
    TYPE,
    Column(
        name="request",
        ko="구매 요청 번호",
        pointer="/request",
        kind=Kind.REFERENCE,
        writes="your own id of the request: up to 64 letters, digits, dots, hyphens and underscores, such as 2018-017",
        also=("요청 번호",),
        example=EXAMPLE,
    ),
    Column(
        name="replaces",
        ko="대체할 버전",
        pointer="/replaces",
        kind=Kind.NUMBER,
        writes="the number of the version it stands in for, such as 1",
        also=("버전",),
    ),
    Column(
        name="class_code",
        ko="물품분류번호",
        pointer="/facts/class_code",
        kind=Kind.CLASS,
        writes="a product class of eight digits, such as 41112201",
        example="41112201",
    ),
    Column(
        name="quantity",
        ko="수량",
        pointer="/facts/quantity",
        kind=Kind.NUMBER,
        writes="a whole number of units, 1 or more, such as 50",
        example=50,
    ),
    Column(
        name="budget_won",
        ko="예산(원)",
        pointer="/facts/budget_won",
        kind=Kind.NUMBER,
        writes="whole won, such as 120000000 or 120,000,000",
        also=("예산", "budget"),
        example=120_000_000,
    ),
    Column(
        name="price_ceiling_won",
        ko="단가 상한(원)",
        pointer="/facts/price_ceiling_won",
        kind=Kind.NUMBER,
        writes="the most a unit may cost, in whole won, such as 2400000; or nothing",
        also=("단가 상한",),
    ),
    Column(
        name="certificate_kinds",
        ko="인증 종류",
        pointer="/facts/certificate_kinds",
        kind=Kind.CODES,
        writes="kinds of certificates one of which must be held, with commas between, such as nep, net; or nothing",
        also=("인증",),
    ),
    Column(
        name="region",
        ko="지역",
        pointer="/facts/region",
        kind=Kind.REFERENCE,
        writes="a region's code in lower case, such as seoul; or nothing",
    ),
    Column(
        name="delivery_days_at_most",
        ko="납품 기한(일)",
        pointer="/facts/delivery_days_at_most",
        kind=Kind.NUMBER,
        writes="a whole number of days, such as 60; or nothing",
        also=("납품 기한",),
    ),
    Column(
        name="note",
        ko="비고",
        pointer="/facts/note",
        kind=Kind.TEXT,
        writes="a note of up to 10,000 characters, such as: deliver to the depot; or nothing",
    ),
    Column(
        name="application",
        ko="신청 번호",
        pointer="/application",
        kind=Kind.REFERENCE,
        writes="the application's id, as its award names it, such as 0b2c1f6e-3a4d-4e5f-8a9b-0c1d2e3f4a5b",
    ),
    Column(
        name="contracted_quantity",
        ko="계약 수량",
        pointer="/quantity",
        kind=Kind.NUMBER,
        writes="all units contracted so far, 1 or more, such as 50",
    ),
    Column(
        name="contracted_won",
        ko="계약 금액(원)",
        pointer="/amount_won",
        kind=Kind.NUMBER,
        writes="all that was contracted so far, in whole won, such as 118000000",
        also=("계약 금액",),
    ),
    Column(
        name="contracted_on",
        ko="계약일",
        pointer="/contracted_on",
        kind=Kind.DAY,
        writes="the day of the contract, such as 2018-09-14",
    ),
    Column(
        name="reason",
        ko="사유",
        pointer="/reason",
        kind=Kind.TEXT,
        writes="why, in up to 10,000 characters, such as: the budget was cut",
        also=("미구매 사유", "철회 사유"),
    ),
)
BY_NAME: Final[Mapping[str, Column]] = {column.name: column for column in COLUMNS}
_FACTS: Final = ("class_code", "quantity", "budget_won")
_OPTIONAL: Final = ("price_ceiling_won", "certificate_kinds", "region", "delivery_days_at_most", "note")
MESSAGES: Final = (
    Message(
        "SubmitPurchaseRequest",
        ("submit", "요청", "신규", "구매 요청", "희망", "구매 희망", "신청", "구매 신청"),
        ("request", *_FACTS),
        _OPTIONAL,
    ),
    Message(
        "AmendPurchaseRequest",
        ("amend", "변경", "수정", "정정", "변경 요청", "구매 요청 변경", "구매 요청 수정"),
        ("request", "replaces", *_FACTS),
        _OPTIONAL,
    ),
    Message(
        "WithdrawPurchaseRequest",
        ("withdraw", "철회", "취소", "구매 요청 철회", "구매 요청 취소", "요청 철회", "요청 취소"),
        ("request",),
        ("reason",),
    ),
    Message(
        "ReportPurchase",
        ("report-purchase", "구매 보고", "계약 보고", "구매 실적", "계약 실적", "구매 실적 보고", "실적"),
        ("request", "application", "contracted_quantity", "contracted_won", "contracted_on"),
    ),
    Message(
        "ReportNonPurchase",
        ("report-non-purchase", "미구매 보고", "미구매", "미구매 사유", "미구매 사유 보고"),
        ("request", "application", "reason"),
    ),
)


def plain(header: str) -> str:
    """A header as it is compared: without blanks, line breaks, hyphens, width, case or invisible characters."""
    folded = unicodedata.normalize("NFKC", shape(header)).casefold()
    return "".join(letter for letter in folded if letter.isalnum() or letter in "()")


def _plainly(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {plain(word): name for word, name in names}


_HEADERS: Final = _plainly(
    (header, column.name) for column in COLUMNS for header in (column.name, column.ko, *column.also)
)
_WORDS: Final = _plainly((word, message.name) for message in MESSAGES for word in (message.name, *message.words))
_BY_POINTER: Final = {column.pointer: column.name for column in COLUMNS if column.pointer}


def named(header: str) -> str | None:
    """The column that a header names."""
    return _HEADERS.get(plain(header)) if len(header) <= SHOWN_AT_MOST else None


def is_column(header: str) -> bool:
    """True for a header that names a column."""
    return named(header) is not None


def message_named(word: str) -> Message | None:
    """The kind of message of a word; a new request where the cell is empty."""
    name = _WORDS.get(plain(word)) if not is_blank(word) else MESSAGES[0].name
    return next((message for message in MESSAGES if message.name == name), None)


def column_at(pointer: str) -> str | None:
    """The column whose value is at a JSON pointer of a message, or contains it."""
    while pointer:
        if name := _BY_POINTER.get(pointer):
            return name
        pointer = pointer.rpartition("/")[0]
    return None


def letters(index: int) -> str:
    """A column as spreadsheets name it: 0 is A, 26 is AA."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
