"""Answers that are kept: made once for all who ask, known by what they hold, forgotten by bytes."""

import asyncio
import tempfile
from collections.abc import Callable
from typing import IO

import pytest

from shared.service import kept_answers
from shared.service.kept_answers import Kept, KeptAnswers, Make, knows, slot, takes_gzip
from shared.service.problems import Problem


def file(content: bytes) -> IO[bytes]:
    made = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by who keeps it
    made.write(content)
    return made


def making(content: bytes, made: list[bytes]) -> Make:
    async def make() -> IO[bytes]:
        made.append(content)
        await asyncio.sleep(0.01)
        return file(content)

    return make


async def content_of(found: Kept) -> bytes:
    return b"".join([piece async for piece in found.pieces()])


async def test_many_who_ask_at_once_have_it_made_once() -> None:
    answers, made = KeptAnswers(1_000), list[bytes]()
    found = await asyncio.gather(*(answers.get(("a",), making(b"one", made)) for _ in range(50)))
    assert made == [b"one"]
    assert {one.etag for one in found} == {found[0].etag}
    assert await content_of(await answers.get(("a",), making(b"other", made))) == b"one"


async def test_another_key_is_another_answer() -> None:
    answers, made = KeptAnswers(1_000), list[bytes]()
    one, two = await answers.get(("a", 1), making(b"one", made)), await answers.get(("a", 2), making(b"two", made))
    assert one.etag != two.etag
    assert [await content_of(one), await content_of(two)] == [b"one", b"two"]


async def test_who_goes_away_leaves_it_to_the_others() -> None:
    answers, made = KeptAnswers(1_000), list[bytes]()
    first = asyncio.create_task(answers.get(("a",), making(b"one", made)))
    second = asyncio.create_task(answers.get(("a",), making(b"one", made)))
    await asyncio.sleep(0)
    first.cancel()
    assert await content_of(await second) == b"one"
    assert made == [b"one"]


async def test_a_failure_is_told_to_all_and_not_kept() -> None:
    answers, made = KeptAnswers(1_000), list[bytes]()

    async def fail() -> IO[bytes]:
        await asyncio.sleep(0.01)
        raise Problem(404, "none", "None.")

    failed = await asyncio.gather(*(answers.get(("a",), fail) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in failed] == [Problem] * 3
    assert await content_of(await answers.get(("a",), making(b"one", made))) == b"one"


async def test_the_longest_unasked_go_first_and_one_that_is_read_stays_whole() -> None:
    answers, made = KeptAnswers(100), list[bytes]()
    first = await answers.get((1,), making(b"1" * 40, made))
    await answers.get((2,), making(b"2" * 40, made))
    await answers.get((1,), making(b"", made))
    await answers.get((3,), making(b"3" * 40, made))  # too many bytes: the second goes
    assert len(made) == 3
    await answers.get((2,), making(b"2" * 40, made))
    assert len(made) == 4
    await answers.get((4,), making(b"4" * 40, made))
    assert await content_of(first) == b"1" * 40
    await answers.get((5,), making(b"5" * 101, made))
    await answers.get((5,), making(b"5" * 101, made))
    assert len(made) == 7, "longer than all that is kept"


async def test_of_many_short_ones_some_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_answers, "AT_MOST", 2)
    answers, made = KeptAnswers(1_000), list[bytes]()
    for number in (1, 2, 3, 1):
        await answers.get((number,), making(b"x", made))
    assert len(made) == 4


async def test_after_a_while_it_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_answers, "KEPT_SECONDS", -1.0)
    answers, made = KeptAnswers(1_000), list[bytes]()
    for _ in range(2):
        await answers.get(("a",), making(b"x", made))
    assert len(made) == 2


async def test_whoever_waits_too_long_for_a_turn_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_answers, "WAITED_SECONDS", 0.01)
    turns = asyncio.Semaphore(1)
    async with slot(turns):
        with pytest.raises(Problem, match="Others"):
            async with slot(turns):
                pass
    async with slot(turns):
        pass


@pytest.mark.parametrize(
    ("sent", "expected"),
    [("", False), ('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False), ("a", False)],
)
def test_who_has_it_already_says_so(sent: str, expected: bool) -> None:
    assert knows(sent, '"a"') is expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("identity", False),
        ("x-gzip-ish", False),
    ],
)
def test_gzip_goes_to_who_takes_it(sent: str, expected: bool) -> None:
    taken: Callable[[str], bool] = takes_gzip
    assert taken(sent) is expected
