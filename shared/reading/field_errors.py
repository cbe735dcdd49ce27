"""Says what is wrong with a field: what came, what is needed, and an example. Pydantic's own messages, from which these
are made, are for programmers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.reading.as_written import Wrong, visible

SHOWN_AT_MOST: Final = 200
_NUMBER: Final = "write a whole number, without quotes, such as 120000000; in quotes with commas between thousands"
_DAY: Final = "write a day as YYYY-MM-DD, such as 2018-09-14"
_MOMENT: Final = "write a moment with its offset, such as 2018-09-14T18:00:00+09:00"
_NAME: Final = "remove this field, or mend its name"


@dataclass(frozen=True, slots=True)
class Form:
    """A pattern's meaning in words, with an example."""

    words: str
    example: str


_LINE: Final = Form("one line of text, without control characters", "Gadget 3000")
_HEX: Final = Form("lower-case hexadecimal digits, two for each byte", "0a1b2c")
_ROUND: Final = Form("a code of 2 to 40 lower-case letters, digits and hyphens", "round-2018-1")
_INSTITUTION: Final = Form("a code of 2 to 31 lower-case letters, digits and hyphens, a letter first", "seoul-metro")
_DIGITS_OF_A_CLASS: Final = Form("eight digits", "41112201")
FORMS: Final[Mapping[str, Form]] = {
    r"^[^\x00-\x1f]+$": _LINE,
    r"^[^\x00]*$": Form("text without NUL", "Delivered to the main gate"),
    r"^[a-z0-9][a-z0-9-]{1,39}$": _ROUND,
    r"^[a-z][a-z0-9-]{1,30}$": _INSTITUTION,
    r"^[a-z0-9][a-z0-9-]{0,60}$": Form("a code of lower-case letters, digits and hyphens", "general"),
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": Form(
        "an id as its receipt has it, in lower case", "0b2c1f6e-3a4d-4e5f-8a9b-0c1d2e3f4a5b"
    ),
    r"^[a-z][a-z0-9-]{1,30}/[A-Za-z0-9._-]{1,64}$": Form(
        "a request as <institution>/<its own id>", "seoul-metro/2018-017"
    ),
    r"^[A-Za-z0-9._-]{1,64}$": Form("up to 64 letters, digits, dots, hyphens and underscores", "2018-017"),
    r"^[0-9a-f]{64}$": Form("SHA-256 in 64 lower-case hexadecimal digits", "9f86d081884c7d65" * 4),
    r"^[0-9a-f]{32}$": Form("32 lower-case hexadecimal digits", "0123456789abcdef" * 2),
    r"^[\x21-\x7e]+$": Form("an address without blanks", "https://firm.example/gadget"),
    r"^[A-Za-z0-9+/]+={0,2}$": Form("bytes in base64", "Zmlyc3RidXk="),
    r"^[0-9]{10}$": Form("ten digits", "1234567891"),
    r"^[0-9]{13}$": Form("thirteen digits", "1101110000000"),
    r"^[0-9]{8}$": _DIGITS_OF_A_CLASS,
    r"^(officer|auditor|operator|institution)$": Form("officer, auditor, operator or institution", "officer"),
    r"^(ko|en)$": Form("ko or en", "ko"),
    r"^[0-9a-f./]+$": Form("the value as its source gave it", "9.18.26.34.41.45./"),
    r"^([0-9a-f]{2})+$": _HEX,
    r"^https?://[A-Za-z0-9.\[\]:-]+(/[\x21\x24-\x7e]*)?(\?[\x21\x24-\x7e]*)?$": Form(
        "an address of the web, without a user or a fragment", "https://desk.example/firstbuy"
    ),
    r"^whsec_[A-Za-z0-9+/]{32,88}={0,2}$": Form("a secret as it was given out", "whsec_" + "A" * 32),
    r"^[a-z][a-z0-9_]{0,60}$": Form("a name of lower-case letters, digits and underscores", "at_most"),
}
"""By pattern. A test checks that every pattern of a contract is here, and that its example matches."""

