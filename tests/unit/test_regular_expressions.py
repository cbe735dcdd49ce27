"""Every regular expression of the product, tried on growing hostile input: what it takes grows as the input does.

Python's engine tries one way of matching after another. An expression in which two repetitions can take the same text
takes time that grows with the square of it or worse, and whoever sends the text chooses how long that is. Expressions
of pydantic's fields are not tried: its engine is linear by construction. Those of policies are counted before a round
is announced (`shared/policies/patterns.py`).
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any, Final

import pytest

from services.notify.domain.quoting import _LINKS, _SUSPECT
from services.notify.domain.refusal_words import _ABSENT as ABSENT
from services.notify.domain.refusal_words import _AGAINST, _AGREES, _DOMAIN, _MAILBOX, _NO_SUCH, OF_THE_MOMENT, OF_US
from shared.wording.explanation import _KOREAN

_constants, _parser = re._constants, re._parser  # type: ignore[attr-defined]
PROJECT: Final = Path(__file__).parents[2]
METHODS: Final = ("match", "fullmatch", "search", "findall", "finditer", "sub", "split")
WORDS: Final = (_AGAINST, _AGREES, _DOMAIN, _MAILBOX, _NO_SUCH, OF_THE_MOMENT, OF_US)
NO_CONSTANT: Final = {
    "shared/programme/certificates.py": "a policy's",
    "shared/policies/patterns.py": "a policy's",
    "services/selection/verify.py": "a policy's",
    "shared/wording/explanation.py": "those of a table, tried as MADE",
    "services/notify/domain/quoting.py": "those of a table, tried as MADE",
    "services/notify/domain/refusal_words.py": "of lists of words, tried as MADE",
    "shared/service/parked_api.py": "of names of topics",
    "firstbuy/samples/numbers.py": "a policy's, on numbers made there",
}
"""Files in which a pattern is no constant, and whose it is."""
LONG: Final = 16_000
ENDS: Final = ("", "\x00")
LETTERS: Final = "0aA ,.-_[{<@=\"'\\\n"
REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
CATEGORIES: Final[dict[Any, Callable[[str], bool]]] = {
    _constants.CATEGORY_DIGIT: str.isdigit,
    _constants.CATEGORY_NOT_DIGIT: lambda letter: not letter.isdigit(),
    _constants.CATEGORY_SPACE: str.isspace,
    _constants.CATEGORY_NOT_SPACE: lambda letter: not letter.isspace(),
    _constants.CATEGORY_WORD: lambda letter: letter.isalnum() or letter == "_",
    _constants.CATEGORY_NOT_WORD: lambda letter: not (letter.isalnum() or letter == "_"),
}


@dataclass(frozen=True)
class Expression:
    where: str
    pattern: str | bytes
    flags: int
    methods: tuple[str, ...]


def expressions() -> list[Expression]:
    """Every constant pattern, and the ways it is used."""
    paths = [path for folder in ("firstbuy", "services", "shared", "deploy") for path in sources(folder)]
    trees = {path: ast.parse(path.read_text()) for path in paths}
    named = {name for tree in trees.values() for name, _ in assigned(tree)}
    used: dict[str, set[str]] = {name: set() for name in named}
    for tree in trees.values():
        for owner, method in called(tree):
            if owner in used and method in METHODS:
                used[owner].add(method)
    found = []
    for path, tree in trees.items():
        where = str(path.relative_to(PROJECT))
        names = {id(call): name for name, call in assigned(tree)}
        for call in calls_of_re(tree):
            pattern = constant(call.args[0])
            if pattern is None:
                assert where in NO_CONSTANT, f"{where}:{call.lineno} compiles a pattern that no test can read"
                continue
            method = call.func.attr  # type: ignore[attr-defined]
            methods = (method,) if method != "compile" else tuple(sorted(used.get(names.get(id(call), ""), ())))
            found.append(Expression(f"{where}:{call.lineno}", pattern, flags_of(call), methods or METHODS))
    return found


def sources(folder: str) -> Iterator[Path]:
    yield from sorted((PROJECT / folder).rglob("*.py"))


def calls_of_re(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=name)) if name in ("compile", *METHODS):
                yield node


def assigned(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call() as call):
                yield name, call
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                yield name, call


def called(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=method):
                yield owner, method


def constant(node: ast.expr) -> str | bytes | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return value if isinstance(value, str | bytes) else None


def flags_of(call: ast.Call) -> int:
    named = (node.attr for argument in call.args[1:] for node in ast.walk(argument) if isinstance(node, ast.Attribute))
    return sum(int(getattr(re, name)) for name in named if isinstance(getattr(re, name, None), re.RegexFlag))


def hostile(pattern: str | bytes, flags: int) -> set[tuple[str, str]]:
    """(before, repeated): what leads up to each repetition, then what it takes, or a usual letter, again and again."""
    parsed = _parser.parse(pattern.decode() if isinstance(pattern, bytes) else pattern, flags)
    led_up = set(repetitions(parsed, ""))
    befores = {"", *(before for before, _ in led_up)}
    return led_up | {(before, letter) for before in befores for letter in LETTERS}


def repetitions(parsed: Any, before: str) -> Iterator[tuple[str, str]]:
    for operation, argument in parsed:
        if operation in REPEATS:
            yield before, sample(argument[2])
            yield from repetitions(argument[2], before)
        elif operation is _constants.SUBPATTERN:
            yield from repetitions(argument[3], before)
        elif operation is _constants.BRANCH:
            for one in argument[1]:
                yield from repetitions(one, before)
        before += sample([(operation, argument)])


def sample(parsed: Any) -> str:
    """A text that it takes."""
    text = ""
    for operation, argument in parsed:
        if operation is _constants.LITERAL:
            text += chr(argument)
        elif operation is _constants.NOT_LITERAL:
            text += "b" if argument == ord("a") else "a"
        elif operation is _constants.ANY:
            text += "a"
        elif operation is _constants.IN:
            text += next(letter for letter in map(chr, range(32, 0x10000)) if within(argument, letter))
        elif operation in REPEATS:
            text += sample(argument[2]) * max(argument[0], 1)
        elif operation is _constants.SUBPATTERN:
            text += sample(argument[3])
        elif operation is _constants.BRANCH:
            text += sample(argument[1][0])
    return text


def within(members: Any, letter: str) -> bool:
    """Whether a class of characters, as the parser has it, has this one."""
    negated = members[0][0] is _constants.NEGATE
    return negated != any(_has(member, letter) for member in members[negated:])


def _has(member: tuple[Any, Any], letter: str) -> bool:
    operation, argument = member
    if operation is _constants.LITERAL:
        return bool(argument == ord(letter))
    if operation is _constants.RANGE:
        return bool(argument[0] <= ord(letter) <= argument[1])
    return bool(CATEGORIES[argument](letter))


def tried(pattern: re.Pattern[Any], method: str, text: str) -> float:
    """Seconds of the processor."""
    subject = text.encode() if isinstance(pattern.pattern, bytes) else text
    arguments = ("" if isinstance(subject, str) else b"", subject) if method == "sub" else (subject,)
    began = process_time()
    answer = getattr(pattern, method)(*arguments)
    if method == "finditer":
        list(answer)
    return process_time() - began


def growth(pattern: re.Pattern[Any], method: str, made: Callable[[int], str]) -> float:
    """How many times as long a text eight times as long takes; 1 where that is too short to be measured."""
    for length in (*range(20, 44, 2), 200, 1_600):  # what explodes takes four times as long at each of the first
        if tried(pattern, method, made(length)) > 0.5:
            return float("inf")
    if tried(pattern, method, made(LONG)) < 0.05:
        return 1
    longer, shorter = (min(tried(pattern, method, made(length)) for _ in range(3)) for length in (LONG, LONG // 8))
    return longer / max(shorter, 0.000_1)


MADE: Final = (
    *(("shared/wording/explanation.py", pattern, "fullmatch") for pattern, _ in _KOREAN),
    *(("services/notify/domain/quoting.py", pattern, "sub") for pattern, _ in _LINKS),
    ("services/notify/domain/quoting.py", _SUSPECT, "search"),
    *(("services/notify/domain/refusal_words.py", pattern, "search") for pattern in WORDS),
    ("services/notify/domain/refusal_words.py", ABSENT, "finditer"),
)
"""Patterns that are put together, as they are once they are."""
EXPRESSIONS: Final = (
    *expressions(),
    *(Expression(f"{where}:table", one.pattern, one.flags & ~re.UNICODE, (how,)) for where, one, how in MADE),
)


@pytest.mark.parametrize("where", sorted({expression.where.partition(":")[0] for expression in EXPRESSIONS}))
def test_no_regular_expression_takes_longer_than_its_text_is_long(where: str) -> None:
    for expression in EXPRESSIONS:
        if expression.where.partition(":")[0] != where:
            continue
        pattern = re.compile(expression.pattern, expression.flags)
        for before, repeated in hostile(expression.pattern, expression.flags):
            for end in ENDS:
                for method in expression.methods:
                    made = partial(text_of, before, repeated, end)
                    assert growth(pattern, method, made) < 20, (expression, before, repeated, end, method)


def text_of(before: str, repeated: str, end: str, length: int) -> str:
    return before + repeated * (length // len(repeated)) + end


def test_what_is_not_linear_is_found() -> None:
    squared, exploding = re.compile("a+a+b"), re.compile("(a+)+b")
    assert growth(squared, "match", partial(text_of, "", "a", "")) > 20
    assert growth(exploding, "match", partial(text_of, "", "a", "")) == float("inf")


def test_expressions_are_all_found() -> None:
    assert len(EXPRESSIONS) > 40
    assert not [path for path in sources("services") if "regex_engine" in path.read_text()], "a field's own engine"
    assert not [path for path in sources("shared") if "regex_engine" in path.read_text()], "a field's own engine"
