"""Every message that the code says to whoever sent something, found in its source: titles of problems, details and
fixes of reasons. What an f-string puts into its text is a place, `{}`."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
PLACE: Final = "{}"
_CUSTOM: Final = re.compile(r"\{\{[a-z]+\}\}")
_SENTENCE: Final = re.compile("[a-z]{2} [a-z]{2}")
_PLACES: Final = re.compile(r"(?:(?<!\{)\{\}(?!\}))+")


@dataclass(frozen=True, slots=True)
class Said:
    """Which arguments of a call are messages: by their names, or by their places."""

    names: tuple[str, ...]
    places: tuple[int, ...]


_DETAIL_AND_FIX: Final = ("detail", "fix")
SAYING: Final = {
    "Reason": Said(_DETAIL_AND_FIX, (2, 3)),
    "CellReason": Said(_DETAIL_AND_FIX, (2, 3)),
    "_reason": Said(_DETAIL_AND_FIX, (2, 3)),
    "CellError": Said(_DETAIL_AND_FIX, ()),
    "Wrong": Said(_DETAIL_AND_FIX, (1, 2)),
    "Unusable": Said(_DETAIL_AND_FIX, (2, 3)),
    "UnreadableFileError": Said(_DETAIL_AND_FIX, (1, 2)),
    "NoSpreadsheetError": Said(_DETAIL_AND_FIX, (1, 2)),
    "RefusedFileError": Said(_DETAIL_AND_FIX, (1, 2)),
    "TooLargeError": Said(_DETAIL_AND_FIX, (0, 1)),
    "NoHeaderError": Said((), (0,)),
    "NoPack": Said((), (1,)),
    "WrongChange": Said((), (1,)),
    "Refused": Said(("title",), (2,)),
    "conflict": Said((), (1,)),
    "unfit": Said((), (1,)),
    "Unreadable": Said(("why",), ()),
    "UnmailableError": Said((), (0,)),
    "UnusableKeyError": Said((), (0,)),
    "UnusableValueError": Said((), (0,)),
    "UnreadablePatternError": Said((), (0,)),
    "SlowPatternError": Said((), (0,)),
    "UnpackedTooLargeError": Said((), (0,)),
    "NotCanonicalError": Said((), (0,)),
    "UnreadableYamlError": Said((), (0,)),
    "Form": Said((), (0,)),
    "PydanticCustomError": Said((), (1,)),
    "_earlier_waits": Said((), (0,)),
    "too_costly": Said((), (0,)),
    "_too_much": Said((), (0,)),
    "timed_day": Said((), (0,)),
    "_unfit": Said((), (2,)),
    "read_bytes": Said((), (2,)),
    "came": Said((), (1,)),
    "fail": Said((), (0,)),
    "Refusal": Said(("title",), (2,)),
    "problem_response": Said(("title",), (2,)),
    "said": Said((), (0,)),
}
"""Whose words reach whoever sent something, and which arguments they are."""
NO_ANSWERS: Final = ("shared/proof/signing.py", "shared/service/settings.py")
"""Files whose words reach operators alone."""
PAIRS: Final = ("services/intake/domain/notification_contacts.py", "shared/reading/field_errors.py")
"""Files whose functions return a detail and its fix."""
OF_POLICIES: Final = Said(_DETAIL_AND_FIX, (2, 3))
OF_HTTP: Final = Said(("title",), (2,))


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """`template`: empty where the source does not show it, but takes it from elsewhere by `expression`."""

    path: str
    line: int
    template: str
    expression: str


@dataclass(slots=True)
class _Module:
    path: str
    tree: ast.Module
    constants: dict[str, list[ast.expr]] = field(default_factory=dict)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            for name, value in _assigned(node):
                self.constants.setdefault(name, []).append(value)
            if isinstance(node, ast.ImportFrom) and node.module:
                for one in node.names:
                    self.imported[one.asname or one.name] = node.module, one.name


@cache
def module(path: str) -> _Module:
    return _Module(path, ast.parse((PROJECT / path).read_text(encoding="utf-8")))


def plain(template: str) -> str:
    """As it is compared: places that stand together are one."""
    return _PLACES.sub(PLACE, template)


def messages_in(path: str) -> Iterator[Message]:
    if path in NO_ANSWERS:
        return
    found = module(path)
    policies = found.imported.get("Problem", ("", ""))[0].startswith("shared.policies")
    yield from _walk(found, found.tree, (), OF_POLICIES if policies else OF_HTTP)


def unsaid_in(path: str) -> Iterator[Message]:
    """Sentences that stand in a JSON object as they are, and are not put into the language of who asks by `said`."""
    found = module(path)
    descriptions = [node for node in found.tree.body if any(name == "OPENAPI" for name, _ in _assigned(node))]
    yield from (one for node in found.tree.body if node not in descriptions for one in _unsaid(found, node, ()))


def _unsaid(found: _Module, node: ast.AST, around: tuple[ast.AST, ...]) -> Iterator[Message]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        around = (*around, node)
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                texts = _texts(found, value, around)
                yield from (
                    Message(found.path, value.lineno, text, key.value) for text in texts if _SENTENCE.search(text)
                )
    for child in ast.iter_child_nodes(node):
        yield from _unsaid(found, child, around)


def _walk(found: _Module, node: ast.AST, around: tuple[ast.AST, ...], problem: Said) -> Iterator[Message]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        around = (*around, node)
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        said = problem if name == "Problem" else SAYING.get(name)
        if name == "said" and found.imported.get(name) != ("shared.wording.in_korean", name):
            said = None
        for argument in _arguments(node, said) if said else ():
            for template in _texts(found, argument, around):
                if name == "PydanticCustomError":
                    template = _CUSTOM.sub(PLACE, template)
                whole = template if template.strip(PLACE + " .:") else ""
                yield Message(found.path, node.lineno, plain(whole), ast.unparse(argument))
    if isinstance(node, ast.Tuple) and found.path in PAIRS and len(node.elts) == 2 and any(map(_is_prose, node.elts)):
        for element in node.elts:
            for template in _texts(found, element, around):
                yield Message(found.path, node.lineno, plain(template), ast.unparse(element))
    for child in ast.iter_child_nodes(node):
        yield from _walk(found, child, around, problem)


def _is_prose(node: ast.expr) -> bool:
    """A text with a blank in it, as no code has."""
    return any(isinstance(one, ast.Constant) and " " in str(one.value) for one in ast.walk(node))


def _arguments(call: ast.Call, said: Said) -> Iterator[ast.expr]:
    yield from (call.args[place] for place in said.places if place < len(call.args))
    yield from (keyword.value for keyword in call.keywords if keyword.arg in said.names)


def _texts(found: _Module, node: ast.expr, around: tuple[ast.AST, ...], depth: int = 0) -> list[str]:
    """All it may come to; an empty text for what can't be told from here."""
    if depth > 8:
        return [""]
    match node:
        case ast.Constant(value=str(text)):
            return [text.replace("{", "{{").replace("}", "}}")]
        case ast.Constant():
            return []
        case ast.JoinedStr(values=values):
            pieces = [
                _texts(found, value, around, depth + 1) if isinstance(value, ast.Constant) else [PLACE]
                for value in values
            ]
            return ["".join(each) for each in product(*pieces)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            both = [[text or PLACE for text in _texts(found, side, around, depth + 1)] for side in (left, right)]
            return ["".join(each) for each in product(*both)]
        case ast.IfExp(body=body, orelse=orelse):
            return [*_texts(found, body, around, depth + 1), *_texts(found, orelse, around, depth + 1)]
        case ast.BoolOp(values=values):
            return [text for value in values for text in _texts(found, value, around, depth + 1)]
        case ast.Tuple(elts=elements):
            return [text for element in elements for text in _texts(found, element, around, depth + 1)]
        case ast.Dict(values=values):
            return [text for value in values for text in _texts(found, value, around, depth + 1)]
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in found.imported:
            where, original = found.imported[name]
            path = f"{where}.{original}".replace(".", "/") + ".py"
            known = module(path).constants.get(attribute, []) if (PROJECT / path).exists() else []
            return [text for one in known for text in _texts(module(path), one, (), depth + 1)] or [""]
        case ast.Subscript(value=value):
            return _texts(found, value, around, depth + 1)
        case ast.Call(func=ast.Name(id="shortened"), args=[value]):
            return _texts(found, value, around, depth + 1)
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[_, default]):
            return [*_texts(found, value, around, depth + 1), *_texts(found, default, around, depth + 1)]
        case ast.Call(func=ast.Name(id=name)) if name in found.functions:
            function = found.functions[name]
            given = [one.value for one in ast.walk(function) if isinstance(one, ast.Return) and one.value]
            return [text for one in given for text in _texts(found, one, (function,), depth + 1)]
        case ast.Name(id=name):
            return _named(found, name, around, depth)
    return [""]


def _named(found: _Module, name: str, around: tuple[ast.AST, ...], depth: int) -> list[str]:
    for function in reversed(around):
        values = [value for node in ast.walk(function) for said, value in _assigned(node) if said == name]
        if values:
            return [text for value in values for text in _texts(found, value, around, depth + 1)]
    if name in found.constants:
        return [text for value in found.constants[name] for text in _texts(found, value, (), depth + 1)]
    if name in found.imported:
        where, original = found.imported[name]
        path = where.replace(".", "/") + ".py"
        if (PROJECT / path).exists():
            other = module(path)
            return [text for value in other.constants.get(original, []) for text in _texts(other, value, (), depth + 1)]
    return [""]


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            yield name, value
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            for target, value in zip(targets, values, strict=False):
                if isinstance(target, ast.Name):
                    yield target.id, value
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, value
