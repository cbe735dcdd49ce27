"""Generates the JSON schemas of events and policies, stored beside the contracts, and checks that changes are
compatible.

`python -m shared.contracts.generate` writes `schemas/<Event>.json` and the AsyncAPI page of institutions; it refuses a
change that would break a reader or a stored message: that is a `.v2` topic. `--check` writes nothing and fails on
drift, or on such a change since `HEAD`.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from shared.contracts import policy_file, round_file, topics
from shared.contracts.asyncapi import institution_side
from shared.contracts.policy import POLICY
from shared.contracts.values import Contract

Schema = dict[str, Any]
FOLDER: Final = Path(__file__).parent / "schemas"
PAGE: Final = Path(__file__).parents[2] / "docs/asyncapi/institution.json"
GOLDEN: Final = Path(__file__).parents[2] / "tests/contract/golden"
SENT: Final = Path(__file__).parents[2] / "docs/examples/institution/messages"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_LOWER_BOUNDS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def models() -> dict[str, type[Contract]]:
    """All event models by name, those of institutions' topics included."""
    return topics.event_types([*topics.SHARED_TOPICS, topics.inbox("any"), topics.outbox("any")])


def schemas() -> dict[str, Schema]:
    """The schemas of events and of a policy, as readers validate them, and of files, as people write them."""
    by_name = {name: model.model_json_schema() for name, model in models().items()}
    by_name["Policy"] = POLICY.json_schema()
    by_name[policy_file.NAME] = policy_file.file_schema(by_name["Policy"])
    by_name[round_file.NAME] = round_file.file_schema()
    return {
        name: {"$schema": DIALECT, "$id": f"urn:firstbuy:schema:{name}:1"} | by_name[name] for name in sorted(by_name)
    }


def examples() -> dict[str, Any]:
    """A body of each event: the golden of its newest form; for what institutions send, the example for them
    (docs/examples)."""
    by_event = {path.name.partition(".")[0]: json.loads(path.read_text()) for path in sorted(GOLDEN.glob("*.json"))}
    for path in SENT.glob("*.json"):
        body = json.loads(path.read_text())
        by_event[body.pop("type")] = {name: body[name] for name in body if name != "id"}
    return by_event


def rendered(schema: Schema) -> str:
    """Every generated file with its content."""
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def breaking(old: Schema, new: Schema) -> list[str]:
    """Incompatible changes: what could make a message valid under `old` fail under `new`, or what readers of `old`
    miss."""
    return list(_Comparison(old, new).differences(old, new, "", ()))


