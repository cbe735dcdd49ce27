"""Accept-Language as people's browsers send it, and as nobody should."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.events import Language
from shared.service.problems import problem_response
from shared.wording.spoken import Spoken, accepted, current, language_of


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", Language.EN),
        ("ko", Language.KO),
        ("KO-kr", Language.KO),
        ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", Language.KO),
        ("ko;q=0.8, en", Language.EN),
        ("en;q=0.8, ko;q=0.9", Language.KO),
        ("en, ko", Language.EN),
        ("ko, en", Language.KO),
        ("*", Language.EN),
        ("fr", Language.EN),
        ("fr, ko;q=0.5", Language.KO),
        ("fr, *;q=0.5", Language.EN),
        ("*;q=0.5, en;q=0", Language.KO),
        ("*, en;q=0.1", Language.KO),
        ("ko;q=0", Language.EN),
        ("ko;q=0, en;q=0", Language.EN),
        ("ko;q=1.000", Language.KO),
        ("ko ; q=0.5", Language.KO),
        ("ko;q=2", Language.EN),
        ("ko;q=0.1234", Language.EN),
        ("ko;q=abc", Language.EN),
        ("ko;level=1", Language.EN),
        ("ko_KR", Language.EN),
        ("한국어", Language.EN),
        (";;;", Language.EN),
        (",,ko,,", Language.KO),
        ("korean", Language.EN),
    ],
)
def test_the_language_wanted_most_is_spoken(header: str, language: Language) -> None:
    assert accepted(header) is language


@given(st.text(max_size=300))
def test_no_header_is_an_error(header: str) -> None:
    assert accepted(header) in Language


def test_lines_of_the_header_are_read_as_one() -> None:
    lines = [(b"accept-language", b"en;q=0.5"), (b"host", b"ko"), (b"accept-language", b"ko")]
    assert language_of(lines) is Language.KO
    assert language_of([(b"accept-language", b"ko" + b", fr" * 1000)]) is Language.EN


def test_a_request_is_answered_in_its_own_language_and_not_in_that_of_the_one_before() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.append(current())

    async def ask(*headers: tuple[bytes, bytes]) -> None:
        await Spoken(app)({"type": "http", "headers": list(headers)}, None, None)  # type: ignore[arg-type]

    async def asked() -> None:
        await ask((b"accept-language", b"ko"))
        await ask()

    heard: list[Language] = []
    asyncio.run(asked())
    assert heard == [Language.KO, Language.EN]


def test_a_problem_says_its_language_and_that_it_depends_on_the_one_asked_for() -> None:
    for language, title in (
        (Language.EN, "No application of this id opens with this token."),
        (Language.KO, "이 토큰으로 열 수 있는 해당 번호의 신청이 없습니다."),
    ):
        answer = problem_response(
            404,
            "unknown-application",
            "No application of this id opens with this token.",
            headers={"Vary": "Accept"},
            language=language,
        )
        said = json.loads(bytes(answer.body))
        assert (said["type"], said["status"], said["title"]) == ("urn:firstbuy:problem:unknown-application", 404, title)
        assert answer.headers["content-language"] == language.value
        assert answer.headers["vary"] == "Accept, Accept-Language"
