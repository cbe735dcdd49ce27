"""Every command that a document prints is one: its options are there, and nothing that it needs is left out."""

import re
from typing import Any, Final

import pytest
from typer.main import get_command

from deploy.local.state import PROJECT
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


RUNBOOKS: Final = dict(
    re.findall(r"^## (.+?)$(.*?)(?=^## |\Z)", (PROJECT / "docs/runbooks.md").read_text(), re.MULTILINE | re.DOTALL)
)
CASES: Final = (
    "Stuck round",
    "Extension",
    "Outage at a close",
    "Parked",
    "Dead-letter flood",
    "Broker loss",
    "Lost database",
    "Lost region",
    "Certificate ended",
    "Mail blocked",
    "Key compromised",
)


@pytest.mark.parametrize("case", CASES)
def test_a_runbook_names_commands_that_exist(root: Any, case: str) -> None:
    named = re.findall(r"(?:^\s*|`)firstbuy ([a-z][a-z -]*)", RUNBOOKS[case], re.MULTILINE)
    assert named, case
    for words in (name.split() for name in named):
        command = root
        while hasattr(command, "commands"):
            assert words[0] in command.commands, f"{case}: firstbuy {' '.join(words)}"
            command = command.commands[words.pop(0)]
