"""A YAML file as JSON, with the line each value stands on. What would be read silently otherwise than meant is named:
a key given twice, a value YAML takes for another, a number whose thousands fall apart."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from services.intake.adapters.spreadsheets.bounds import UnreadableFileError
from services.intake.adapters.spreadsheets.csv_file import decoded
from shared.policies.problem import Problem
from shared.wording.in_korean import said

LARGEST: Final = 1_000_000
"""Characters; a real policy has about ten thousand."""
_NO_NAME: Final = "no-name"
_TEXT: Final = "tag:yaml.org,2002:str"
_PLAINLY: Final = {
    "tag:yaml.org,2002:int": re.compile("-?(0|[1-9][0-9]*)"),
    "tag:yaml.org,2002:float": re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+"),
    "tag:yaml.org,2002:bool": re.compile("true|false"),
}
"""How a value of that type is written so that everybody reads the same."""
_A_NUMBER_TO_OTHERS: Final = re.compile(
    r"[+-]?(0[0-9]+|0o[0-7]+|[0-9][0-9.]*[eE][+-]?[0-9]+|[0-9][0-9_]*(:[0-9]+)+(\.[0-9]*)?|[0-9]+(_[0-9]*)+)"
)
"""Text to this reader, and a number to those of another version of YAML."""
_THREE_DIGITS: Final = re.compile("[0-9]{3}")
_MOST_VALUES: Final = 100_000
"""References inside a file could otherwise make a small one endless."""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """`lines`: by JSON pointer, of each value (of a member: of its key). `problems`: each with its own line there."""

    document: Any
    lines: dict[str, int] = field(default_factory=dict)
    problems: tuple[tuple[int, Problem], ...] = ()

    def line(self, pointer: str) -> int:
        """Of what the pointer names, or of the nearest thing around it that is there."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)

    def unsure(self) -> frozenset[str]:
        """Pointers of what may be meant otherwise than it was read."""
        return frozenset(problem.pointer for _, problem in self.problems if problem.code != _NO_NAME)


class _JsonLoader(yaml.SafeLoader):
    """Dates stay the text they are written as: the contract reads them, and says which can't be."""


_JsonLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _TooManyError(ValueError):
    """The file has more nodes or aliases than a document of ours."""

    code = "yaml-too-large"


class UnreadableYamlError(ValueError):
    """A file that is not there, or no text; the message says what to do."""

    code = "yaml-unreadable"


def text_of(path: Path) -> str:
    """Raises UnreadableYamlError."""
    try:
        return decoded(path.read_bytes())[0]
    except OSError as error:
        raise UnreadableYamlError(f"{path}: {error.strerror}") from error
    except UnreadableFileError as error:
        raise UnreadableYamlError(f"{path}: {error}: save it as UTF-8") from error


def document_of(path: Path) -> Any:
    """What a file holds, where it can be meant in one way alone. Raises UnreadableYamlError, with all that is wrong in
    the language of who asks."""
    file = read(text_of(path))
    if file.problems:
        shown = (
            (f"{path}:{line}: {problem.pointer or '/'}", said(problem.detail), said(problem.fix))
            for line, problem in file.problems
        )
        raise UnreadableYamlError("\n".join(map(": ".join, shown)))
    return file.document


