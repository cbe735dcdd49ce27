"""What a mail says, in both languages, and that nothing a firm states can change what it is."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from services.eligibility.domain.rules import RULES
from services.notify.adapters.composing import Composer, Sender, UnusableAddressError, address_of
from services.notify.adapters.rendering import NOTICE_NAMES, TEMPLATES
from services.notify.domain.notices import TEMPLATES as TEMPLATE_OF
from services.notify.domain.notices import Occurrence, planned
from services.notify.domain.occurrences import appeal, reconsidered, submission, withdrawal
from services.notify.domain.results import given_up, result
from services.notify.handlers import delivery_id
from services.notify.storage.claims import Addressee
from shared.contracts.events import Language
from shared.contracts.findings import Unit
from shared.wording.explanation import RULE_WORDS
from tests.support.mails import NOW, RENDERER, TITLE, body, explained, golden, mail

WORDS = {
    "contact": {"ko": "시범구매 <운영사무국>", "en": "the <office>"},
    "appeal": {"ko": "서면으로 냅니다.", "en": "File it in writing."},
    "another": {"ko": "딴말", "en": "another word"},
}
SHORT_OF_SALES = {
    "rule": "sales-or-credit",
    "legal_source": "2018년 하반기 시범구매 공고",
    "outcome": "fail",
    "seen": 312_000_000,
    "needed": 500_000_000,
    "margin": -188_000_000,
    "unit": "won",
}
NO_CERTIFICATE = SHORT_OF_SALES | {
    "rule": "certificate",
    "outcome": "unknown",
    "seen": None,
    "needed": "accepted certificate valid on 2018-09-14",
    "margin": None,
    "unit": None,
}


RECEIPT = submission(golden("ApplicationSubmitted", version=1), None)
RESUBMISSION = submission(golden("ApplicationSubmitted", version=2), None)
WITHDRAWAL = withdrawal(golden("ApplicationWithdrawn"), None)
EXCLUDED = withdrawal(golden("ApplicationWithdrawn", act="5a5a0d0e-7c1e-4c39-9d64-2f2a53e0a111"), None)
(SELECTED,) = result(golden("ProductSelected"), None)
(RESERVED,) = result(golden("ProductReserved"), None)
(INELIGIBLE,) = result(golden("ProductNotSelected"), None)
RECONSIDERED = reconsidered(golden("RefusalReconsidered"), None)
PARTY = "2b1c3b0e-52f4-4c8e-9b51-2f6f0a7be1ff"
FILED = appeal(golden("AppealFiled", party=PARTY, answer_due="2018-11-05"), None)
UPHELD = appeal(golden("AppealDecided", party=PARTY, upheld=True), None)
DISMISSED = appeal(golden("AppealDecided", party=PARTY, upheld=False), None)
assert FILED is not None
assert UPHELD is not None
assert DISMISSED is not None
EVERY = [
    FILED,
    UPHELD,
    DISMISSED,
    RECEIPT,
    RESUBMISSION,
    WITHDRAWAL,
    EXCLUDED,
    SELECTED,
    RESERVED,
    INELIGIBLE,
    RECONSIDERED,
]


@pytest.mark.parametrize(
    ("occurrence", "language", "subject", "facts"),
    [
        (
            RECEIPT,
            "ko",
            "신청이 접수되었습니다: 2018년 하반기",
            ["2018년 9월 3일 14:21:44 (한국시간)", "9f1c0d5e7b3a48629d04c1e8f7a6b530"],
        ),
        (
            RECEIPT,
            "en",
            "Application received: Pilot purchase",
            ["3 September 2018, 14:21:44 (Korean time)", "Version: 1"],
        ),
        (
            RESUBMISSION,
            "ko",
            "(버전 2)",
            ["버전 2로 접수", "f55c5e92151017db3b0bf356c4ba9dc2098be991918983249d621303fb7059ff"],
        ),
        (RESUBMISSION, "en", "(version 2)", ["received as version 2"]),
        (WITHDRAWAL, "ko", "취하되었습니다: 2018년", ["2018년 9월 12일 08:59:59"]),
        (WITHDRAWAL, "en", "withdrawn: Pilot", ["12 September 2018, 08:59:59"]),
        (
            SELECTED,
            "ko",
            "선정되었습니다: 2018년",
            ["한국수자원공사 (K-water): 120개, 158,400,000원", "추첨권 6장", "2018년 10월 18일까지"],
        ),
        (SELECTED, "en", "Selected: Pilot", ["120 units, KRW 158,400,000", "tickets: 6", "within 30 days"]),
        (RESERVED, "ko", "예비 1번", ["예비 순위 1번", "30일 이내", "14일 이내", "10일의 범위"]),
        (RESERVED, "en", "Number 1 on the reserve list", ["within 14 days of filing", "until 18 October 2018"]),
        (
            INELIGIBLE,
            "ko",
            "선정되지 않았습니다",
            [
                "자격 요건을 충족하지",
                "기준에 188,000,000원 부족",
                "500,000,000원",
                "행정기본법 제36조",
                "제출된 자료 없음",
            ],
        ),
        (INELIGIBLE, "en", "Not selected", ["KRW 188,000,000 short", "could not be confirmed", "행정기본법 §36"]),
    ],
)
def test_a_mail_says_what_it_must_in_text_and_html(
    occurrence: Occurrence, language: str, subject: str, facts: list[str]
) -> None:
    message = mail(occurrence, language, findings=[SHORT_OF_SALES, NO_CERTIFICATE])
    assert subject in str(message["Subject"])
    text, html = body(message), body(message, "html").replace("<strong>", "").replace("</strong>", "")
    for fact in [*facts, TITLE[language], occurrence.subject, "김가상"]:
        assert fact in text
        if not fact.startswith("Version"):
            assert fact in html
    assert "  \n\n\n" not in text
    assert str(message["Content-Language"]) == language


@pytest.mark.parametrize(
    ("language", "subject", "facts"),
    [
        (
            "ko",
            "다시 신청하실 수",
            ["2018년 9월 14일 18:00:03", "2018년 9월 17일 18:00:00 (한국시간)까지", "통지 번호와 함께"],
        ),
        ("en", "You may apply again", ["14 September 2018, 18:00:03", "17 September 2018, 18:00:00", "this notice's"]),
    ],
)
def test_an_invitation_names_no_application(language: str, subject: str, facts: list[str]) -> None:
    message = mail(RECONSIDERED, language)
    assert subject in str(message["Subject"])
    text, html = body(message), body(message, "html").replace("<strong>", "").replace("</strong>", "")
    for fact in [*facts, TITLE[language], "김가상"]:
        assert fact in text
        assert fact in html
    for said in (text, html):
        assert RECONSIDERED.subject not in said
        assert "신청 번호" not in said
        assert "Application" not in said


@pytest.mark.parametrize(
    ("occurrence", "language", "subject", "facts"),
    [
        (result(golden("ReservePromoted", 2), None)[0], "ko", "예비에서 선정", ["60개, 84,000,000원", "30일 이내"]),
        (result(golden("ReservePromoted", 2), None)[0], "en", "from the reserve", ["60 units", "valid until"]),
        (result(golden("AwardsChanged"), None)[0], "ko", "구매 기관이 변경", ["구매 요청 하나가 취소"]),
        (result(golden("AwardsChanged"), None)[0], "en", "buyers have changed", ["stays selected", "120 units"]),
        (result(golden("SelectionWithdrawn", 2), None)[0], "ko", "선정이 취소", ["포기하신 제품", "30일 이내"]),
        (
            result(golden("SelectionWithdrawn", 2, cause="declined", reason="허위 서류"), None)[0],
            "en",
            "No longer selected",
            ["Two officers withdrew", "허위 서류"],
        ),
        (
            result(golden("SelectionWithdrawn", 2, cause="request-cancelled", in_reserve=True), None)[0],
            "ko",
            "선정이 취소",
            ["예비 명단에 다시 오르며"],
        ),
        (given_up(golden("SelectionGivenUp"), None), "ko", "선정 포기가 접수", ["다음 재배정"]),
        (given_up(golden("SelectionGivenUp"), None), "en", "You gave up your place", ["in the next batch"]),
    ],
)
def test_what_a_release_means_is_told_in_words(
    occurrence: Occurrence, language: str, subject: str, facts: list[str]
) -> None:
    message = mail(occurrence, language)
    assert subject in str(message["Subject"])
    text, html = body(message), body(message, "html")
    for fact in facts:
        assert fact in text
        assert fact in html


def test_a_mail_is_marked_as_what_it_is() -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    message = mail(RECEIPT, trace=trace)
    identifier = delivery_id(planned(RECEIPT)[0])
    assert message["Message-ID"] == f"<{identifier}@firstbuy.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<receipt.2018-h2.firstbuy.example>"
    assert message["traceparent"] == trace
    assert message["To"] == "김가상 <contact@hanbit.example>"
    assert message["Date"].datetime == NOW
    assert not message.defects
    assert "traceparent" not in mail(RECEIPT)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("kind", sorted(set(TEMPLATE_OF.values())))
def test_a_value_nobody_gives_is_an_error_and_not_an_empty_place(kind: str, language: Language) -> None:
    with pytest.raises(UndefinedError):
        RENDERER.render(kind, language, {})


HOSTILE = '<script>alert("1")</script>\u202e & {{ nonce }}\u2028Bcc: x@evil.example'


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("occurrence", [WITHDRAWAL, RESERVED, INELIGIBLE])
def test_a_hostile_product_name_is_text_and_nothing_else(occurrence: Occurrence, language: str) -> None:
    message = mail(occurrence, language, product=HOSTILE, findings=[])
    html = body(message, "html")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "{{ nonce }}" in html
    assert "Bcc" not in message
    assert "\u202e" not in str(message["Subject"])


@given(st.text(min_size=1, max_size=120), st.text(min_size=1, max_size=120))
def test_no_name_can_add_or_end_a_header(name: str, product: str) -> None:
    name, product = (text.encode("utf-8", "replace").decode() for text in (name, product))
    message = mail(WITHDRAWAL, name=name, product=product)
    assert set(message.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "List-Id",
        "Content-Language", "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert [address.addr_spec for address in message["To"].addresses] == ["contact@hanbit.example"]
    assert str(message["Subject"]) == f"[시범구매] 신청이 취하되었습니다: {TITLE['ko']} (19b6e8a4)"


@pytest.mark.parametrize(
    "email",
    [
        "nobody",
        "@hanbit.example",
        "a b@hanbit.example",
        "a@hanbit.example>\r\nBcc: x",
        "a@b.example, c@d.example",
        "a@",
        "김@hanbit.example",
        "a@" + "x" * 64 + ".example",
        '"a b"@hanbit.example',
    ],
)
def test_an_address_no_server_could_take_is_refused(email: str) -> None:
    with pytest.raises(UnusableAddressError) as raised:
        address_of(Addressee(name="n", email=email, language="ko"))
    assert email not in str(raised.value)


def test_a_korean_domain_is_written_in_idna() -> None:
    assert address_of(Addressee(name="n", email="a@한빛.example", language="ko")) == "a@xn--xx3br43b.example"


@pytest.mark.parametrize("language", list(Language))
def test_a_selected_firm_gets_the_link_of_its_pack_where_selection_has_an_address(language: Language) -> None:
    path = "/rounds/2018-h2/packs/7d1c3b0e-52f4-4c8e-9b51-2f6f0a7be101?key=q3v"
    (told,) = result(golden("ProductSelected", pack=path), None)
    sender = Sender("Firstbuy", "no-reply@firstbuy.example", "firstbuy.example")
    reached = Composer(RENDERER, sender, "https://selection.example/")
    message = mail(told, language.value, composer=reached)
    link = f"https://selection.example{path}"
    assert link in body(message)
    assert f'href="{link}&amp;format=pdf' in body(message, "html")
    for without in (mail(told, language.value), mail(SELECTED, language.value, composer=reached)):
        assert "key=" not in body(without) + body(without, "html")


@pytest.mark.parametrize(
    ("stated", "korean", "english"),
    [
        (
            {
                "rule": "sme-confirmation",
                "seen": "until 2018-09-01",
                "needed": "valid on 2018-09-14",
                "margin": -13,
                "unit": Unit.DAYS,
            },
            ("2018-09-01까지 유효", "2018-09-14 현재 유효", "기준에 13일 부족"),
            ("until 2018-09-01", "valid on 2018-09-14", "13 days short"),
        ),
        (
            {"rule": "track-cap", "seen": 700_000_000, "needed": 500_000_000, "margin": -200_000_000, "unit": Unit.WON},
            ("700,000,000원", "500,000,000원", "기준을 200,000,000원 초과"),
            ("KRW 700,000,000", "KRW 500,000,000", "KRW 200,000,000 over the limit"),
        ),
        (
            {"rule": "sales-or-credit", "needed": "sales of 500000000 won or credit grade B+"},
            ("제출된 자료 없음", "매출액 500,000,000원 이상 또는 신용등급 B+ 이상", ""),
            ("nothing was stated", "sales of 500,000,000 won or credit grade B+", ""),
        ),
        (
            {"rule": "not-sanctioned", "seen": "sanctioned", "needed": "not sanctioned"},
            ("제재 중", "제재 없음", ""),
            ("sanctioned", "not sanctioned", ""),
        ),
        (
            {"rule": "a-rule-of-tomorrow", "seen": "x", "needed": "y", "margin": -1, "unit": Unit.DAYS},
            ("x", "y", "기준에 1일 부족"),
            ("x", "y", "1 day short"),
        ),
    ],
)
def test_a_finding_is_told_in_the_readers_words(
    stated: dict[str, Any], korean: tuple[str, str, str], english: tuple[str, str, str]
) -> None:
    for language, words in ((Language.KO, korean), (Language.EN, english)):
        found = explained(language, **stated)
        assert (found.seen, found.needed, found.gap) == words


def test_every_rule_a_policy_may_name_has_words() -> None:
    assert set(RULES) <= set(RULE_WORDS)


def test_a_refusal_says_what_would_have_helped_and_until_when_to_appeal() -> None:
    """30 days from 18 September 2018 in Korea; a week-end or holiday would give way to the next working day."""
    changes = [{"rule": "sales-or-credit", "pointer": "/applicant/annual_sales_won", "needed": 500_000_000}]
    korean = mail(INELIGIBLE, "ko", findings=[], changes=changes)
    english = mail(INELIGIBLE, "en", findings=[], changes=changes)
    for kind in ("plain", "html"):
        assert "연간 매출액: 500,000,000원 이상" in body(korean, kind)
        assert "annual sales: at least KRW 500,000,000" in body(english, kind)
        assert "2018년 10월 18일" in body(korean, kind)
    assert "달랐다면" not in body(mail(INELIGIBLE, "ko", findings=[]))


@pytest.mark.parametrize("occurrence", EVERY)
@pytest.mark.parametrize(
    ("language", "asked", "escaped"),
    [
        ("ko", "문의처: 시범구매 <운영사무국>", "문의처: 시범구매 &lt;운영사무국&gt;"),
        ("en", "Whom to ask: the <office>", "Whom to ask: the &lt;office&gt;"),
    ],
)
def test_every_mail_says_whom_to_ask_in_its_own_language(
    occurrence: Occurrence, language: str, asked: str, escaped: str
) -> None:
    message = mail(occurrence, language, findings=[], notices=WORDS)
    assert asked in body(message).splitlines()
    assert escaped in body(message, "html")
    assert asked.partition(":")[0] not in body(mail(occurrence, language, findings=[]))


@pytest.mark.parametrize(("language", "words"), [("ko", "서면으로 냅니다."), ("en", "File it in writing.")])
@pytest.mark.parametrize("occurrence", [SELECTED, RESERVED, INELIGIBLE])
def test_the_policy_adds_its_words_to_the_right_of_appeal(occurrence: Occurrence, language: str, words: str) -> None:
    message = mail(occurrence, language, findings=[], notices=WORDS)
    assert all(words in body(message, kind) for kind in ("plain", "html"))


def test_the_names_policies_may_use_are_those_templates_use() -> None:
    used = {name for path in TEMPLATES.rglob("*.*") for name in re.findall(r"notices\.(\w+)", path.read_text())}
    assert used == set(NOTICE_NAMES)
