"""Every command that a document prints is one: its options are there, and nothing that it needs is left out."""

from typing import Any

import pytest
from typer.main import get_command

from firstbuy.cli import assembled
from tests.support.documented import documented, words_of


@pytest.fixture(scope="module")
def root() -> Any:
    return get_command(assembled())


@pytest.mark.parametrize(("file", "line"), list(documented()))
def test_a_documented_command_is_one(root: Any, file: str, line: str) -> None:
    words, command = words_of(line), root
    while hasattr(command, "commands"):
        assert words[0] in command.commands, f"{file}: firstbuy {line}"
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words)


def test_there_are_commands_in_the_documents() -> None:
    assert len(list(documented())) > 60