def read(text: str) -> ReadFile:
    """The document of a YAML text, or why there is none, by its line."""
    if len(text) > LARGEST:
        return _unread(1, "too-large", f"more than {LARGEST:,} characters", "split it, or drop what is no policy")
    try:
        return _read(_JsonLoader(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        detail = " ".join(filter(None, (error.problem, error.context)))
        fix = "look at this line and the one before: indentation, a missing quote or bracket, a colon inside a text"
        return _unread(mark.line + 1 if mark else 1, "no-yaml", detail, fix)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return _unread(line, "no-yaml", "a character that YAML does not allow", "remove the control character")
    except (_TooManyError, RecursionError):
        return _unread(1, "too-large", "its references multiply, or nest without end", "write the values out")
    except (ValueError, LookupError, AttributeError) as error:  # of a value with a tag, such as !!int
        detail = str(error) if isinstance(error, ValueError) else "a value is not what its tag says"
        return _unread(1, "no-yaml", detail, "drop the tag")


def _read(loader: _JsonLoader) -> ReadFile:
    try:
        node = loader.get_single_node()
        if node is None:
            return _unread(1, "empty", "the file holds nothing", "start from one of deploy/policies")
        lines: dict[str, int] = {}
        problems = tuple(_walk(node, "", lines, ()))
        return ReadFile(loader.construct_document(node), lines, problems)
    finally:
        loader.dispose()


def _unread(line: int, code: str, detail: str, fix: str) -> ReadFile:
    return ReadFile(None, {"": 1}, ((line, Problem("", code, detail, fix)),))


def _walk(
    node: yaml.Node, pointer: str, lines: dict[str, int], inside: tuple[int, ...]
) -> Iterator[tuple[int, Problem]]:
    if len(lines) > _MOST_VALUES or id(node) in inside:
        raise _TooManyError
    lines.setdefault(pointer, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, f"{pointer}/{index}", lines, (*inside, id(node)))
    elif isinstance(node, yaml.MappingNode):
        yield from _walk_fields(node, pointer, lines, (*inside, id(node)))
    elif isinstance(node, yaml.ScalarNode) and node.style is None:
        yield from _read_otherwise(node, pointer)


def _walk_fields(
    node: yaml.MappingNode, pointer: str, lines: dict[str, int], inside: tuple[int, ...]
) -> Iterator[tuple[int, Problem]]:
    """What is no field is named, and left out of the document, so that the rest can be looked at."""
    seen: dict[str, int] = {}
    node.value = _put_together(node.value) if node.flow_style else node.value
    fields = []
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.tag != _TEXT:
            detail = f"{getattr(key, 'value', 'a list')!r} is no name of a field"
            yield line, Problem(pointer, _NO_NAME, detail, "write a field's name, in quotes if need be")
            fields += [] if isinstance(key, yaml.ScalarNode) else [(key, value)]  # of which no document can be made
            continue
        fields.append((key, value))
        at = f"{pointer}/{escaped(key.value)}"
        if key.value in seen:
            detail = f"{key.value} is given twice, here and on line {seen[key.value]}"
            yield line, Problem(at, "repeated-field", detail, "keep one: YAML would take the last, and say nothing")
        seen[key.value] = line
        lines[at] = line
        yield from _walk(value, at, lines, inside)
    node.value = fields


def _put_together(fields: list[tuple[yaml.Node, yaml.Node]]) -> list[tuple[yaml.Node, yaml.Node]]:
    """`{cap_won: 2,000,000}` comes as a field and two names without a value."""
    whole: list[tuple[yaml.Node, yaml.Node]] = []
    for key, value in fields:
        nothing = isinstance(value, yaml.ScalarNode) and not value.value and value.style is None
        if whole and nothing and isinstance(key, yaml.ScalarNode) and _THREE_DIGITS.fullmatch(key.value):
            before = whole[-1][1]
            if isinstance(before, yaml.ScalarNode) and re.fullmatch("[0-9]{1,3}(,[0-9]{3})*", before.value):
                before.value, before.tag = f"{before.value},{key.value}", _TEXT
                continue
        whole.append((key, value))
    return whole


def _read_otherwise(node: yaml.ScalarNode, pointer: str) -> Iterator[tuple[int, Problem]]:
    text, line = node.value, node.start_mark.line + 1
    plainly = _PLAINLY.get(node.tag)
    if plainly is not None and not plainly.fullmatch(text):
        value = yaml.safe_load(text)
        read_so = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
        fix = f"write {read_so} if that is meant, or '{text}' in quotes if it is text"
        yield line, Problem(pointer, "read-otherwise", f"YAML reads {text} as {read_so}", fix)
    elif node.tag == _TEXT and _A_NUMBER_TO_OTHERS.fullmatch(text):
        fix = f"write a number in plain digits, or '{text}' in quotes if it is text"
        yield (
            line,
            Problem(pointer, "read-otherwise", f"{text} is text to one reader of YAML, a number to another", fix),
        )


def escaped(name: str) -> str:
    """A member's name in a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
