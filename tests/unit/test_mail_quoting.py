"""What an applicant writes is no weapon in our mails: in no subject, and in a body quoted, short, without links."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from services.notify.adapters.composing import Composer, Sender
from services.notify.adapters.rendering import Renderer
from services.notify.domain.notices import DIGEST, NOTICES, TEMPLATES, Role
from services.notify.domain.quoting import LONGEST, LONGEST_NAME, quoted
from services.notify.storage.claims import Addressee, Claimed
from services.notify.storage.deliveries import Delivery
from services.notify.usecases.preview import SAMPLES
from shared.clock import REAL_TIME
from shared.contracts.events import Channel, Language

RENDERER = Renderer()
COMPOSER = Composer(RENDERER, Sender("Firstbuy", "no-reply@firstbuy.example", "firstbuy.example"))
MARK = "Tarnwort"
DOT = "[.\u2024\u3002\uff0e\uff61]"
LINK = re.compile(
    rf"(?i)\w:[/\\\\]|www{DOT}|(?!{DOT})\S{DOT}(?:[^\W\d_가-힣]{{2}}|한국)|[^\s\[]@[^\s\]]|(?:mailto|tel|javascript):\S"
)
HOSTILE = {
    "links": f"{MARK} https://evil.example/a?b=c www.evil.kr evil.com "
    "a@evil.com mailto:a@b.co tel:+821 10.0.0.1 한빛.한국",
    "marks": f'"{MARK}” 」 {MARK} “ 「 {MARK}',
    "html": f'<a href="http://evil.com">{MARK}</a><script>x</script> {{{{ nonce }}}} {{% raw %}}',
    "hidden": f"{MARK}\u202eevil\u200b.\u2060com\u2028ev\u00adil。com\r\nBcc: x@evil．com\x00",
    "long": f"{MARK} " + "길" * 5000,
}
WRITTEN_BY_OTHERS = ("product", "firm", "reason")


def hostile(facts: Any, said: str) -> Any:
    if isinstance(facts, list):
        return [hostile(fact, said) for fact in facts]
    if isinstance(facts, dict):
        return {name: said if name in WRITTEN_BY_OTHERS and one else hostile(one, said) for name, one in facts.items()}
    return facts


def claim(kind: str, said: str, number: int = 0, others: Sequence[Claimed] = ()) -> Claimed:
    facts = hostile(SAMPLES[kind], said)
    if kind == "not-selected":
        facts["reason"] = "ineligible"  # a code of ours
    subject = f"4f0f9d2c-3a52-4ab5-9b1d-0c5f6a0d9e0{number}"
    delivery = Delivery(
        id="id",
        round="2018-h2",
        kind=kind,
        subject=subject,
        occasion="",
        recipient="party",
        channel=Channel.MAIL,
        facts=facts,
        traceparent=None,
        attempts=1,
        time_map=REAL_TIME,
    )
    findings = [SAMPLES["of-application"]["findings"][0] | {"seen": said}]
    title = {"ko": "시범구매", "en": "A round"}
    return Claimed(
        delivery=delivery,
        tried_for=timedelta(0),
        addressee=None,
        round_title=title,
        product=said,
        findings=findings,
        changes=[],
        gathered=others,
    )


def mail(claimed: Claimed, language: Language, said: str) -> tuple[str, str, str, str]:
    """Its subject, its To header, its text, and what its HTML shows."""
    kind = claimed.delivery.kind
    to_desk = kind == DIGEST or any(one.kind == kind and role is Role.INSTITUTION for (_, role), one in NOTICES.items())
    addressee = Addressee(
        name=said, email="somebody@firm.example", language=language.value, institution="kwater" if to_desk else None
    )
    content = COMPOSER.compose(claimed, addressee, {"kwater": "K-water"}, datetime(2018, 9, 18, tzinfo=UTC), None)
    message = message_from_bytes(content.content, policy=default)
    text, html = (message.get_body((part,)).get_content() for part in ("plain", "html"))  # type: ignore[union-attr]
    return str(message["Subject"]), str(message["To"]), text, unescape(re.sub(r"<[^>]*>", " ", html))


@pytest.mark.parametrize("said", HOSTILE.values(), ids=list(HOSTILE))
@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("kind", TEMPLATES)
def test_no_mail_carries_an_applicants_text_but_quoted_short_and_without_links(
    kind: str, language: Language, said: str
) -> None:
    subject, to, text, html = mail(claim(kind, said), language, said)
    assert MARK not in subject
    assert len(to) < LONGEST_NAME * 3
    for body in (text, html):
        assert MARK in body, "the addressee's name is said"
        assert not LINK.search(body)
        assert re.sub(r"“[^“”]*”|「[^「」]*」", "", body).count(MARK) == 0, "every word of it stands between marks"
        assert not set("\u202e\u200b\u2060\u2028\u00ad\x00") & set(body)
        if kind not in {"excluded", "appeal-decided", "selection-withdrawn", "not-selected", "verdict"}:
            assert all(len(each) <= LONGEST + 2 for each in re.findall(r"“[^“”]*”|「[^「」]*」", body))


@pytest.mark.parametrize("said", HOSTILE.values(), ids=list(HOSTILE))
@pytest.mark.parametrize("language", list(Language))
def test_nor_does_a_mail_that_says_several(language: Language, said: str) -> None:
    others = [claim(kind, said, number) for number, kind in enumerate(("verdict", "appeal-decided", "selected"), 1)]
    subject, _, text, html = mail(claim("receipt", said, others=others), language, said)
    assert MARK not in subject
    assert "4" in subject
    for body in (text, html):
        assert all(f"4f0f9d2c-3a52-4ab5-9b1d-0c5f6a0d9e0{number}" in body for number in range(4))
        assert not LINK.search(body)
        assert re.sub(r"“[^“”]*”|「[^「」]*」", "", body).count(MARK) == 0
        assert body.count(MARK) >= 4


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("kind", ["receipt", "award", "digest"])
def test_a_subject_names_the_round_and_our_reference(kind: str, language: Language) -> None:
    subject, *_ = mail(claim(kind, "x"), language, "x")
    assert {"ko": "시범구매", "en": "A round"}[language] in subject
    assert kind == "digest" or "(4f0f9d2c)" in subject


def test_a_subject_that_named_what_an_applicant_wrote_could_not_be_rendered() -> None:
    values = {"round_title": "r", "reference": "f", "product": "p", "name": "n", "firm": "f"}
    renderer = Renderer(("receipt",))
    for language in Language:
        templates = renderer._templates["receipt", language]
        naming = templates.subject.environment.from_string("{{ product }}")
        renderer._templates["receipt", language] = type(templates)(naming, templates.text, templates.html)
        with pytest.raises(UndefinedError, match="product"):
            renderer.render("receipt", language, values)


@pytest.mark.parametrize(
    "text",
    [
        "상수도 누수 감지 센서 v2.0 (IoT)",
        "3.5인치 A.I. 카메라, 1.2.3판",
        "㈜한빛 R&D: 16:9 화면",
        "접수합니다.그리고 감사합니다.",
        "the U.S. version, no. 5",
        "3 @ 5",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert quoted(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("evil.com", "evil[.]com"),
        ("ASP.NET", "ASP[.]NET"),
        ("http://1.2.3.4/x", "http[:]//1.2.3[.]4/x"),
        ("www.7.kr", "www[.]7[.]kr"),
        ("evil。com", "evil[。]com"),
        ("한빛.한국", "한빛[.]한국"),
        ("a@localhost", "a[@]localhost"),
        ('the "best"', "the 'best'"),
        ("a\u202e\u200b\r\n b", "a b"),
        ("x" * 101, "x" * 99 + "…"),
    ],
)
def test_a_link_is_broken_and_said_otherwise_as_it_was(text: str, shown: str) -> None:
    assert quoted(text) == shown


@given(st.text(st.sampled_from("a.w:/@\\。．｡․com한국 \u200b\u202e1\n@www"), max_size=150))
def test_no_text_makes_a_link(text: str) -> None:
    said = quoted(text)
    assert not LINK.search(said)
    assert len(said) <= LONGEST
    assert said.isprintable()
