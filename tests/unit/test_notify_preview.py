"""Every notice that is mailed can be seen before it is."""

import json

import pytest
from typer.testing import CliRunner

from deploy.cli import assembled
from services.notify.domain.notices import DIGEST, NOTICES, TEMPLATES, Role
from services.notify.preview import SAMPLES, UnknownKindError, preview
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
