"""Whatever is said of a mistake has its Korean sentence, and a value in it stays what it is."""

import re
from itertools import pairwise
from pathlib import Path
from string import Formatter
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticKnownError
from pydantic_core.core_schema import ErrorType

from services.intake.domain.rounds import RoundStatus
from services.intake.domain.uploads.columns import COLUMNS
from shared.contracts.events import InstitutionStatus, Language, Reason
from shared.contracts.vocabulary import RULE_TERMS, Kind
from shared.wording.in_korean import Template, in_korean, lines, said, told
from tests.support.messages import PLACE, Message, messages_in, plain, unsaid_in

PROJECT: Final = Path(__file__).parents[2]
FORWARDED: Final = {
    "firstbuy/policy_review/checking.py": "NotCanonicalError",
    "firstbuy/policy_review/contract.py": "Wrong, behind the value it is about",
    "firstbuy/policy_review/rounds.py": "faults of terms; UnreadableYamlError",
    "firstbuy/yaml_file.py": "what YAML, the system and a spreadsheet's reader say; its own problems again",
    "services/intake/usecases/acts/announcement.py": "a policy's problems",
    "services/intake/usecases/acts/draw.py": "a value that came; UnusableValueError's words; a title made above it",
    "services/intake/usecases/acts/pledging.py": "a remark's detail",
    "services/intake/api/act_views.py": "a problem's title",
    "services/intake/api/notification_contacts.py": "what webhook_refusal returns",
    "services/intake/api/institutions.py": "WrongChange",
    "services/intake/api/upload_views.py": "UnreadableFileError and CellError",
    "services/intake/api/refusals.py": "Refused",
    "services/intake/adapters/documents/pdfs.py": "what of it runs",
    "services/intake/adapters/documents/zips.py": "an argument of its own function",
    "services/intake/domain/documents.py": "arguments of _reason",
    "services/intake/domain/entry_refusals.py": "an application's id",
    "services/intake/domain/fitness.py": "arguments of _reason",
    "services/intake/domain/refused.py": "arguments of its own functions",
    "services/intake/domain/terms.py": "UnusableKeyError; moments that came",
    "services/intake/domain/uploads/cell_errors.py": "Wrong",
    "services/intake/domain/uploads/cells.py": "Unusable",
    "services/intake/domain/uploads/rows.py": "Reason and Unusable",
    "services/intake/usecases/inbox_parsing.py": "why a record can't be read; a detail made above it",
    "services/intake/adapters/spreadsheets/packed.py": "Unusable, from its reader",
    "services/intake/adapters/spreadsheets/reader.py": "UnreadableFileError, from its reader",
    "services/intake/usecases/documents.py": "RefusedFileError",
    "services/intake/usecases/upload.py": "NoHeaderError",
    "services/portal/domain/showing.py": "what a service answered",
    "services/selection/api/chances.py": "method_in_words",
    "services/selection/api/packs.py": "NoPack",
    "shared/reading/as_written.py": "arguments of its own functions",
    "shared/service/bounded_protocol.py": "Refusal",
    "shared/service/connections.py": "Refusal",
    "shared/reading/document_read.py": "Wrong",
    "shared/reading/field_errors.py": "pydantic's messages; a detail behind what came",
    "shared/service/http.py": "an argument of its own function",
    "shared/service/error_answers.py": "Starlette's messages",
    "shared/reading/json_read.py": "a detail made above it",
    "shared/service/problems.py": "Problem itself",
    "shared/policies/patterns.py": "what Python says of a pattern",
    "shared/policies/problem.py": "arguments of its own function",
    "shared/programme/mail_addresses.py": "UnmailableError",
    "shared/kafka/unpacking.py": "what a codec says",
}
"""Files that hand on words from elsewhere, and whose those are."""
OF_PROGRAMS: Final = re.compile(
    r"url|bytes|callable|is_(instance|subclass)|complex|fraction|decimal|time_delta|time_(type|parsing)|frozen|deque|"
    r"ordered|counter_|set_item|generator|attribute|iteration|positional|multiple_argument|arguments_type|exact|named_"
    r"tuple|default_factory|sentinel|ellipsis|needs_python|recursion_depth|timezone_(naive|offset)|uuid_version|_past|"
    r"_future|string_sub_type|missing_keyword|moment"
)
"""Errors of pydantic's that no contract of ours can have: no field of one is of such a type."""