class _Comparison:
    """Walks two schemas together, following references; recursive types are entered once."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self.old_root, self.new_root = old, new

    def differences(self, old: Schema, new: Schema, at: str, entered: tuple[str, ...]) -> Iterator[str]:
        reference = old.get("$ref", "")
        if reference in entered:
            return
        entered = (*entered, reference) if reference else entered
        old, new = _resolved(old, self.old_root), _resolved(new, self.new_root)
        if "anyOf" in old or "anyOf" in new:
            yield from self._options(old, new, at, entered)
            return
        yield from _values(old, new, at)
        yield from _bounds(old, new, at)
        yield from self._members(old, new, at, entered)
        for keyword in ("items", "additionalProperties", "propertyNames"):
            if isinstance(old.get(keyword), dict) and isinstance(new.get(keyword), dict):
                yield from self.differences(old[keyword], new[keyword], f"{at}/{keyword}", entered)

    def _members(self, old: Schema, new: Schema, at: str, entered: tuple[str, ...]) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before:
            if name not in after:
                yield f"{at}/{name}: property removed"
            else:
                yield from self.differences(before[name], after[name], f"{at}/{name}", entered)
        for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
            yield f"{at}/{name}: newly required"

    def _options(self, old: Schema, new: Schema, at: str, entered: tuple[str, ...]) -> Iterator[str]:
        options = new.get("anyOf", [new])
        for option in old.get("anyOf", [old]):
            if all(any(self.differences(option, other, at, entered)) for other in options):
                yield f"{at}: no longer takes {json.dumps(option, ensure_ascii=False, sort_keys=True)}"


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def _values(old: Schema, new: Schema, at: str) -> Iterator[str]:
    """Compares types and enumerated values; a constant is an enumeration with one value."""
    before_type, after_type = old.get("type"), new.get("type")
    if after_type not in (None, before_type) and (before_type, after_type) != ("integer", "number"):
        yield f"{at}: type {before_type} became {after_type}"
    before, after = _enumerated(old), _enumerated(new)
    if after is not None:
        if before is None:
            yield f"{at}: narrowed to {sorted(after)}"
        elif gone := before - after:
            yield f"{at}: value removed: {', '.join(sorted(gone))}"


def _enumerated(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {json.dumps(schema["const"])}
    return {json.dumps(value) for value in schema["enum"]} if "enum" in schema else None


def _bounds(old: Schema, new: Schema, at: str) -> Iterator[str]:
    for keyword in _LOWER_BOUNDS:
        if keyword in new and (keyword not in old or new[keyword] > old[keyword]):
            yield f"{at}: {keyword} raised to {new[keyword]}"
    for keyword in _UPPER_BOUNDS:
        if keyword in new and (keyword not in old or new[keyword] < old[keyword]):
            yield f"{at}: {keyword} lowered to {new[keyword]}"
    for keyword in ("pattern", "format"):
        if keyword in new and new[keyword] != old.get(keyword):
            yield f"{at}: {keyword} became {new[keyword]}"


def drift(generated: dict[str, Schema], folder: Path = FOLDER) -> list[str]:
    """The files that differ from the contracts."""
    differences = []
    for name, schema in generated.items():
        path = folder / f"{name}.json"
        if not path.exists():
            differences.append(f"{name}: no schema file; run python -m shared.contracts.generate")
        elif path.read_text() != rendered(schema):
            differences.append(
                f"{name}: the file is not what the contract says; run python -m shared.contracts.generate"
            )
    differences += [
        f"{path.stem}: a schema without a contract" for path in _files(folder) if path.stem not in generated
    ]
    return differences


def page_drift(page: Path = PAGE) -> list[str]:
    if page.exists() and page.read_text() == rendered(institution_side(examples())):
        return []
    return [f"{page.name}: the page is not what the contracts say; run python -m shared.contracts.generate"]


def broken_since(committed: dict[str, Schema], generated: dict[str, Schema]) -> list[str]:
    """Incompatible changes between then and now, by event."""
    breaks = []
    for name, old in sorted(committed.items()):
        if name not in generated:
            breaks.append(f"{name}: contract removed")
        else:
            breaks += [f"{name}{difference}" for difference in breaking(old, generated[name])]
    return breaks


def on_disk(folder: Path = FOLDER) -> dict[str, Schema]:
    return {path.stem: json.loads(path.read_text()) for path in _files(folder)}


def at_revision(revision: str, folder: Path = FOLDER) -> dict[str, Schema]:
    """The schemas as committed; empty without git, without such a revision, or without schemas in it."""
    try:
        listed = _git("ls-tree", "--name-only", revision, "./", folder=folder).split()
        return {
            Path(name).stem: json.loads(_git("show", f"{revision}:./{name}", folder=folder))
            for name in listed
            if name.endswith(".json")
        }
    except (OSError, subprocess.CalledProcessError):
        return {}


def _git(*arguments: str, folder: Path) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 -- no shell, own words


def _files(folder: Path) -> Iterable[Path]:
    return sorted(folder.glob("*.json"))


def _write(generated: dict[str, Schema]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for path in _files(FOLDER):
        if path.stem not in generated:
            path.unlink()
    for name, schema in generated.items():
        (FOLDER / f"{name}.json").write_text(rendered(schema))


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 if all is well, else 1 after printing one problem a line."""
    parser = argparse.ArgumentParser(prog="python -m shared.contracts.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail on drift and on a breaking change")
    parser.add_argument("--against", default="HEAD", help="the revision whose schemas must still be met")
    options = parser.parse_args(arguments)
    generated = schemas()
    problems = broken_since(at_revision(options.against), generated)
    problems += [*drift(generated), *page_drift()] if options.check else broken_since(on_disk(), generated)
    for problem in dict.fromkeys(problems):
        sys.stderr.write(f"{problem}\n")
    if problems:
        return 1
    if not options.check:
        _write(generated)
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(rendered(institution_side(examples())))
    sys.stdout.write(f"{len(generated)} schemas {'agree' if options.check else 'written'}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
