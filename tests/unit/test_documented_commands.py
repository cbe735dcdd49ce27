"""Every command that a document prints is one: its options are there, and nothing that it needs is left out."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from deploy.local.state import PROJECT
from firstbuy.cli import assembled

BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^\s*(?:\.venv/bin/)?firstbuy (.*)")
BESIDE = re.compile(r";\s|\s[|&]+\s")
REDIRECTED = re.compile(r"\s>\s\S+")
NOT_A_COMMAND = ("unix ",)
"""A line of Postfix' master.cf, of a service that is called so."""


def documented() -> Iterator[tuple[str, str]]:
    for file in (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))):
        for block in BLOCK.findall(file.read_text()):
            for part in BESIDE.split(block.replace("\\\n", " ").replace("\n", "; ")):
                if (found := COMMAND.match(part)) and not found[1].startswith(NOT_A_COMMAND):
                    yield file.name, found[1]


@pytest.fixture(scope="module")
def root() -> Any:
    return get_command(assembled())


def words_of(line: str) -> list[str]:
    """As a shell splits it, an option in brackets as if it were given."""
    words = shlex.split(REDIRECTED.sub("", line.partition(" #")[0]))
    return [word.strip("[]") for word in words if word != "|"]


@pytest.mark.parametrize(("file", "line"), list(documented()))
def test_a_documented_command_is_one(root: Any, file: str, line: str) -> None:
    words, command = words_of(line), root
    while hasattr(command, "commands"):
        assert words[0] in command.commands, f"{file}: firstbuy {line}"
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words)


def test_there_are_commands_in_the_documents() -> None:
    assert len(list(documented())) > 60