Context = Mapping[str, Any]
_NEEDED: Final[Mapping[str, Callable[[Context], tuple[str, str]]]] = {
    "string_pattern_mismatch": lambda context: _form(context["pattern"]),
    "string_type": lambda _: ("this is no text", 'write text in quotes, such as "general"'),
    "string_too_short": lambda context: (
        f"it has fewer than {context['min_length']} characters",
        f"write {context['min_length']} characters or more",
    ),
    "string_too_long": lambda context: (
        f"it has more than {context['max_length']} characters",
        f"write {context['max_length']} characters at the most",
    ),
    "too_short": lambda context: (
        f"there are fewer than {context['min_length']}",
        f"give {context['min_length']} or more",
    ),
    "too_long": lambda context: (
        f"there are more than {context['max_length']}",
        f"give {context['max_length']} at the most",
    ),
    "greater_than_equal": lambda context: (f"it is less than {context['ge']}", f"write {context['ge']} or more"),
    "greater_than": lambda context: (f"it is not more than {context['gt']}", f"write more than {context['gt']}"),
    "less_than_equal": lambda context: (f"it is more than {context['le']}", f"write {context['le']} at the most"),
    "less_than": lambda context: (f"it is not less than {context['lt']}", f"write less than {context['lt']}"),
    "enum": lambda context: _one_of(context["expected"]),
    "literal_error": lambda context: _one_of(context["expected"]),
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_parsing_size", "int_from_float"),
        lambda _: ("this is no whole number", _NUMBER),
    ),
    **dict.fromkeys(
        ("bool_type", "bool_parsing"), lambda _: ("this is no yes or no", "write true or false, without quotes")
    ),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), lambda _: ("this is no day", _DAY)),
    "date_from_datetime_inexact": lambda _: ("more than a day stands there, such as a time or a zone", _DAY),
    **dict.fromkeys(
        ("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "datetime_object_invalid"),
        lambda _: ("this is no moment", _MOMENT),
    ),
    "timezone_aware": lambda _: (
        "the moment has no offset",
        "give the offset, such as +09:00: 2018-09-14T18:00:00+09:00",
    ),
    **dict.fromkeys(
        ("dict_type", "model_type", "dataclass_type", "mapping_type", "model_attributes_type"),
        lambda _: ("an object is needed", 'write an object with its fields, such as {"name": "value"}'),
    ),
    **dict.fromkeys(
        ("list_type", "tuple_type"), lambda _: ("a list is needed", 'write a list, such as ["nep", "net"]')
    ),
    **dict.fromkeys(("uuid_type", "uuid_parsing"), lambda _: _uuid()),
}
_OF_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("this field is missing", "add this field"),
    "extra_forbidden": ("there is no field of this name", _NAME),
    "unexpected_keyword_argument": ("there is no field of this name", _NAME),
    "json_invalid": ("", "send valid JSON in UTF-8, without lone surrogates"),
    "address_invalid": ("", "write an address that mail goes to, such as name@firm.example"),
}
"""Errors that do not depend on the value. Empty words: pydantic's own message is used."""


def wrong(error: Mapping[str, Any]) -> Wrong:
    """Translates one error of `ValidationError.errors()`."""
    kind, context = error["type"], error.get("ctx") or {}
    code = "extra-forbidden" if kind == "unexpected_keyword_argument" else kind.replace("_", "-")
    if kind in _OF_NAMES:
        words, fix = _OF_NAMES[kind]
        return Wrong(code, words or error["msg"], fix)
    if kind in _NEEDED:
        words, fix = _NEEDED[kind](context)
    else:
        words, fix = error["msg"], f"change it so that: {error['msg'].lower()}"
    return Wrong(code, came(error["input"], words) if "input" in error else words, fix)


def came(value: object, words: str) -> str:
    """`words` with the value they are about in front, shortened."""
    match value:
        case None:
            return f"null came: {words}"
        case bool():
            return f"{str(value).lower()} came: {words}"
        case str() if not value.strip():
            return f"nothing came: {words}"
        case str():
            return f"'{_short(value)}' came: {words}"
        case int() | float():
            return f"{_short(str(value))} came: {words}"
        case list() | tuple():
            return f"a list came: {words}"
        case dict():
            return f"an object came: {words}"
        case _:
            return words


def _short(text: str) -> str:
    return visible(text if len(text) <= SHOWN_AT_MOST else f"{text[:SHOWN_AT_MOST]}…")


def _form(pattern: str) -> tuple[str, str]:
    form = FORMS.get(pattern)
    if form is None:
        return "it has another form than is needed", "write it in the form the schema gives"
    return "it has another form than is needed", f"write it as {form.words}, such as {form.example}"


def _uuid() -> tuple[str, str]:
    return "this is no id", "write an id as its receipt has it, such as 0b2c1f6e-3a4d-4e5f-8a9b-0c1d2e3f4a5b"


def _one_of(expected: str) -> tuple[str, str]:
    listed = expected.replace("' or '", "', '").replace("'", "")
    return "it is none of those there are", f"write one of {listed}, such as {listed.partition(',')[0]}"
