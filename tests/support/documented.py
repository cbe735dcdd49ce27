"""Commands that README and docs print."""

import re
import shlex
from collections.abc import Iterator

from deploy.local.state import PROJECT

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


def words_of(line: str) -> list[str]:
    """As a shell splits it, an option in brackets as if it were given."""
    words = shlex.split(REDIRECTED.sub("", line.partition(" #")[0]))
    return [word.strip("[]") for word in words if word != "|"]
