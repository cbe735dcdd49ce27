"""Every notice that is mailed can be seen before it is."""

import json
import re

import pytest
from typer.testing import CliRunner

from firstbuy.cli import assembled
from services.notify.adapters.rendering import TEMPLATES as TEMPLATE_FILES
from services.notify.domain.notices import DIGEST, INVITATION, NOTICES, TEMPLATES, Role
from services.notify.usecases.preview import SAMPLES, UnknownKindError, preview
from shared.contracts.events import Language


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_kind_is_shown_in_both_languages_as_text_and_html(kind: str, language: Language) -> None:
    shown = preview(kind, language)
    assert shown.subject
    for said in (shown.text, shown.html):
        assert len(said) > 200
        assert "{{" not in said
        assert "None" not in said
    assert b"Message-ID: <" in shown.content


WHY = {Language.KO: "연락처로 이 주소를 적었기에", Language.EN: "Somebody entered this address as the contact of"}
TO_DESKS = {notice.kind for (_, role), notice in NOTICES.items() if role is Role.INSTITUTION} | {DIGEST}


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_mail_to_an_applicant_says_why_it_came_and_how_to_say_that_it_was_not_them(
    kind: str, language: Language
) -> None:
    shown = preview(kind, language)
    for said in (shown.text, shown.html):
        assert (WHY[language] in said) == (kind not in TO_DESKS)
        assert said.count("https://notify.firstbuy.example/not-me/") == (kind not in TO_DESKS)


def test_samples_are_of_kinds_that_are_mailed() -> None:
    assert SAMPLES.keys() - {"of-application"} == TEMPLATES.keys()


def test_a_kind_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownKindError, match="receipt"):
        preview("nothing", Language.EN)
    done = CliRunner().invoke(assembled(), ["notify", "preview", "nothing"])
    assert done.exit_code == 2
    assert "receipt" in done.output


def test_the_table_says_who_is_told_what() -> None:
    done = CliRunner().invoke(assembled(), ["notify", "preview", "--json"])
    rows = json.loads(done.stdout)
    assert {
        "kind": "purchase-reminder",
        "of": "purchase-overdue",
        "to": "institution",
        "channels": ["outbox", "webhook", "mail"],
    } in rows


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_mail_about_an_entry_links_to_where_it_stands(kind: str, language: Language) -> None:
    shown = preview(kind, language)
    for said in (shown.text, shown.html):
        assert said.count("https://notify.firstbuy.example/entry/") == (kind not in {*TO_DESKS, INVITATION})


@pytest.mark.parametrize("kind", TEMPLATES)
def test_paragraphs_of_a_text_stand_apart_by_one_empty_line(kind: str) -> None:
    for language in Language:
        text = preview(kind, language).text.replace("\r", "")
        assert "\n\n\n" not in text
        assert "\n\n--\n" in text, "what is said ends before what is around it"


def test_a_line_of_text_that_ends_in_a_tag_keeps_its_end() -> None:
    """`trim_blocks` would join it to the next."""
    for file in TEMPLATE_FILES.glob("*/body.*.txt"):
        for line in file.read_text().splitlines():
            alone = line.count("{%") == 1 and line.startswith("{%") and "{% include" not in line
            assert not line.endswith("%}") or line.endswith("+%}") or alone or line.startswith("{% block"), (file, line)


# As they are read: a name, and whether it ends in a vowel, in another consonant, or in ㄹ.
VOWEL, CONSONANT, RIEUL = (
    ("가", "는", "를", "와", "로"),
    ("이", "은", "을", "과", "으로"),
    ("이", "은", "을", "과", "로"),
)
NAMES = {
    "누수 감지 센서": VOWEL,
    "지능형 관망": CONSONANT,
    "맑은 물": RIEUL,
    "펌프 (대형)": CONSONANT,
    "HB-100": CONSONANT,
    "HB-2": VOWEL,
    "모델 8": RIEUL,
    "K-water": VOWEL,
    "LED": VOWEL,
    "ESM": CONSONANT,
    "HTML": RIEUL,
    "로봇’": CONSONANT,
    "긴 이름 " * 30: CONSONANT,
}
NAMED = re.compile(r"」(?:</strong>)?(이|가|은|는|을|를|과|와|으로|로)(?=[\s<])")
BOTH = re.compile(r"[이은을과]\([가는를와]\)|[가는를와]\([이은을과]\)|\(으\)로|\(이\)")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", TEMPLATES)
def test_particles_after_names_are_those_that_the_name_asks_for(
    kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"product": name, "firm": name}
    changed = {**SAMPLES[kind], **{key: said for key, said in facts.items() if key in SAMPLES[kind]}}
    known = {**SAMPLES["of-application"], "product": name}
    monkeypatch.setitem(SAMPLES, "of-application", known)
    for cause in {"given-up", "declined", "request-withdrawn"} if kind == "selection-withdrawn" else {None}:
        monkeypatch.setitem(SAMPLES, kind, changed | ({"cause": cause} if cause else {}))
        shown = preview(kind, Language.KO, name)
        for said in (shown.subject, shown.text, shown.html):
            assert not BOTH.search(said)
            assert set(NAMED.findall(said)) <= set(NAMES[name])
        if kind in {"selected", "promoted", "award"}:
            assert NAMED.findall(shown.text) == [NAMES[name][0]]
        if kind in {"not-selected", "reserve"}:
            assert NAMED.findall(shown.text) == [NAMES[name][1]]
        if cause == "request-withdrawn":
            assert NAMED.findall(shown.text) == [NAMES[name][2]]


@pytest.mark.parametrize(
    ("version", "said"),
    [(2, "2로"), (3, "3으로"), (4, "4로"), (6, "6으로"), (7, "7로"), (10, "10으로"), (11, "11로"), (100, "100으로")],
)
def test_particles_after_numbers_are_those_that_the_number_asks_for(
    version: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SAMPLES, "resubmission", {**SAMPLES["resubmission"], "version": version})
    shown = preview("resubmission", Language.KO)
    assert f"버전 {said} 접수" in shown.text
    assert f"버전 {said} 접수" in shown.html


def test_no_korean_template_writes_a_particle_of_its_own_after_a_value() -> None:
    written = re.compile(r"}}[」’)]*(?:</\w+>)?(?:이|가|은|는|을|를|과|와|으로|로|이나|이라)(?=[\s<.,])")
    for file in TEMPLATE_FILES.glob("*/*.ko.*"):
        assert not written.search(file.read_text()), file
