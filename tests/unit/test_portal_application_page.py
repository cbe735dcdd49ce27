"""An application's page in every state that it can be in: each published result, with each act before."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.portal.adapters.pages import Pages
from services.portal.domain.own import RESULTS, findings_of, reason_of, stages, state_of
from services.portal.domain.rounds import ROUND
from services.portal.domain.texts import TEXTS
from services.portal.storage.drafts import Entry
from services.portal.usecases.entries import Shown
from shared.contracts.events import Language
from tests.support.rounds import policy_2018_h2

GOLDEN = Path(__file__).parents[1] / "contract/golden"
ENTRY = Entry(
    application="f1bc79b0-0000-4000-8000-000000000001", round="r", product="센서", token=b"", added_at=datetime.now(UTC)
)
RECEIPT = {"version": 1, "payload_hash": "0" * 64, "received_at": "2018-08-20T07:49:12Z"}
STATUS: dict[str, Any] = {
    "withdrawn": False,
    "contested": False,
    "verdict": None,
    "result_type": None,
    "result": None,
    "left": None,
    "appeal": {"may_file_until": None, "filed": []},
}
FILED = {"appeal": "a", "answer_due": "2018-10-20", "upheld": None, "reason": None}


def golden(kind: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((GOLDEN / f"{kind}.v1.1.json").read_text())
    return body


def states() -> dict[str, dict[str, Any]]:
    judged = {"verdict": golden("ApplicationJudged")}
    results = {kind: judged | {"result_type": kind, "result": golden(kind)} for kind in RESULTS}
    appealed = {
        "may_file_until": "2018-10-20T15:00:00+00:00",
        "filed": [FILED, FILED | {"upheld": True, "reason": "예"}],
    }
    return {
        "received": {},
        "contested": {"contested": True},
        "withdrawn": {"withdrawn": True},
        "judged": judged,
        **results,
        "left": results["ProductSelected"] | {"left": {"cause": "given-up", "at": "2018-10-01", "reason": ""}},
        "appealed": results["ProductNotSelected"] | {"appeal": appealed},
    }


def round_in(status: str) -> Any:
    when = {"opens_at": "2018-08-16T00:00:00Z", "closes_at": "2018-09-14T09:00:00Z", "now": "2018-09-20T00:00:00Z"}
    named = {"round": "r", "title": "시험 (Test)", "status": status, "rehearsal": False, **when}
    policy = json.loads(json.dumps(policy_2018_h2() | {"as_of": "2018-09-14"}, default=str))
    return ROUND.validate_python({**named, "policy": policy})


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("state", states())
def test_a_page_shows_every_state(state: str, language: Language) -> None:
    status, texts = STATUS | states()[state], TEXTS[language]
    for round_ in map(round_in, ("open", "frozen", "confirmed", "final", "void")):
        values = {
            "path": "/",
            "round": round_,
            "shown": Shown(ENTRY, {}, [RECEIPT], status, None),
            "state": state_of(status, texts),
            "stages": stages(round_, [RECEIPT], texts),
            "findings": findings_of(status["verdict"], texts),
            "reason": reason_of(status["result"], texts),
            "receipt": RECEIPT,
            "received": "",
            "answers": [],
            "files": [],
            "sent": False,
            "done": "",
            "error": "",
            "appeal_until": "",
            "email": "a@b.example",
            "form_token": "x",
        }
        page = Pages().render("application.html", language, values).decode()
        assert values["state"] in page
        for award in (status["result"] or {}).get("awards", ()):
            assert texts.money(award["amount_won"]) in page
