"""`firstbuy round reconcile`: what still differs, and an exit code that a script can wait for."""

import json
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from firstbuy.cli import assembled

JUDGED = {
    "round": "2018-h2",
    "epoch": 1,
    "expected": 7,
    "judged": 7,
    "waiting": 0,
    "parked": [],
    "differing_buckets": [],
    "complete": True,
}
CHOSEN = {
    "round": "2018-h2",
    "epoch": 1,
    "judged": True,
    "differing_buckets": {"verdicts": [], "requests": [], "applications": []},
    "without_facts": 0,
    "complete": True,
}


def reconcile(monkeypatch: pytest.MonkeyPatch, judged: Any, chosen: Any, *arguments: str) -> Result:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/rounds/2018-h2/completeness"
        return httpx2.Response(200, json=judged if request.url.host == "eligibility.test" else chosen)

    monkeypatch.setattr(httpx2, "request", httpx2.Client(transport=httpx2.MockTransport(answer)).request)
    where = ["--eligibility", "http://eligibility.test", "--selection", "http://selection.test"]
    return CliRunner().invoke(assembled(), ["round", "reconcile", "2018-h2", *where, *arguments])


def test_equal_sets_are_said_to_be_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    result = reconcile(monkeypatch, JUDGED, CHOSEN)
    assert result.exit_code == 0
    assert "admitted = judged = selected from" in result.stdout


def test_what_differs_is_named_and_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = JUDGED | {"judged": 6, "parked": ["3f0c"], "differing_buckets": [17, 203], "complete": False}
    chosen = CHOSEN | {"judged": False, "differing_buckets": {}, "complete": False}
    result = reconcile(monkeypatch, judged, chosen)
    assert result.exit_code == 1
    assert "17, 203" in result.stdout
    assert "3f0c" in result.stdout
    assert "6 / 7" in result.stdout
    assert "not yet" in result.stdout


def test_programs_get_both_answers_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = CHOSEN | {"differing_buckets": {"verdicts": [1], "requests": [], "applications": []}, "complete": False}
    result = reconcile(monkeypatch, JUDGED, chosen, "--json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert said == {"round": "2018-h2", "complete": False, "eligibility": JUDGED, "selection": chosen}
