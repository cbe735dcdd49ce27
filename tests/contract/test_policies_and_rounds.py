"""The files of `deploy/policies` and `deploy/rounds` are what the contracts and the programme's history say."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.contracts.events import InstitutionChanged, InstitutionStatus, Invitation, RoundAnnounced
from shared.contracts.policy import POLICY, Method
from shared.proof.canonical import canonical_json, checked_canonical_json
from tests.data.facts import policy

OPENING = datetime(2018, 8, 16, tzinfo=UTC)
DEPLOY = Path(__file__).parents[2] / "deploy"
POLICIES = sorted(path.stem for path in (DEPLOY / "policies").glob("*.yaml"))
ROUNDS = sorted(path.stem for path in (DEPLOY / "rounds").glob("*.yaml"))
COMPANY = {
    "business-number",
    "corporate-number",
    "business-active",
    "not-sanctioned",
    "sme-confirmation",
    "direct-production",
    "sales-or-credit",
}


def file_of(round_id: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "rounds" / f"{round_id}.yaml").read_text())
    return read


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_named_as_its_file_and_survives_its_own_json(name: str) -> None:
    read, adapter = policy(name), POLICY
    assert read.policy == name
    sent = adapter.dump_python(read, mode="json")
    assert canonical_json(sent) == checked_canonical_json(sent)
    assert adapter.validate_python(sent) == read


def test_each_half_of_2018_selects_as_it_did() -> None:
    h1, h2 = policy("2018-h1"), policy("2018-h2")
    assert (h1.method, h2.method) == (Method.SCORE, Method.WEIGHTED_DRAW)
    assert (h1.tracks[0].waivers, [waiver.code for waiver in h2.tracks[0].waivers]) == ((), ["startup-certificate"])
    assert set(h2.tracks[0].waivers[0].waives) == COMPANY
    assert h2.as_of.isoformat() == "2018-09-14"


@pytest.mark.parametrize("name", ["2018-h1", "2018-h2"])
def test_every_company_condition_decides_and_facts_do_not(name: str) -> None:
    decides = {condition.rule: condition.decides for condition in policy(name).tracks[0].conditions}
    assert COMPANY | {"certificate"} <= {rule for rule, deciding in decides.items() if deciding}
    assert (decides["startup"], decides["first-timer"]) == (False, False)


def test_each_track_of_2019_is_for_its_firms() -> None:
    multi = policy("multi-track")
    own = {
        track.track: {
            (condition.rule, tuple(condition.parameters.values()))
            for condition in track.conditions
            if condition.decides and condition.rule in ("startup", "first-timer", "track-cap")
        }
        for track in multi.tracks
    }
    assert own == {
        "startup": {("startup", (7,))},
        "first-step": {("first-timer", (500_000_000,))},
        "general": {("track-cap", (2_000_000_000,))},
        "small-purchase": set(),
    }
    assert sum(track.limits.places or 0 for track in multi.tracks if track.limits) == multi.limits.places == 45


def test_the_rolling_policy_has_monthly_cuts_and_a_status_of_a_year() -> None:
    rolling = policy("rolling").rolling
    assert rolling is not None
    assert (rolling.every_months, rolling.status_months) == (1, 12)


@pytest.mark.parametrize("name", ROUNDS)
def test_a_round_can_be_announced_from_its_file(name: str) -> None:
    read = file_of(name)
    announced = RoundAnnounced(
        actors=(), reason="read from its file", policy=read["policy"], policy_hash="0" * 64, **read["round"]
    )
    assert announced.round == name
    assert read["policy"] in POLICIES
    assert announced.opens_at < announced.closes_at
    assert all(read["round"][moment].endswith("+09:00") for moment in ("opens_at", "closes_at"))
    closing_day = read["round"]["closes_at"].partition("T")[0]
    assert policy(read["policy"]).as_of.isoformat() == closing_day


@pytest.mark.parametrize("name", ROUNDS)
def test_its_institutions_are_distinct_and_can_be_registered(name: str) -> None:
    institutions = file_of(name)["institutions"]
    assert len({each["institution"] for each in institutions}) == len(institutions)
    for each in institutions:
        Invitation(institution=each["institution"], pledge_won=each["pledge_won"])
        InstitutionChanged(
            institution=each["institution"], name=each["name"], status=InstitutionStatus.ACTIVE, changed_at=OPENING
        )


def test_six_founders_pledged_43_billion_won_and_twenty_joined() -> None:
    founders = file_of("2018-h1")["institutions"]
    assert [each["institution"] for each in founders] == ["kepco", "lh", "ex", "krc", "kwater", "kr"]
    assert sum(each["pledge_won"] for each in founders) == 43_000_000_000
    second_half = file_of("2018-h2")["institutions"]
    assert second_half[:6] == founders
    assert len(second_half) == 26
