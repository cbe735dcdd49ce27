"""The document of a pack: every word in both languages, names as they are and never as markup, the pack attached."""

import copy
import hashlib
import io
import json
import re
import string
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from services.selection.adapters.document import typesetting as document_of
from services.selection.adapters.document.sheet import sheet_of
from services.selection.adapters.document.typesetting import pdf_of
from services.selection.adapters.document.words import texts
from services.selection.domain.legal_note import LEGAL_NOTE, LIMITS
from shared.contracts.events import Language
from shared.proof.canonical import canonical_json
from tests.support.bundles import make_round
from tests.support.examples import examples
from tests.support.packs import make_pack, parts_of, selected_in, superseded

ROUND = make_round()
PACK = make_pack(ROUND)
CONTENT = canonical_json(PACK)
LANGUAGES = pytest.mark.parametrize("language", list(Language))
MARKUP = '#strong[x] $x^2$ *별* _밑_ `raw` <label> @ref \\ // "따옴표" #eval("1+1") -- ~ /* */ \u202e뒤집힘'


def document(pack: dict[str, Any], language: Language) -> PdfReader:
    return PdfReader(io.BytesIO(pdf_of(canonical_json(pack), language)))


def text_of(reader: PdfReader) -> str:
    """Without the breaks of its lines, which fall anywhere in Korean."""
    return re.sub(r"\s", "", "".join(page.extract_text() for page in reader.pages))


def stated(pack: dict[str, Any]) -> Any:
    return pack["application"]["facts"]


def test_every_language_has_every_word_with_the_same_places() -> None:
    places = [
        {name: {place for _, place, _, _ in string.Formatter().parse(text) if place} for name, text in words.items()}
        for words in (texts(language) for language in Language)
    ]
    assert places[0] == places[1]
    for note in (LEGAL_NOTE, LIMITS):
        assert set(note) == {language.value for language in Language}
    assert {name: type(value) for name, value in LEGAL_NOTE["ko"].items()} == {
        name: type(value) for name, value in LEGAL_NOTE["en"].items()
    }
    for name in ("says", "does_not_say"):
        assert len(LEGAL_NOTE["ko"][name]) == len(LEGAL_NOTE["en"][name])


@LANGUAGES
def test_documents_are_named_with_their_hashes(language: Language) -> None:
    changed = copy.deepcopy(PACK)
    file = {"kind": "specification", "sha256": "ab" * 32, "bytes": 7, "media_type": "application/pdf"}
    stated(changed)["documents"] = [file | {"name": normalize("NFD", "규격서.v1.pdf")}]
    named = {"ko": "규격서:규격서.v1.pdf", "en": "specification:규격서.v1.pdf"}[language.value]
    assert f"{named},SHA-256{'ab' * 32}" in text_of(document(changed, language))
    assert "ab" * 32 not in text_of(document(PACK, language))


def test_every_word_is_used() -> None:
    """By its name, or by a name the modules make of one in the pack."""
    source = "".join(path.read_text() for path in Path(document_of.__file__).parent.glob("*.py"))
    named = set(re.findall(r'"([a-z_]+\.[a-z_-]+)"', source))
    made = set(re.findall(r'f"([a-z_]+)\.\{', source))
    assert {name for name in texts(Language.KO) if name.partition(".")[0] not in made} <= named


@LANGUAGES
def test_it_names_product_firm_and_institution_and_quotes_the_law(language: Language) -> None:
    reader = document(PACK, language)
    text = text_of(reader)
    facts, note = stated(PACK), LEGAL_NOTE[language.value]
    number = facts["applicant"]["business_number"]
    for told in (
        facts["product"]["name"],
        facts["applicant"]["name"],
        f"{number[:3]}-{number[3:5]}-{number[5:]}",
        "한국토지주택공사",
        str(note["quoted"]),
        PACK["result"]["selection_root"],
        PACK["draw"]["seed"],
        hashlib.sha256(CONTENT).hexdigest(),
    ):
        assert re.sub(r"\s", "", told) in text, told
    for row in PACK["findings_in_words"][language.value]:
        assert re.sub(r"\s", "", row["legal_source"]) in text
    last = len(reader.pages)
    assert (f"{last}/{last}쪽" if language is Language.KO else f"Page{last}of{last}") in text


@LANGUAGES
def test_what_is_filed_holds_the_pack_itself(language: Language) -> None:
    reader = document(PACK, language)
    ((name, contents),) = reader.attachments.items()
    assert (name, contents) == ("pack.json", [CONTENT])
    assert reader.metadata is not None
    assert reader.metadata.creation_date == datetime(2018, 9, 27, 5, 30, tzinfo=UTC), "when it was confirmed"
    assert b"pdfaid" in reader.trailer["/Root"]["/Metadata"].get_data()  # type: ignore[index]


