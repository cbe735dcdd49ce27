"""`firstbuy doctor` names the inboxes that intake can't read."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.local.state import State
from firstbuy.commands import doctor

NAMED = {"FIRSTBUY_URL": "http://firstbuy.test/", "FIRSTBUY_TOKEN": "t"}
HEALTHY = {"topic": "firstbuy.institution.kepco.inbox.v1", "next_offset": 3, "trouble": None}
LOST = {"topic": "firstbuy.institution.lh.inbox.v1", "next_offset": 0, "trouble": "no-right"}


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path, tmp_path)


def says(monkeypatch: pytest.MonkeyPatch, status: int, body: Any) -> list[str]:
    asked: list[str] = []

    def get(url: str, *, headers: dict[str, str], timeout: float) -> httpx2.Response:
        asked.append(f"{url} {headers['Authorization']}")
        return httpx2.Response(status, json=body, request=httpx2.Request("GET", url))

    monkeypatch.setattr(httpx2, "get", get)
    return asked


def test_all_can_be_read(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = says(monkeypatch, 200, [HEALTHY])
    assert doctor._inboxes(state, NAMED) == [doctor.Finding("inboxes", ok=True, found="1, all can be read")]
    assert asked == ["http://firstbuy.test/inboxes Bearer t"]


def test_one_that_can_not_is_named_with_its_trouble(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, 200, [HEALTHY, LOST])
    (finding,) = doctor._inboxes(state, NAMED)
    assert (finding.ok, finding.found) == (False, "firstbuy.institution.lh.inbox.v1: no-right")
    assert "operators.md" in finding.advice


def test_an_intake_that_refuses_is_said_to(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, 403, {})
    (finding,) = doctor._inboxes(state, NAMED)
    assert not finding.ok
    assert "403" in finding.found


def test_where_nothing_runs_nothing_is_said(state: State) -> None:
    assert doctor._inboxes(state, {}) == []