ROOTS: Final = ("services", "shared", "firstbuy/policy_review")
CODES: Final = ("state", "status", "Content-Security-Policy")


def sources() -> list[str]:
    found = [path for root in ROOTS for path in sorted((PROJECT / root).rglob("*.py"))]
    return [str(path.relative_to(PROJECT)) for path in (*found, PROJECT / "firstbuy/yaml_file.py")]


def template_of(line: str) -> str:
    """A line of a table as messages are compared."""
    pieces = [piece.replace("{", "{{").replace("}", "}}") for piece in Template.of(line).pieces]
    return plain(PLACE.join(pieces))


KNOWN: Final = {template_of(line) for line in lines()}


def missing(found: list[Message]) -> list[str]:
    return [
        f"{one.path}:{one.line}: {one.template or one.expression}"
        for one in found
        if (one.template not in KNOWN if one.template else one.path not in FORWARDED)
    ]


def test_every_title_detail_and_fix_has_its_korean_sentence() -> None:
    found = [message for path in sources() for message in messages_in(path)]
    assert len(found) > 500
    assert missing(found) == []


def test_no_answer_has_a_sentence_in_one_language_alone() -> None:
    """What stands in an answer as it is, is a code: a state, or the policy of a page."""
    answering = [path for path in sources() if re.search(r"/api/|/acts/|[/_]api\.py$", path)]
    assert len(answering) > 50
    found = [one for path in answering for one in unsaid_in(path)]
    assert [one for one in found if one.expression not in CODES] == []
    assert found != []


def test_every_failure_of_a_command_has_its_korean_sentence() -> None:
    found = [
        message
        for path in sorted((PROJECT / "firstbuy/commands").glob("*.py"))
        for message in messages_in(str(path.relative_to(PROJECT)))
        if re.search("[a-z]{2} [a-z]{2}", message.template)
    ]
    assert len(found) > 50
    assert missing(found) == []


def known_error(kind: str) -> str:
    context: dict[str, Any] = {}
    while True:
        try:
            return PydanticKnownError(kind, context or None).message_template  # type: ignore[arg-type]
        except TypeError as error:
            named = re.search(r"'(\w+)' (?:required|context)", str(error))
            name = named[1] if named else ""
            context[name] = 1 if re.fullmatch(r"g[te]|l[te]|multiple_of|.*_(length|digits|places)", name) else "x"
        if len(context) > 5:
            raise AssertionError(kind)


@pytest.mark.parametrize("kind", [kind for kind in get_args(ErrorType) if not OF_PROGRAMS.search(kind)])
def test_what_pydantic_says_has_its_korean_sentence(kind: str) -> None:
    template = known_error(kind).replace("{expected_plural}", "s")
    assert plain(re.sub(r"\{\w+\}", PLACE, template)) in KNOWN


@pytest.mark.parametrize(
    "words",
    [
        *(column.writes for column in COLUMNS),
        *(status.value for status in RoundStatus),
        *(status.value for status in InstitutionStatus),
        *(kind.value for kind in Kind),
        *(terms.means for rule in RULE_TERMS.values() for terms in rule.parameters.values()),
        "Not Found",
        "Method Not Allowed",
    ],
)
def test_words_that_stand_inside_a_sentence_have_their_korean(words: str) -> None:
    assert in_korean(words) != words


