"""The house's own rules that no linter has: lengths, one word for one thing, codes of errors (issue 19)."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

PROJECT: Final = Path(__file__).parents[2]
PRODUCT: Final = ("firstbuy", "services", "shared", "deploy")
LONGEST_MODULE: Final = 300
LONGEST_TEST_MODULE: Final = 410
LONGEST_FUNCTION: Final = 60
GLANCE: Final = 12
"""Lines."""
ONE_FILE_BY_DESIGN: Final = "services/selection/verify.py"
"""Whoever checks a bundle takes this file and nothing else (ADR 13)."""
NOT_USED: Final = {
    "duty": "periodic job",
    "duties": "periodic jobs",
    "desk": "notification contacts",
    "desks": "notification contacts",
    "did act": "approved act",
    "gives way": "yields lock",
    "erased the invited": "deleted invitations",
}
"""docs/glossary.md."""
KNOWN_BY_OTHERS: Final = {
    ("shared/service/metrics.py", "duty"): "the label of a metric",
    ("deploy/monitoring/panels.py", "duty"): "the label of a metric",
    ("docs/metrics.md", "duty"): "the label of a metric",
    ("shared/contracts/round_file.py", "desk"): "a schema's title",
    ("services/selection/domain/legal_note.py", "duties"): "duties under the law",
    ("docs/packs.md", "duties"): "duties under the law",
    ("services/intake/api/notification_contacts.py", "desk"): "a schema's title and an action of the audit log",
    ("docs/glossary.md", "duty"): "the word that is not used",
    ("docs/glossary.md", "desk"): "the word that is not used",
    ("docs/glossary.md", "did act"): "the word that is not used",
    ("docs/glossary.md", "gives way"): "the word that is not used",
    ("docs/glossary.md", "erased the invited"): "the word that is not used",
    ("docs/operators.md", "duty"): "the label of a metric",
    ("shared/reading/field_errors.py", "desk"): "an example address in answers, which stay as they are",
}
"""(file, word): why it stays."""


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (PROJECT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def by_file(paths: Iterable[Path], found: Callable[[Path], Any]) -> dict[str, Any]:
    """What a rule finds, by the files in which it finds something: one test for a rule, since a test for each of a
    thousand files costs more than the rule."""
    return {name_of(path): told for path in paths if (told := found(path))}


def test_a_module_can_be_read() -> None:
    def too_long(path: Path) -> int:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        return 0 if name_of(path) == ONE_FILE_BY_DESIGN or lines <= LONGEST_MODULE else lines

    assert by_file(files(*PRODUCT), too_long) == {}


def test_a_function_can_be_read() -> None:
    paths = files(*PRODUCT, "tests")
    assert by_file(paths, lambda path: long_functions(path.read_text(encoding="utf-8"))) == {}, "split them"


@cache
def nodes_of(text: str) -> list[ast.AST]:
    """Of a module, read once for all rules."""
    return list(ast.walk(ast.parse(text)))


def long_functions(text: str) -> list[str]:
    return [
        f"{node.name}: {length} lines"
        for node in nodes_of(text)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    ]


def test_what_is_longer_than_a_glance_has_a_docstring() -> None:
    """A shorter one may say it all by its name and types."""

    def without(path: Path) -> list[str]:
        tree = nodes_of(path.read_text(encoding="utf-8"))[0]
        return [name for name, node in public(tree) if undescribed(node)]

    found = by_file(files("firstbuy", "services", "shared"), without)
    assert found == {}, "say what it does or is, its shapes, units and errors"


Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Definition]]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        yield prefix + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from public(node, f"{node.name}.")


def undescribed(node: Definition) -> bool:
    return ast.get_docstring(node) is None and (node.end_lineno or 0) - node.lineno + 1 > GLANCE


def test_a_test_module_is_about_one_subject() -> None:
    def too_long(path: Path) -> int:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        return lines if lines > LONGEST_TEST_MODULE else 0

    def of_another_test(path: Path) -> list[str]:
        nodes = nodes_of(path.read_text(encoding="utf-8"))
        named = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        return [module for module in named if re.fullmatch(r"tests\.\w+\.test_\w+", module)]

    assert by_file(files("tests"), too_long) == {}
    assert by_file(files("tests"), of_another_test) == {}, "it belongs into tests/support"


def words_of(path: Path) -> Iterator[str]:
    """Identifiers, taken apart, and every text; of a document all of it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield text
        return
    for node in nodes_of(text):
        for attribute in ("name", "id", "arg", "attr"):
            identifier = getattr(node, attribute, None)
            if isinstance(identifier, str):
                yield re.sub(r"_|(?<=[a-z])(?=[A-Z])", " ", identifier)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not is_sql(node.value):
            yield node.value


def is_sql(text: str) -> bool:
    return re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE)\b", text) is not None


DOCUMENTS: Final = (*sorted((PROJECT / "docs").glob("*.md")), PROJECT / "README.md", PROJECT / "CONTRIBUTING.md")


def test_one_word_for_one_thing() -> None:
    def others(path: Path) -> dict[str, str]:
        text = "\n".join(words_of(path)).lower()
        return {
            word: instead
            for word, instead in NOT_USED.items()
            if re.search(rf"\b{word}\b", text) and (name_of(path), word) not in KNOWN_BY_OTHERS
        }

    assert by_file([*files(*PRODUCT), *DOCUMENTS], others) == {}, "docs/glossary.md has the word for it"


def test_an_error_has_a_stable_code() -> None:
    def without(path: Path) -> list[str]:
        classes = {
            node.name: node
            for node in nodes_of(path.read_text(encoding="utf-8"))
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
        }
        return [name for name in classes if name_of(path) != ONE_FILE_BY_DESIGN and not has_code(name, classes)]

    assert by_file(files(*PRODUCT), without) == {}


def has_code(name: str, classes: dict[str, ast.ClassDef]) -> bool:
    """As a member of the class or of one above it in the same file, or set by its constructor."""
    node = classes[name]
    members = [target.id for one in node.body for target in _targets(one) if isinstance(target, ast.Name)]
    set_by_it = [
        target.attr
        for one in ast.walk(node)
        for target in _targets(one)
        if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self"
    ]
    above = [base.id for base in node.bases if isinstance(base, ast.Name) and base.id in classes]
    return "code" in (*members, *set_by_it) or any(has_code(base, classes) for base in above)


def _targets(statement: ast.AST) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AnnAssign) else []


@pytest.mark.parametrize(("file", "word"), KNOWN_BY_OTHERS)
def test_an_exception_is_still_needed(file: str, word: str) -> None:
    assert re.search(rf"\b{word}\b", "\n".join(words_of(PROJECT / file)).lower())


def test_the_glossary_leads_to_code_that_is_there() -> None:
    named = re.findall(r"`([a-z]+/[\w/.*]+)`", (PROJECT / "docs/glossary.md").read_text(encoding="utf-8"))
    assert len(named) > 30
    assert [path for path in named if not list(PROJECT.glob(path))] == []


def test_a_file_that_is_named_is_there() -> None:
    """A move leaves no name behind, in code, docstrings or documents."""
    form = rf"(?<![\w/.])((?:{'|'.join((*PRODUCT, 'tests'))})/[\w/-]+\.(?:py|toml|json|css|js|md))\b"

    def gone(path: Path) -> list[str]:
        named = re.findall(form, path.read_text(encoding="utf-8"))
        return [name for name in named if not (PROJECT / name).exists()]

    assert by_file([*files(*PRODUCT, "tests"), *DOCUMENTS], gone) == {}
