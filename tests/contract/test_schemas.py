"""The schemas beside the contracts: no drift, and what counts as breaking."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.generate import (
    Schema,
    at_revision,
    breaking,
    broken_since,
    drift,
    main,
    on_disk,
    rendered,
    schemas,
)

GENERATED = schemas()


def changed(name: str, *path: str, **to: Any) -> Schema:
    """A copy of a schema with members set at a path, or removed where the value is None."""
    copy = deepcopy(GENERATED[name])
    place: Any = copy
    for step in path:
        place = place[step]
    for member, value in to.items():
        if value is None:
            del place[member]
        else:
            place[member] = value
    return copy


def test_the_files_are_what_the_contracts_say() -> None:
    assert drift(GENERATED) == []
    assert main(["--check"]) == 0


def test_the_contracts_still_meet_what_is_committed() -> None:
    assert broken_since(at_revision("HEAD"), GENERATED) == []
    assert broken_since(on_disk(), GENERATED) == []


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_a_schema_breaks_nothing_of_itself(name: str) -> None:
    assert breaking(GENERATED[name], GENERATED[name]) == []


def test_a_removed_property_breaks() -> None:
    new = changed("RoundVoided", "properties", voided_at=None)
    assert breaking(GENERATED["RoundVoided"], new) == ["/voided_at: property removed"]


def test_a_removed_property_deep_inside_breaks() -> None:
    new = changed("ApplicationSubmitted", "$defs", "Applicant", "properties", sanctioned=None)
    assert breaking(GENERATED["ApplicationSubmitted"], new) == ["/facts/applicant/sanctioned: property removed"]


def test_a_newly_required_field_breaks_and_an_optional_one_does_not() -> None:
    old = GENERATED["ApplicationWithdrawn"]
    new = changed("ApplicationWithdrawn", required=[*old["required"], "reason"])
    assert breaking(old, new) == ["/reason: newly required"]
    grown = changed("ApplicationWithdrawn", "properties", added={"type": "string", "default": ""})
    assert breaking(old, grown) == []


def test_a_narrowed_enum_breaks_and_a_widened_one_does_not() -> None:
    old = GENERATED["ProductNotSelected"]
    values = old["$defs"]["NotSelectedReason"]["enum"]
    narrowed = changed("ProductNotSelected", "$defs", "NotSelectedReason", enum=values[1:])
    assert breaking(old, narrowed) == [f'/reason: value removed: "{values[0]}"']
    widened = changed("ProductNotSelected", "$defs", "NotSelectedReason", enum=[*values, "drawn-later"])
    assert breaking(old, widened) == []


def test_a_tighter_bound_pattern_or_type_breaks() -> None:
    old = GENERATED["AppealFiled"]
    assert breaking(old, changed("AppealFiled", "properties", "grounds", maxLength=100)) == [
        "/grounds: maxLength lowered to 100"
    ]
    assert breaking(old, changed("AppealFiled", "properties", "grounds", pattern="^a$")) == [
        "/grounds: pattern became ^a$"
    ]
    assert breaking(old, changed("AppealFiled", "properties", "grounds", type="integer")) == [
        "/grounds: type string became integer"
    ]
    assert breaking(old, changed("AppealFiled", "properties", "grounds", maxLength=20_000)) == []


def test_what_may_no_longer_be_null_breaks() -> None:
    old = GENERATED["ProductNotSelected"]
    required_position = {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}
    new = changed("ProductNotSelected", "properties", position=required_position)
    assert breaking(old, new) == ['/position: no longer takes {"type": "null"}']
    assert breaking(new, old) == []


def test_a_removed_contract_breaks() -> None:
    rest = {name: schema for name, schema in GENERATED.items() if name != "AppealFiled"}
    assert broken_since(GENERATED, rest) == ["AppealFiled: contract removed"]


def test_drift_names_the_file(tmp_path: Path) -> None:
    for name, schema in GENERATED.items():
        (tmp_path / f"{name}.json").write_text(rendered(schema))
    (tmp_path / "AppealFiled.json").write_text(json.dumps(GENERATED["AppealFiled"]))
    (tmp_path / "RoundVoided.json").unlink()
    (tmp_path / "Horoscope.json").write_text("{}")
    assert [problem.split(":")[0] for problem in drift(GENERATED, tmp_path)] == [
        "AppealFiled",
        "RoundVoided",
        "Horoscope",
    ]


def test_without_git_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    assert at_revision("HEAD", tmp_path) == {}