@LANGUAGES
def test_the_same_pack_gives_the_same_bytes(language: Language) -> None:
    assert pdf_of(CONTENT, language) == pdf_of(CONTENT, language)


@LANGUAGES
def test_no_name_is_read_as_markup(language: Language) -> None:
    pack = copy.deepcopy(PACK)
    stated(pack)["product"]["name"] = stated(pack)["applicant"]["name"] = MARKUP
    pack["round"]["title"] = pack["confirmation"]["reason"] = MARKUP
    pack["confirmation"]["actors"][0]["name"] = "{name} {0} #panic()"
    pack["result"]["awards"][0]["institution_name"] = MARKUP
    text = text_of(document(pack, language))
    shown = re.sub(r"\s", "", MARKUP.replace("\u202e", ""))
    assert text.count(shown) == 7, "twice in the heading"
    assert "\u202e" not in text
    assert "{name}{0}#panic()" in text


def test_a_character_that_no_font_has_stands_as_its_number() -> None:
    pack = copy.deepcopy(PACK)
    stated(pack)["product"]["name"] = "센서 🚀 漢字 \U00020000"
    reader = document(pack, Language.KO)
    assert "센서[U+1F680]漢字[U+20000]" in text_of(reader)
    (attached,) = reader.attachments["pack.json"]
    assert json.loads(attached)["application"]["facts"]["product"]["name"] == "센서 🚀 漢字 \U00020000"


@pytest.mark.parametrize("name", ["\ufeff", "\u200bA\ufeff", "\u0627\ufeff\u0e01", "🚀\u200bA\ufeff"])
def test_a_character_that_an_archive_may_forbid_stops_no_document(name: str) -> None:
    pack = copy.deepcopy(PACK)
    stated(pack)["product"]["name"] = name
    assert document(pack, Language.KO).pages


@settings(max_examples=examples(15))
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_whatever_a_product_is_called_there_is_a_document(name: str) -> None:
    pack = copy.deepcopy(PACK)
    stated(pack)["product"]["name"] = name
    assert document(pack, Language.KO).pages


@LANGUAGES
def test_a_long_name_and_many_rows_stay_on_the_page(language: Language) -> None:
    pack = copy.deepcopy(PACK)
    stated(pack)["product"]["name"] = "초정밀융합센서시스템" * 20
    stated(pack)["certificates"] = [{"kind": "nep", "number": "9" * 200, "issued_on": "2017-05-01"}] * 5
    rows = pack["findings_in_words"][language.value] * 6
    pack["findings_in_words"][language.value] = rows
    reader = document(pack, language)
    text = text_of(reader).replace("\u200b", "")
    assert "초정밀융합센서시스템" * 20 in text
    assert text.count("9") > 5 * 200
    assert text.count(re.sub(r"\s", "", rows[0]["rule"])) >= 6
    for page in reader.pages:
        page.extract_text(visitor_text=within(float(page.mediabox.width)))


def within(width: float) -> Any:
    def visit(text: str, matrix: Any, placed: Any, font: Any, size: float) -> None:
        assert 0 <= placed[4] <= width, text

    return visit


@LANGUAGES
def test_what_must_not_be_overlooked_stands_on_top(language: Language) -> None:
    application = selected_in(ROUND)[0]
    published = parts_of(ROUND, application).published
    rehearsed = replace(published, opened={**published.opened, "rehearsal": {"seed": "x"}})
    gone = make_pack(ROUND, application, published=rehearsed, superseded=superseded(None))
    plain = sheet_of(PACK, CONTENT, language)
    warned = sheet_of(gone, canonical_json(gone), language)
    assert plain["banners"] == []
    assert len(warned["banners"]) == 2
    assert ("계약하여서는 안 됩니다" if language is Language.KO else "Do not contract") in warned["banners"][1]


@LANGUAGES
def test_a_scored_round_shows_its_points(language: Language) -> None:
    application = selected_in(ROUND)[0]
    made = parts_of(ROUND, application)
    policy = json.loads(canonical_json(made.published.opened["policy"])) | {
        "method": "score",
        "scoring": {"supply_record": [{"points": 10}], "panel_points": 90, "threshold": 60},
    }
    published = replace(made.published, opened={**made.published.opened, "policy": policy})
    pack = make_pack(ROUND, application, published=published, committed=replace(made.committed, score=87))
    sheet = sheet_of(pack, canonical_json(pack), language)
    heading = "평가와 추첨 근거" if language is Language.KO else "Score and draw"
    (drawn,) = [part for part in sheet["sections"] if part["heading"] == heading]
    assert "87" in drawn["blocks"][0]["rows"][0][1]
    assert "60" in drawn["blocks"][0]["rows"][0][1]
