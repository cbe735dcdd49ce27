"""docs/institutions.md holds what its reader copies from it: the examples' own lines, real answers, every code."""

import ast
import copy
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.intake.handlers.inboxes import SLOT_RECORDS
from services.intake.usecases.inbox_parsing import ADAPTERS, LONGEST_ID, MOST_BYTES, read_message
from shared.contracts.events import Answer, InboxAnswered
from shared.kafka.unpacking import MOST_UNPACKED
from tests.support.inbox_records import REFUSED, sent

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs/institutions.md").read_text(encoding="utf-8")
MESSAGES = sorted((PROJECT / "docs/examples/institution/messages").glob("*.json"))
BLOCK = re.compile(r"<!-- (?P<kind>of|answer)(?: (?P<file>\S+))? -->\n```\w+\n(?P<text>.*?)\n```", re.DOTALL)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(PAGE)]
SAID_IN = (
    "services/intake/usecases/inbox_parsing.py",
    "services/intake/usecases/inbox_answers.py",
    "services/intake/api/inboxes.py",
    "services/intake/domain/likelihood.py",
    "services/intake/domain/requests.py",
    "services/intake/domain/releases.py",
    "services/intake/domain/reports.py",
)
SPOILT: tuple[Any, ...] = (None, "", "x" * 20_000, -1, 0, 2**53, 1.5, True, [], {}, [7], "\x00", "2018-13-40", "A b")


@pytest.mark.parametrize("block", [block for block in BLOCKS if block["kind"] == "of"], ids=lambda block: block["file"])
def test_an_excerpt_is_in_the_file_it_is_of(block: dict[str, str]) -> None:
    text = (PROJECT / "docs" / block["file"]).read_text(encoding="utf-8")
    indented = [textwrap.indent(block["text"], " " * width) for width in (0, 4, 8, 12)]
    assert any(one in text for one in indented)


def test_every_message_is_on_the_page_whole_and_can_be_read() -> None:
    shown = [json.loads(block["text"]) for block in BLOCKS if "/messages/" in (block["file"] or "")]
    assert sorted(shown, key=str) == sorted((json.loads(path.read_text()) for path in MESSAGES), key=str)
    for message in shown:
        read = read_message(sent(message))
        assert (read.reasons, read.message.message_id) == ((), message["id"])
    assert {message["type"] for message in shown} == set(ADAPTERS)


def test_every_answer_is_shown_as_it_is_published() -> None:
    shown = [json.loads(block["text"]) for block in BLOCKS if block["kind"] == "answer"]
    for answer in shown:
        assert json.loads(InboxAnswered.model_validate_json(json.dumps(answer)).model_dump_json()) == same_time(answer)
    assert {answer["answer"] for answer in shown} == {answer.value for answer in Answer}


def same_time(answer: dict[str, Any]) -> dict[str, Any]:
    """As pydantic writes it."""
    return answer | {"answered_at": re.sub(r"(\d)00Z$", r"\g<1>00000Z", answer["answered_at"])}


def test_the_table_of_codes_is_complete() -> None:
    table = PAGE[PAGE.index("### Codes") : PAGE.index("## Keys")]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    listed = [code for row in rows for code in re.findall(r"`([a-z-]+)`", row)]
    assert len(listed) == len(set(listed))
    assert set(listed) == said_codes() | refusals_of_fields()


def said_codes() -> set[str]:
    return {code for name in SAID_IN for code in _codes(ast.parse((PROJECT / name).read_text(encoding="utf-8")))}


def _codes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason":
            (code,) = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            assert isinstance(code, ast.Constant)
            yield str(code.value)


def refusals_of_fields() -> set[str]:
    """Found by spoiling every member of every message, and by the messages that can't be read."""
    found = {reason.code for message, _ in REFUSED.values() for reason in read_message(message).reasons}
    for path in MESSAGES:
        message = json.loads(path.read_text())
        for place in _places(message):
            for value in SPOILT:
                spoilt = copy.deepcopy(message)
                _put(spoilt, place, value)
                found |= {reason.code for reason in read_message(sent(spoilt)).reasons}
    return found


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield (*at, name)
        yield from _places(member, (*at, name))


def _put(message: Any, place: tuple[Any, ...], value: Any) -> None:
    *steps, last = place
    for step in steps:
        message = message[step]
    message[last] = value


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    assert f"{MOST_BYTES:,} bytes of JSON" in PAGE
    assert f"at most {MOST_UNPACKED >> 20} MiB" in PAGE
    assert f"at most {LONGEST_ID}\ncharacters" in PAGE
    assert f"in turns, {SLOT_RECORDS} messages each" in PAGE
