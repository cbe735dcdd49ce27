"""Whether each check of the verifier is needed by a bundle that is kept: `make mutants`.

Each mutant of `verify.py` lacks one check, has one condition turned round or without a part, or compares otherwise. It
is killed by the first bundle whose differences it names otherwise, by a market that it places otherwise, or by a part
that decides otherwise by itself; a survivor is printed with its line. What can't be
killed, since it does the same another way, stands in `equivalent.txt`.
"""

import argparse
import ast
import gzip
import io
import json
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from types import FrameType, ModuleType
from typing import Any

from services.selection import verify
from services.selection.domain.evidence import Depth
from tests.data.evidence.make import FOLDER
from tests.support.bundles import make_round, with_batches
from tests.support.forger import records_of, rewritten
from tests.support.forgeries import BUNDLES, FORGERIES, MISTYPED, RELEASE_FORGERIES, RELEASED, batches_of
from tests.support.lies import FOUND_BY_SOAK, lied
from tests.support.markets import POLICY, market, placed
from tests.support.true_bundles import true_bundle
from tests.support.verifier_parts import parts

SOURCE = Path(verify.__file__).read_text()
EQUIVALENT = Path(__file__).parent / "equivalent.txt"
LEFT_OUT = ("main", "harmless", "_root", "verdict", "_spill", "_fault", "_say_what_is_left")
"""The command line, and what is said in words."""
SECONDS = 60.0
ONE: dict[str, Any] = {"requests_per_product": 1, "selections_per_firm": 9}
OTHERWISE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


@dataclass(frozen=True)
class Mutant:
    """`number`: which of the places of the source it changes."""

    number: int
    line: int
    what: str


@dataclass(frozen=True)
class Kept:
    """A bundle and what a right verifier says of it, but for the words of what differs."""

    name: str
    content: bytes
    held: dict[str, Any]
    said: dict[str, Any]


def changes(tree: ast.Module) -> Iterator[tuple[ast.AST, str, Callable[[], None]]]:
    """(where, what it does, what does it) of every mutant, always in the same order."""
    whole = [node for node in ast.walk(tree) if getattr(node, "name", None) in LEFT_OUT]
    left_out = {inner for node in (*whole, tree.body[-1]) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if node in left_out:
            continue
        for field, value in ast.iter_fields(node):
            if isinstance(value, list):
                yield from _of_statements(value)
            if field == "test" and not isinstance(node, ast.Assert):
                yield node, f"not ({ast.unparse(value)})", _sets(node, field, ast.UnaryOp(ast.Not(), value))
        if isinstance(node, ast.comprehension):
            for place, test in enumerate(node.ifs):
                yield test, f"if not ({ast.unparse(test)})", _sets(node.ifs, place, ast.UnaryOp(ast.Not(), test))
        if isinstance(node, ast.BoolOp):
            for place, part in enumerate(node.values):
                rest = node.values[:place] + node.values[place + 1 :]
                told = f"without {ast.unparse(part)} in {ast.unparse(node)}"
                yield node, told, _sets(node, "values", rest if len(rest) > 1 else rest * 2)
        if isinstance(node, ast.Compare):
            for place, operator in enumerate(node.ops):
                other = OTHERWISE[type(operator)]()
                told = f"{type(other).__name__} in {ast.unparse(node)}"
                yield node, told, _sets(node.ops, place, other)
        if isinstance(node, ast.Name) and node.id in ("any", "all"):
            other_name = {"any": "all", "all": "any"}[node.id]
            yield node, f"{other_name} for {node.id}", _sets(node, "id", other_name)


def _of_statements(statements: list[Any]) -> Iterator[tuple[ast.AST, str, Callable[[], None]]]:
    for place, one in enumerate(statements):
        match one:
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="wrong" | "same"))) | ast.Raise():
                yield one, f"without {ast.unparse(one)}", _sets(statements, place, ast.Pass())
            case ast.Expr(value=ast.Yield() | ast.YieldFrom()):
                nothing = ast.Expr(ast.YieldFrom(ast.Tuple([], ast.Load())))
                yield one, f"without {ast.unparse(one)}", _sets(statements, place, nothing)


def _sets(holder: Any, key: Any, value: Any) -> Callable[[], None]:
    def change() -> None:
        if isinstance(holder, list):
            holder[key] = value
        else:
            setattr(holder, key, value)

    return change


def mutants() -> list[Mutant]:
    found = enumerate(changes(ast.parse(SOURCE)))
    return [Mutant(number, getattr(node, "lineno", 0), " ".join(what.split())) for number, (node, what, _) in found]