@pytest.mark.parametrize(("english", "korean"), lines().items())
def test_a_line_is_korean_and_has_no_place_of_its_own(english: str, korean: str) -> None:
    places = {name for _, name, _, _ in Formatter().parse(english) if name}
    assert {name for _, name, _, _ in Formatter().parse(korean) if name} <= places
    assert re.search("[가-힣]", korean) or english in ("{what~}", "Value error, {why~}", "Assertion failed, {why~}")
    assert Template.of(english).places != ("",)


def test_no_two_lines_are_of_one_sentence() -> None:
    """Which of them is said would be chance."""
    assert len(KNOWN) == len(lines())


@pytest.mark.parametrize("english", lines())
def test_each_sentence_is_found_again_and_keeps_its_values(english: str) -> None:
    template = Template.of(english)
    values = [f"값{number}" for number, _ in enumerate(template.places)]
    text = template.pieces[0] + "".join(value + piece for value, piece in zip(values, template.pieces[1:], strict=True))
    shown = in_korean(text)
    places = {name for _, name, _, _ in Formatter().parse(lines()[english]) if name}
    assert shown != text
    assert all(value in shown for value, place in zip(values, template.places, strict=True) if place in places)


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        ("'seoul' stands twice in one object", "한 객체 안에 'seoul'이 두 번 있습니다."),
        ("'name' stands twice in one object", "한 객체 안에 'name'이 두 번 있습니다."),
        ("'가치' stands twice in one object", "한 객체 안에 '가치'가 두 번 있습니다."),
        ("version 3 stands, not 2", "현재 버전은 2가 아니라 3입니다."),
        ("The round is frozen already.", "라운드가 이미 접수 확정 상태입니다."),
        ("'abc' came: this is no whole number", "입력값: 'abc'. 정수가 아닙니다."),
        ("nobody has said this", "nobody has said this"),
    ],
)
def test_a_sentence_in_korean(english: str, korean: str) -> None:
    assert in_korean(english) == korean


def test_what_was_sent_is_no_sentence_of_ours() -> None:
    """A value that reads like a sentence is shown as it came."""
    sent = "{round} 'is' no round {0} {:은/는} This appeal is decided already."
    assert sent in in_korean(f"no round '{sent}'")


HOSTILE: Final = st.one_of(
    st.text(max_size=200),
    st.sampled_from(
        ["{", "}", "{}", "{0}", "{:이/가}", "(", "(a+)+$", "\\", "\n", "\r\n", "\x00", "'", ": ", " is ", "' came: "]
    ),
)


@given(st.sampled_from(sorted(lines())), st.lists(HOSTILE, min_size=8, max_size=8))
def test_no_value_breaks_a_sentence(english: str, values: list[str]) -> None:
    pieces = Template.of(english).pieces
    text = pieces[0] + "".join(value + piece for value, piece in zip(values, pieces[1:], strict=False))
    in_korean(text)


def test_a_value_of_any_length_is_taken() -> None:
    value = "is , ' { " * 12_000
    assert value in in_korean(f"no round '{value}'")
    assert in_korean(value)


def test_codes_and_pointers_are_the_same_in_every_language() -> None:
    reason = Reason(pointer="/round", code="unknown-round", detail="no round 'r'", fix="see GET /rounds")
    (english,), (korean,) = told([reason], Language.EN), told([reason], Language.KO)
    assert english == reason.model_dump()
    assert (korean["pointer"], korean["code"]) == ("/round", "unknown-round")
    assert korean["detail"] == "'r' 라운드가 없습니다."
    assert said("see GET /rounds", Language.EN) == "see GET /rounds"


def test_of_two_sentences_that_fit_the_one_that_says_more_is_meant() -> None:
    weights = [Template.of(line).weight for line in sorted(lines(), key=lambda line: -Template.of(line).weight)]
    assert all(before >= after for before, after in pairwise(weights))
    assert in_korean("one of a, b; without it any") == "다음 중에서 골라 주십시오: a, b. 적지 않으면 모두 가능합니다."
