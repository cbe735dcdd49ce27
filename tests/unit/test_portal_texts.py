"""Texts of the portal: both languages have every key and every place, and every rule of a shipped policy a sentence."""

import re
import string
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.portal.domain.own import RESULTS
from services.portal.domain.plain_rules import plain_tracks, ticket_rows
from services.portal.domain.rounds import Step
from services.portal.domain.texts import TEXTS, reading
from shared.contracts.events import Language
from shared.contracts.events.selections import NotSelectedReason
from shared.contracts.findings import VerdictOutcome
from shared.contracts.policy import POLICY
from tests.support.rounds import shipped_policy

KO, EN = TEXTS[Language.KO], TEXTS[Language.EN]
TEMPLATES = Path(__file__).parents[2] / "services/portal/templates"
POLICIES = ["2018-h1", "2018-h2", "multi-track", "rolling"]


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    assert KO.table.keys() == EN.table.keys()
    assert {key for key in KO.table if places(KO.table[key]) != places(EN.table[key])} == set()
    assert {key for key, text in (*KO.table.items(), *EN.table.items()) if not text.strip()} == set()


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_a_template_names_texts_that_are_there(template: Path) -> None:
    named = re.findall(r'\bt\("([a-z_.]+)"[,)]', template.read_text(encoding="utf-8"))
    assert [key for key in named if not KO.has(key)] == []


def test_no_text_is_left_over() -> None:
    """Those that are named by a value have its whole list; the others stand in a template or in code."""
    sources = [*TEMPLATES.glob("*.html"), *TEMPLATES.parent.rglob("*.py")]
    written = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    by_value = (
        "step.",
        "step_next.",
        "rule.",
        "choice.",
        "field.",
        "reason.",
        "error.",
        "check.group_",
        "verdict.",
        "round.commitment",
        "round.seed",
        "round.selection",
        "apply.needs_",
        "draft.step_",
        "draft.progress_",
        "act.title_",
        "act.text_",
        "act.button_",
        "own.done_",
        "documents.",
        "statistics.",
        *(f"own.{outcome}" for outcome in VerdictOutcome),
        *(f"own.{result}" for result in RESULTS.values()),
    )
    left = [
        key
        for key in KO.table
        if f'"{key}"' not in written and f"'{key}'" not in written and not key.startswith(by_value)
    ]
    assert left == []


@pytest.mark.parametrize("texts", [KO, EN], ids=["ko", "en"])
def test_every_value_that_is_shown_has_its_text(texts: object) -> None:
    assert isinstance(texts, type(KO))
    wanted = [f"step.{step}" for step in Step] + [f"step_next.{step}" for step in Step]
    wanted += [f"reason.{reason.value}" for reason in NotSelectedReason] + ["reason.reserved"]
    wanted += [f"verdict.{outcome.value}" for outcome in VerdictOutcome]
    assert [key for key in wanted if not texts.has(key)] == []


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", POLICIES)
def test_every_rule_of_a_shipped_policy_is_a_sentence(name: str, language: Language) -> None:
    policy, texts = POLICY.validate_python(shipped_policy(name)), TEXTS[language]
    for track in plain_tracks(policy, texts):
        for rule in (*track.rules, *track.facts):
            assert "(" not in rule.asks or language is Language.EN, f"{rule.name} has no sentence of its own"
            assert " - " not in rule.asks, f"{rule.name} names a parameter that the policy does not state: {rule.asks}"
            assert rule.source
    assert ticket_rows(policy, texts)[-1][1] >= 1


def test_the_sentence_says_what_the_policy_decides_by() -> None:
    policy = POLICY.validate_python(shipped_policy("2018-h2"))
    asked = {rule.name: rule.asks for rule in plain_tracks(policy, KO)[0].rules}
    assert asked["매출액 또는 신용등급"] == "연 매출액이 5억원 이상이거나 신용등급이 B+ 이상이어야 합니다."
    assert ticket_rows(policy, EN)[0] == ("startup, no supply record", 6)
    assert ticket_rows(policy, KO)[-1] == ("그 밖의 모든 기업", 1)


@pytest.mark.parametrize(
    ("amount", "read"),
    [(0, "0"), (9_999, "9,999"), (10_000, "1만"), (120_000_000, "1억 2,000만"), (100_000_001, "1억 1")],
)
def test_money_is_read_as_people_say_it(amount: int, read: str) -> None:
    assert reading(amount) == read


def test_a_moment_is_told_to_the_minute_with_its_zone() -> None:
    moment = datetime(2018, 9, 14, 9, tzinfo=UTC)
    assert KO.minute(moment) == "2018년 9월 14일 18:00 한국시간"
    assert EN.minute(moment) == "14 September 2018 18:00 Korean time"


def test_the_style_is_small_and_asks_for_nothing_elsewhere() -> None:
    style = (TEMPLATES.parent / "static/portal.css").read_bytes()
    assert len(style) <= 30_000
    assert b"url(" not in style
    assert b"@import" not in style