def made(mutant: Mutant) -> ModuleType:
    tree = ast.parse(SOURCE)
    for number, (_, _, change) in enumerate(changes(tree)):
        if number == mutant.number:
            change()
            break
    module = ModuleType("mutant")
    sys.modules["mutant"] = module  # dataclasses look there
    exec(compile(ast.fix_missing_locations(tree), "mutant", "exec"), module.__dict__)  # noqa: S102 -- what it is for
    return module


def kept() -> list[Kept]:
    """The files, the named forgeries, and true rounds that are large enough for a matching to go wrong."""
    expected = json.loads((FOLDER / "expected.json").read_text())
    contents = {name: gzip.decompress((FOLDER / f"{name}.jsonl.gz").read_bytes()) for name in expected}
    found = [_known(name, contents[name], row["held"]) for name, row in expected.items()]
    for depth in Depth:
        for bundle, forgeries in (
            (BUNDLES[depth], (*FORGERIES, *MISTYPED)),
            (RELEASED.bundle(depth), RELEASE_FORGERIES),
        ):
            for forge in forgeries:
                records = records_of(bundle)
                forge(records)
                found.append(_known(f"{forge.__name__} {depth}", rewritten(records, depth)))
    for number, limits in enumerate(({}, {"places": 3}, {"selections_per_firm": 2, "requests_per_product": 3}, ONE)):
        whole = make_round(60, 20, number, limits, varied=True)
        freed = batches_of(whole, Random(number))  # noqa: S311 -- the same in every run
        found.append(_known(f"round {number}", with_batches(whole, *freed).bundle(Depth.PUBLIC)))
    for kind, depth, level, number, name in FOUND_BY_SOAK:
        seed = f"{kind} {depth} {level.name} {number}"
        found.append(_known(name, lied(true_bundle(kind, depth), Random(seed), level)[0]))  # noqa: S311 -- as above
    twice = expected["true/admitted-public"]["held"]["commitment"]
    found.append(_known("one of two held", contents["true/admitted-public"], {"commitment": [twice[0], "ab" * 32]}))
    few_requests = make_round(40, 2, 2, {"selections_per_firm": 9}, varied=True)
    return [*found, _known("few requests", few_requests.bundle(Depth.PUBLIC))]


def _known(name: str, content: bytes, held: dict[str, Any] | None = None) -> Kept:
    return Kept(name, content, held or {}, said_by(verify, content, held or {}))


def said_by(module: ModuleType, content: bytes, held: dict[str, Any]) -> dict[str, Any]:
    return {name: said for name, said in vars(module.examine(io.BytesIO(content), held)).items() if name != "differs"}


class TooSlowError(Exception):
    """A mutant that does not end is killed too."""


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    raise TooSlowError


_BUNDLES: list[Kept] = []
_MARKETS = [
    market(Random(number), *size)  # noqa: S311 -- the same in every run
    for number in range(12)
    for size in ((300, 300), (30, 40), (60, 25))
]
_PLACED = [placed(*one) for one in _MARKETS]
_PARTS = parts()


def _asked(module: ModuleType, pledges: dict[str, int], requests: list[dict[str, Any]]) -> Any:
    matching = module.Matching(POLICY, pledges)
    for request in requests:
        matching.ask(request)
    return matching


def killed_by(mutant: Mutant) -> str | None:
    """The bundle that told it; None of a survivor."""
    if not _BUNDLES:
        _BUNDLES.extend(kept())
    signal.signal(signal.SIGALRM, _too_slow)
    try:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        module = made(mutant)
        for place, one in enumerate(_BUNDLES):
            if said_by(module, one.content, one.held) != one.said:
                _BUNDLES.insert(0, _BUNDLES.pop(place))  # it is likely to tell the next too
                return one.name
        for name, ask, right in _PARTS:
            if ask(module) != right:
                return name
        for number, market_of in enumerate(_MARKETS):
            if placed(*market_of, by=partial(_asked, module)) != _PLACED[number]:
                return f"market {number}"
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever a mutant raises, it is not as it was
        return type(error).__name__
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description="Delete each check of verify.py: is it told by a bundle?")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--from-line", type=int, default=0)
    parser.add_argument("--to-line", type=int, default=10**9)
    given = parser.parse_args()
    these = [mutant for mutant in mutants() if given.from_line <= mutant.line <= given.to_line]
    equivalent = set(EQUIVALENT.read_text().splitlines())
    killed, known, alive = 0, 0, 0
    with ProcessPoolExecutor(given.processes) as pool:
        for one, name in zip(these, pool.map(killed_by, these, chunksize=5), strict=True):
            killed += name is not None
            known += name is None and one.what in equivalent
            if name is None and one.what not in equivalent:
                alive += 1
                print(f"verify.py:{one.line}: {one.what}", flush=True)
    print(f"{len(these)} mutants: {killed} killed, {known} known as equivalent, {alive} survive")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
