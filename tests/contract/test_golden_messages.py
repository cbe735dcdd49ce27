"""Messages of every past version, as they were written, are read for ever. Golden files are added, never changed."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.judge import judge
from services.selection.domain.commitment import Commitment, pledges_root
from services.selection.domain.draw import seed_of
from shared.contracts.events import (
    ApplicationJudged,
    ApplicationSubmitted,
    InputsCommitted,
    PurchaseRequestAccepted,
    RoundOpened,
    SelectionProposed,
    SourceValueRecorded,
)
from shared.contracts.generate import models
from shared.contracts.policy import POLICY
from shared.proof.canonical import json_hash, payload_hash

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.json"))
READERS: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(model) for name, model in models().items()}
READERS["Policy"] = POLICY


def event_of(path: Path) -> str:
    return path.name.split(".", maxsplit=1)[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_message_still_parses_and_loses_nothing(path: Path) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]+\.v\d+\.\d+\.json", path.name)
    reader = READERS[event_of(path)]
    body = path.read_text()
    message = reader.validate_json(body)
    assert_contained(json.loads(body), reader.dump_python(message, mode="json"), path.stem)
    assert reader.validate_json(reader.dump_json(message)) == message


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_reader_passes_over_fields_it_does_not_know(path: Path) -> None:
    reader = READERS[event_of(path)]
    body = json.loads(path.read_text())
    assert reader.validate_python(with_news(body), strict=False) == reader.validate_python(body, strict=False)


def test_every_event_has_a_golden_message() -> None:
    assert set(READERS) == {event_of(path) for path in FILES}


def assert_contained(old: Any, new: Any, at: str) -> None:
    """What was written is still there; fields added since may stand beside it."""
    match old, new:
        case dict(), dict():
            for name, value in old.items():
                assert name in new, f"{at}/{name} is lost"
                assert_contained(value, new[name], f"{at}/{name}")
        case list(), list():
            assert len(old) == len(new), at
            for index, (one, other) in enumerate(zip(old, new, strict=True)):
                assert_contained(one, other, f"{at}/{index}")
        case str(), str() if at.endswith("_at"):
            assert moment(old) == moment(new), at
        case _:
            assert type(old) is type(new), at
            assert old == new, at


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def with_news(value: Any) -> Any:
    """The message as a later version might write it: with one more field in every object that has named fields."""
    if isinstance(value, list):
        return [with_news(item) for item in value]
    if not isinstance(value, dict):
        return value
    # `parameters`, `roots` and `notices` are tables: a further key there is content, not a new field.
    grown = {
        name: item if name in ("parameters", "roots", "notices") else with_news(item) for name, item in value.items()
    }
    return grown | {"added_in_2031": {"x": 1}}


def golden(model: Any, number: int = 1) -> Any:
    return model.model_validate_json((GOLDEN / f"{model.__name__}.v1.{number}.json").read_text())


def test_the_golden_messages_tell_one_story_whose_hashes_hold() -> None:
    opened, judged = golden(RoundOpened), golden(ApplicationJudged)
    told = json.loads((GOLDEN / "RoundOpened.v1.1.json").read_text())
    assert opened.policy_hash == json_hash(told["policy"])
    for model in (ApplicationSubmitted, PurchaseRequestAccepted):
        body = json.loads((GOLDEN / f"{model.__name__}.v1.1.json").read_text())
        assert body["payload_hash"] == payload_hash(body["nonce"], body["facts"])
    submitted = golden(ApplicationSubmitted)
    verdict = judge(submitted.facts, PolicyRules.compile(opened.policy, opened.policy_hash))
    assert (verdict.outcome, verdict.findings, verdict.findings_hash) == (
        judged.outcome,
        judged.findings,
        judged.findings_hash,
    )
    salted = judge(submitted.facts, PolicyRules.compile(opened.policy, opened.policy_hash), submitted.nonce)
    newest = golden(ApplicationJudged, 4)
    assert (newest.nonce, newest.findings_hash) == (submitted.nonce, salted.findings_hash)
    committed, source = golden(InputsCommitted), golden(SourceValueRecorded)
    named = {each.institution: each.pledge_won for each in opened.institutions}
    assert committed.pledges_root == pledges_root(named)
    roots = {name: getattr(committed, name) for name in Commitment.__dataclass_fields__}
    assert committed.commitment_root == Commitment(**roots).root
    assert golden(SelectionProposed).seed == seed_of(committed.commitment_root, source.value)
