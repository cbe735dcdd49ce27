"""A YAML file as JSON, with the line each value stands on. What would be read silently otherwise than meant is named:
a key given twice, a date that is none, a value YAML takes for another type."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from shared.policies.problem import Problem

LARGEST: Final = 1_000_000
"""Characters; a real policy has about ten thousand."""
NO_NAME: Final = "no-name"
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


class _JsonLoader(yaml.SafeLoader):
    """Dates stay the text they are written as: the contract reads them, and says which can't be."""


_JsonLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _TooManyError(ValueError):
    pass


def read(text: str) -> ReadFile:
    if len(text) > LARGEST:
        return _unread(1, "too-large", f"more than {LARGEST:,} characters", "split it, or drop what is no policy")
    try:
        return _read(_JsonLoader(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(filter(None, (error.problem, error.context)))
        fix = "look at this line and the one before: indentation, a missing quote or bracket, a colon inside a text"
        return _unread(mark.line + 1 if mark else 1, "no-yaml", said, fix)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return _unread(line, "no-yaml", "a character that YAML does not allow", "remove the control character")
    except (_TooManyError, RecursionError):
        return _unread(1, "too-large", "its references multiply, or nest without end", "write the values out")
    except ValueError as error:  # of a value with a tag, such as !!int
        return _unread(1, "no-yaml", str(error), "drop the tag")


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
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                detail = f"{getattr(key, 'value', 'a list')!r} is no name of a field"
                yield line, Problem(pointer, NO_NAME, detail, "write a field's name, in quotes if need be")
                continue
            at = f"{pointer}/{escaped(key.value)}"
            if key.value in seen:
                detail = f"{key.value} is given twice, here and on line {seen[key.value]}"
                yield line, Problem(at, "repeated-field", detail, "keep one: YAML would take the last, and say nothing")
            seen[key.value] = line
            lines[at] = line
            yield from _walk(value, at, lines, (*inside, id(node)))


def escaped(name: str) -> str:
    """A member's name in a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
