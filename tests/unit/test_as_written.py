"""Values as people write them: what is seen through, and what is never turned into anything."""

from time import process_time

import pytest

from shared.reading.as_written import Wrong, day, digits, is_blank, line, number_of_document, plain, prose, whole

BUSINESS_NUMBERS = [
    "2208162517",
    "220-81-62517",
    "２２０－８１－６２５１７",
    "220\u201081\u201162517",
    "220\u221281\u201462517",
    "220\u00ad81\u00ad62517",
    "220ー81ㅡ62517",
    "220 81 62517",
    "220\u00a081\u202f62517",
    "220 - 81 - 62517",
    "\u200b2208162517\ufeff",
    "\u202a220-81-62517\u202c",
    "220-\u200e81-62517",
]


@pytest.mark.parametrize("written", BUSINESS_NUMBERS, ids=ascii)
def test_a_business_number_is_ten_digits_however_it_is_written(written: str) -> None:
    assert digits(written, (3, 2, 5)) == "2208162517"


@pytest.mark.parametrize(
    "written",
    ["22-081-62517", "220.81.62517", "٢٢٠8162517", "\u202e2208162517", "2208162517²", "220-81-6251"],
    ids=ascii,
)
def test_what_is_no_business_number_becomes_none(written: str) -> None:
    assert digits(written, (3, 2, 5)) != "2208162517"
    assert not digits(written, (3, 2, 5)).isdecimal() or len(digits(written, (3, 2, 5))) != 10 or not written.isascii()


DAYS = [
    "2023-03-02",
    "2023.3.2",
    "2023. 3. 2.",
    "2023.03.02.",
    "2023/03/02",
    "2023년 3월 2일",
    "2023년3월2일",
    "２０２３．３．２",
    "2023\u201103\u201102",
    " 2023-3-2\u00a0",
    "2023\u201403\u221202",
]


@pytest.mark.parametrize("written", DAYS, ids=ascii)
def test_a_day_is_read_as_it_is_written_in_korea(written: str) -> None:
    assert day(written) == "2023-03-02"


NO_DAYS = {
    "2023-03-02T00:00:00Z": "date-from-datetime-inexact",
    "2023-03-02 00:00:00": "date-from-datetime-inexact",
    "2023-03-02T15:00": "date-from-datetime-inexact",
    "2023. 3. 2. 오후 3:00": "date-from-datetime-inexact",
    "2023-03-02Z": "date-from-datetime-inexact",
    "2023-03-02+09:00": "date-from-datetime-inexact",
    "2023-02-30": "no-such-day",
    "2023.13.1": "no-such-day",
    "0": "not-a-day",
    "+0": "not-a-day",
    "1514764800": "not-a-day",
    "20230302": "not-a-day",
    "23.3.2": "not-a-day",
    "3/2/2023": "not-a-day",
    "2023.3/2": "not-a-day",
    "2023-03": "not-a-day",
    "어제": "not-a-day",
}


@pytest.mark.parametrize("written", NO_DAYS)
def test_what_is_no_day_is_never_made_one(written: str) -> None:
    wrong = day(written)
    assert isinstance(wrong, Wrong)
    assert wrong.code == NO_DAYS[written]
    assert "2018-09-14" in wrong.fix


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("2,400,000", 2_400_000),
        ("２，４００，０００", 2_400_000),
        ("２４０００００", 2_400_000),
        ("\u200b2400000\u00a0", 2_400_000),
        ("50.0", 50),
        ("1,200.00", 1200),
    ],
    ids=ascii,
)
def test_a_whole_number_is_read_with_its_thousands_apart(written: str, number: int) -> None:
    assert whole(written) == number


NO_NUMBERS = [
    "1e3",
    "1.20E+08",
    "1.5",
    "1,2,3",
    "12,34",
    "-1",
    "+1",
    "1_000",
    "12:30",
    "0x1F",
    "1.000.000",
    "١٢",
    "①",
    "5²",
    "1.2억",
    "5원",
    "\u202e12",
]


@pytest.mark.parametrize("written", [*NO_NUMBERS, "", "9" * 50], ids=ascii)
def test_no_other_text_is_a_number(written: str) -> None:
    assert isinstance(whole(written), Wrong)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("NEP\u2010MOTIE\u20132025\u2212001", "NEP-MOTIE-2025-001"),
        ("NEP - MOTIE-２０２５ー001", "NEP-MOTIE-2025-001"),
        ("제2025\u2013001호", "제2025-001호"),
        ("제１ 호\u200b", "제1 호"),
        ("데이ー터-1", "데이ー터-1"),
        ("21-AB0001\ufeff", "21-AB0001"),
    ],
    ids=ascii,
)
def test_a_certificate_s_number_compares_as_it_looks(written: str, number: str) -> None:
    assert number_of_document(written) == number


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("\u1112\u1161\u11ab강", "한강"),
        ("주식회사\u00a0새싹", "주식회사 새싹"),
        ("새\u200b싹\ufeff", "새싹"),
        ("가\u200d나", "가나"),
        ("Café", "Café"),
        ("👩\u200d🔬 연구소", "👩\u200d🔬 연구소"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("ﬀ²", "ﬀ²"),
    ],
    ids=ascii,
)
def test_a_name_is_kept_as_it_looks(written: str, name: str) -> None:
    assert line(written) == name


UNFIT = {
    "\u200b\u200b": "no-letter",
    "\u3164": "no-letter",
    "\u2800": "no-letter",
    "- . -": "no-letter",
    "a\u202egnp.exe": "turning-text",
    "a\u2067b": "turning-text",
    "a\u2028b": "control-character",
    "a\u2029b": "control-character",
    "a\x85b": "control-character",
    "a\x7fb": "control-character",
    "a\nb": "control-character",
    "깨진\ufffd이름": "lost-letters",
}


@pytest.mark.parametrize("written", UNFIT, ids=ascii)
def test_a_name_that_shows_otherwise_than_it_reads_is_refused(written: str) -> None:
    wrong = line(written)
    assert isinstance(wrong, Wrong)
    assert wrong.code == UNFIT[written]


def test_prose_keeps_its_lines_and_loses_what_has_no_shape() -> None:
    assert prose("줄1\r\n\t줄2 \u200b끝 ") == "줄1\r\n\t줄2 끝 "
    for unfit in ("a\u202eb", "a\x01b", "a\x9bb", "a\ufffdb", "a" + "\u0301" * 31):
        assert isinstance(prose(unfit), Wrong)


def test_a_code_is_typed_in_any_width() -> None:
    assert plain("ｎｅｐ\u200b") == "nep"
    assert plain("2018\u2013h2") == "2018-h2"


def test_what_shows_nothing_is_blank() -> None:
    assert all(map(is_blank, ("", " ", "\u00a0", "\u200b", "\ufeff\u3164")))
    assert not is_blank("ㅤ가")


@pytest.mark.parametrize("hostile", ["\u0316\u0301", "가\u0301", "-ー", " - ", "\u200b", "12,"])
def test_no_text_holds_its_reader(hostile: str) -> None:
    began = process_time()
    for text in (hostile * 10_000, hostile * 400):
        line(text)
        prose(text)
        number_of_document(text)
        digits(text, (3, 2, 5))
        whole(text)
        day(text)
    assert process_time() - began < 1
