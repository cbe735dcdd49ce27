"""What open data says of a round and of the purchases that follow from it."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.selection.domain.ocds.awards import awardings
from services.selection.domain.ocds.names import Names
from services.selection.domain.ocds.package import package, releases
from services.selection.domain.ocds.process import DatedEvent, Process
from services.selection.domain.ocds.release import NotReadYetError
from shared.contracts.events import Rehearsal
from tests.support import ocds
from tests.support.ocds import (
    CLOSES,
    OPENS,
    PUBLICATION,
    TURNS,
    line,
    nothing_selected,
    process,
    report,
    selected,
    standing,
)

NOON = datetime(2018, 10, 5, 12, tzinfo=UTC)
ROUND = "ocds-000000-2018-h2"


def made(known: Process) -> list[dict[str, Any]]:
    return [release.body() for release in releases(PUBLICATION, known)]


def tagged(bodies: Iterable[dict[str, Any]], ocid: str = ROUND) -> list[list[str]]:
    return [body["tag"] for body in bodies if body["ocid"] == ocid]


def of(occasion: str, known: Process | None = None) -> dict[str, Any]:
    (body,) = [one for one in made(known or process()) if one["ocid"] == ROUND and one["id"].startswith(f"{occasion}-")]
    return body


def test_each_event_that_tells_something_new_makes_a_release() -> None:
    assert tagged(made(process())) == [
        ["planning"],
        ["planningUpdate", "tender"],
        ["tenderAmendment"],
        ["tenderUpdate"],
        ["tenderUpdate"],
        ["tenderUpdate", "award"],
        ["tenderUpdate"],
        ["tenderUpdate", "awardUpdate", "awardCancellation"],
        ["awardUpdate", "awardCancellation"],
    ]


def test_a_release_is_made_of_what_was_published_by_then_and_never_changes() -> None:
    whole = made(process())
    for length in range(1, len(TURNS) + 1):
        known = TURNS[:length]
        until = max(turn.moment for turn in known)
        then = process(
            known,
            awardings=[row for row in process().awardings if row.at <= until],
            reports=[one for one in process().reports if one.at <= until],
        )
        assert made(then) == [body for body in whole if datetime.fromisoformat(body["date"]) <= until]


def test_releases_of_a_process_have_ids_of_their_own_that_follow_from_their_content() -> None:
    bodies = made(process())
    assert len({(body["ocid"], body["id"]) for body in bodies}) == len(bodies)
    renamed = process(names=Names([("kepco", OPENS, "다른 이름"), ("lh", OPENS, "한국토지주택공사")]))
    assert of("opened", renamed)["id"] != of("opened")["id"]
    assert of("committed-1", renamed)["id"] == of("committed-1")["id"]


def test_every_party_that_is_referred_to_stands_in_the_same_release() -> None:
    for body in made(process()):
        named = {party["id"] for party in body.get("parties", [])}
        assert referred(body) <= named, body["id"]


def referred(body: dict[str, Any]) -> set[str]:
    found = {body["buyer"]["id"]} if "buyer" in body else set()
    found |= {one["id"] for award in body.get("awards", []) for one in award.get("suppliers", [])}
    entity = body.get("tender", {}).get("procuringEntity")
    return found | ({entity["id"]} if entity else set())


def test_pledges_are_the_budget_and_their_institutions_buyers() -> None:
    opened = of("opened")
    assert opened["planning"]["budget"]["amount"] == {"amount": 50_000_000, "currency": "KRW"}
    assert "한국전력공사 30,000,000원" in opened["planning"]["budget"]["description"]
    buyers = [party["id"] for party in opened["parties"] if party["roles"] == ["buyer"]]
    assert buyers == ["kepco", "lh"]


def test_pledges_are_said_again_only_if_they_have_changed_by_the_freeze() -> None:
    assert "planning" not in of("frozen")
    raised = ocds.frozen().model_copy(update={"pledges": ocds.PLEDGES[:1]})
    changed = of(
        "frozen", nothing_selected(DatedEvent(ocds.announced()), DatedEvent(ocds.opened()), DatedEvent(raised))
    )
    assert changed["tag"] == ["planningUpdate", "tenderUpdate"]
    assert changed["planning"]["budget"]["amount"]["amount"] == 30_000_000


def test_demand_stands_in_no_release_before_the_result() -> None:
    result = datetime.fromisoformat(of("confirmed-1")["date"])
    for body in made(process()):
        shown = "kepco/r1" in json.dumps(body)
        assert not shown or datetime.fromisoformat(body["date"]) >= result
    items = of("confirmed-1")["tender"]["items"]
    assert [(item["id"], item["quantity"]) for item in items] == [("kepco/r1", 4), ("lh/r2", 3)]
    assert items[1]["unit"] == {"value": {"amount": 1_500_000, "currency": "KRW"}}
    assert "items" not in of("confirmed-2")["tender"], "it is said once"


def test_classes_are_not_called_unspsc() -> None:
    text = "".join(json.dumps(body) for body in made(process()))
    assert '"scheme": "KR-PPS-GOODS"' in text
    assert "UNSPSC" not in text


def test_the_tender_says_who_may_come_and_how_is_selected() -> None:
    tender = of("opened")["tender"]
    assert (tender["status"], tender["procurementMethod"]) == ("active", "open")
    assert tender["tenderPeriod"] == {"startDate": "2018-08-16T00:00:00Z", "endDate": "2018-09-14T09:00:00Z"}
    assert "판로지원법" in tender["eligibilityCriteria"]
    assert "awardCriteria" not in tender, "no code of the standard is a draw"
    kinds = {document["documentType"]: document["url"] for document in tender["documents"]}
    assert kinds == dict.fromkeys(
        ("eligibilityCriteria", "evaluationCriteria"), "https://data.example.org/rounds/2018-h2/policy"
    )


def test_a_scored_round_is_awarded_by_rated_criteria() -> None:
    known = nothing_selected(DatedEvent(ocds.announced()), DatedEvent(ocds.opened("2018-h1")))
    assert of("opened", known)["tender"]["awardCriteria"] == "ratedCriteria"


def test_an_extension_is_a_formal_amendment_with_its_reason_and_without_its_officers() -> None:
    body = of("extended-1")
    assert body["tender"]["tenderPeriod"] == {"endDate": "2018-09-15T09:00:00Z"}
    (amendment,) = body["tender"]["amendments"]
    assert amendment["rationale"] == "the portal was down"
    assert "officer one" not in json.dumps(made(process()))


def test_an_amendment_before_the_opening_updates_the_planning_with_all_its_terms() -> None:
    known = nothing_selected(
        DatedEvent(ocds.announced(), OPENS - timedelta(days=9)),
        DatedEvent(ocds.amended(2), OPENS - timedelta(days=3)),
        DatedEvent(ocds.amended(1), OPENS - timedelta(days=5)),
        DatedEvent(ocds.opened()),
    )
    bodies = made(known)
    assert tagged(bodies) == [["planning"], ["planningUpdate"], ["planningUpdate"], ["planningUpdate", "tender"]]
    tender = bodies[2]["tender"]
    assert (tender["title"], tender["status"]) == ("고친 이름 2", "planned")
    assert tender["tenderPeriod"]["endDate"] == "2018-09-15T09:00:00Z"
    assert [(amendment["id"], amendment["rationale"]) for amendment in tender["amendments"]] == [
        ("amended-2", "a day more")
    ]


def test_an_extension_before_the_opening_updates_the_planning() -> None:
    known = nothing_selected(
        DatedEvent(ocds.announced(), OPENS - timedelta(days=9)), DatedEvent(ocds.extended(), OPENS - timedelta(days=1))
    )
    assert tagged(made(known)) == [["planning"], ["planningUpdate"]]


def test_an_extension_before_the_opening_stands_when_it_opens() -> None:
    """RoundOpened states the close that was announced."""
    planned = (
        DatedEvent(ocds.announced(), OPENS - timedelta(days=9)),
        DatedEvent(ocds.extended(), OPENS - timedelta(days=1)),
    )
    bodies = made(nothing_selected(*planned, DatedEvent(ocds.opened())))
    assert [body["tender"]["tenderPeriod"]["endDate"] for body in bodies[1:]] == ["2018-09-15T09:00:00Z"] * 2


def test_the_commitment_is_a_milestone_with_its_root_and_the_number_of_firms() -> None:
    tender = of("committed-1")["tender"]
    (milestone,) = tender["milestones"]
    assert "1" * 64 in milestone["description"]
    assert (milestone["status"], milestone["dateMet"]) == ("met", "2018-09-20T00:00:00Z")
    assert tender["numberOfTenderers"] == 4


def test_an_award_has_its_supplier_by_business_number_its_value_and_its_items() -> None:
    body = of("confirmed-1")
    award = body["awards"][1]
    assert (award["status"], award["value"]["amount"]) == ("active", 3_000_000)
    firm = next(party for party in body["parties"] if party["id"] == award["suppliers"][0]["id"])
    assert firm["identifier"] == {
        "scheme": "KR-BRN",
        "id": firm["id"].removeprefix("KR-BRN-"),
        "legalName": "시험기업 2",
    }
    (item,) = award["items"]
    assert (item["id"], item["quantity"], item["description"]) == ("lh/r2", 3, "제품 2 / 한국토지주택공사")


def test_what_stays_selected_is_not_said_again() -> None:
    again = [standing(f"confirmed-{n}", NOON, selected(1, line())) for n in (1, 2)]
    assert [row.occasion for row in awardings(again)] == ["confirmed-1"]


def test_an_award_that_changes_is_cancelled_and_another_stands_instead() -> None:
    rows = awardings(
        [
            standing("confirmed-1", NOON, selected(1, line(), line("lh/r2"))),
            standing("batch-1", NOON, selected(1, line())),
        ]
    )
    assert [(row.occasion, row.status.value) for row in rows] == [
        ("confirmed-1", "active"),
        ("batch-1", "cancelled"),
        ("batch-1", "active"),
    ]
    assert rows[0].award == rows[1].award != rows[2].award


def test_a_cancelled_award_says_why_and_names_nobody() -> None:
    body = of("batch-1")
    cancelled = next(award for award in body["awards"] if award["status"] == "cancelled")
    assert cancelled["description"] == "기업이 철회함"
    assert cancelled["id"] == of("confirmed-1")["awards"][0]["id"]
    assert "시험기업 1" not in json.dumps(body, ensure_ascii=False)


def test_a_later_result_renews_the_status_of_an_award_that_stays() -> None:
    ends = [NOON + timedelta(days=days) for days in (365, 400)]
    rows = awardings([standing(f"confirmed-{n}", NOON, selected(1, line()), until=ends[n - 1]) for n in (1, 2)])
    assert len({row.award for row in rows}) == 1
    assert [row.body(ocds.NAMES)["contractPeriod"]["endDate"] for row in rows] == [
        "2019-10-05T12:00:00Z",
        "2019-11-09T12:00:00Z",
    ]


def test_a_result_without_a_selection_leaves_the_tender_unsuccessful() -> None:
    body = of("confirmed-1", process(awardings=(), reports=()))
    assert (body["tag"], body["tender"]["status"]) == (["tenderUpdate"], "unsuccessful")
    assert "awards" not in body


@pytest.mark.parametrize(
    ("before", "tag", "status"),
    [
        ([DatedEvent(ocds.announced())], "planningUpdate", "withdrawn"),
        ([DatedEvent(ocds.announced()), DatedEvent(ocds.opened())], "tenderCancellation", "cancelled"),
    ],
)
def test_a_void_round_ends_its_tender_or_was_never_one(before: list[DatedEvent], tag: str, status: str) -> None:
    last = made(nothing_selected(*before, DatedEvent(ocds.voided())))[-1]
    assert (last["tag"], last["tender"]["status"]) == ([tag], status)


def test_planning_comes_before_the_tender_however_late_it_was_heard_of() -> None:
    known = nothing_selected(DatedEvent(ocds.announced(), CLOSES), DatedEvent(ocds.opened()))
    assert [body["date"] for body in made(known)] == ["2018-08-15T23:59:59Z", "2018-08-16T00:00:00Z"]


def test_a_rehearsal_says_that_it_is_one() -> None:
    rehearsal = Rehearsal(real_anchor=OPENS, programme_anchor=OPENS, rate=1000, seed="x")
    (body,) = made(nothing_selected(DatedEvent(ocds.announced(rehearsal))))
    assert body["tender"]["description_en"].startswith("A rehearsal")
    assert "description" not in of("announced")["tender"]


def test_an_institution_keeps_the_name_it_had() -> None:
    names = Names([("lh", OPENS, "옛 이름"), ("lh", CLOSES, "새 이름")])
    assert [names.at("lh", at) for at in (OPENS - timedelta(days=1), OPENS, CLOSES)] == [
        "옛 이름",
        "옛 이름",
        "새 이름",
    ]
    with pytest.raises(NotReadYetError):
        names.at("kepco", OPENS)


PURCHASE = f"{ROUND}-kepco.r1-application-1"


def purchase(*quantities: int | None) -> list[dict[str, Any]]:
    reports = [report(NOON + timedelta(days=n), quantity, selected(1, line())) for n, quantity in enumerate(quantities)]
    return [body for body in made(process(reports=reports)) if body["ocid"] == PURCHASE]


def test_a_purchase_is_a_direct_process_of_its_own_that_follows_from_the_round() -> None:
    (body,) = purchase(2)
    assert body["tag"] == ["award", "contract"]
    assert body["buyer"] == {"id": "kepco", "name": "한국전력공사"}
    assert body["tender"]["procurementMethod"] == "direct"
    (related,) = body["relatedProcesses"]
    assert (related["relationship"], related["identifier"]) == (["framework"], ROUND)


def test_a_contract_is_what_was_reported_and_its_award_what_the_round_gave() -> None:
    (body,) = purchase(1)
    (award,), (contract,) = body["awards"], body["contracts"]
    assert award["value"]["amount"] == 2_000_000
    assert (contract["value"]["amount"], contract["items"][0]["quantity"]) == (950_000, 1)
    assert contract["dateSigned"] == "2018-11-01T00:00:00+09:00", "1 November in Korea"
    assert "implementation" not in contract, "no payment is reported"


@pytest.mark.parametrize(
    ("reports", "tags", "award", "contract"),
    [
        ([None], [["award"]], "unsuccessful", None),
        ([1, 2], [["award", "contract"], ["awardUpdate", "contractUpdate"]], "active", "active"),
        ([None, 2], [["award"], ["awardUpdate", "contract"]], "active", "active"),
        ([2, None], [["award", "contract"], ["awardUpdate", "contractUpdate"]], "unsuccessful", "cancelled"),
    ],
)
def test_every_report_makes_a_release_and_the_newest_stands(
    reports: list[int | None], tags: list[list[str]], award: str, contract: str | None
) -> None:
    bodies = purchase(*reports)
    assert [body["tag"] for body in bodies] == tags
    assert bodies[-1]["awards"][0]["status"] == award
    assert [one["status"] for one in bodies[-1].get("contracts", [])] == ([contract] if contract else [])


def test_a_package_is_published_when_its_newest_release_was_made() -> None:
    read = json.loads(b"".join(package(PUBLICATION, process())))
    assert read["publishedDate"] == read["releases"][-1]["date"] == "2018-11-07T00:00:00Z"
    assert [release["date"] for release in read["releases"]] == sorted(release["date"] for release in read["releases"])
    assert (read["version"], read["uri"]) == ("1.1", "https://data.example.org/rounds/2018-h2/ocds")
    assert read["publisher"] == {"name": "운영기관", "uri": "https://office.example.org"}
