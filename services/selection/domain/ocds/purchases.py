"""A reported purchase as a contracting process of its own: the second stage of a framework.

The buyer differs from who selected, and the purchase is a direct one. OCDS models that as a process related to the
first stage as `framework`. What institutions do not report (payments, deliveries) is left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from services.selection.domain.ocds.awards import Selected
from services.selection.domain.ocds.names import Names
from services.selection.domain.ocds.release import Party, Publication, Release, both, money
from services.selection.domain.ocds.words import BOUGHT, NOT_BOUGHT, PURCHASE, PURCHASE_RATIONALE
from services.selection.domain.offers import Award
from shared.programme.purchases import Report
from shared.programme.working_days import KST


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A report on a line of an award. `at`: when it came, but not before the award was public."""

    at: datetime
    selected: Selected
    line: Award
    report: Report

    @property
    def process(self) -> tuple[str, str]:
        """(request, application): each pair is a process of its own."""
        return self.line.request, self.selected.application


def purchase_releases(
    publication: Publication, round_id: str, title: str, names: Names, reports: Iterable[Reported]
) -> Iterator[Release]:
    """One release per report, in order of time. `title`: of the round."""
    before: dict[tuple[str, str], list[Report]] = {}
    for reported in sorted(reports, key=lambda reported: (reported.at, reported.process)):
        earlier = before.setdefault(reported.process, [])
        yield _release(publication, round_id, title, names, reported, earlier)
        earlier.append(reported.report)


def _release(
    publication: Publication, round_id: str, title: str, names: Names, reported: Reported, earlier: list[Report]
) -> Release:
    selected, line, report = reported.selected, reported.line, reported.report
    buyer = names.buyer(line.institution, reported.at, "procuringEntity")
    contracted = any(report_before.contracted_on for report_before in earlier)
    content: dict[str, Any] = {
        "buyer": buyer.reference(),
        "tender": _direct(selected, buyer),
        "awards": [_award(reported, buyer)],
        "relatedProcesses": [_first_stage(publication, round_id, title)],
    }
    tags = ["awardUpdate" if earlier else "award"]
    if report.contracted_on or contracted:
        tags.append("contractUpdate" if contracted else "contract")
        content["contracts"] = [_contract(reported, buyer)]
    return Release(
        ocid=publication.ocid(f"{round_id}-{line.request.replace('/', '.', 1)}-{selected.application}"),
        occasion=f"report-{len(earlier) + 1}",
        date=reported.at,
        tags=tuple(tags),
        parties=(buyer, selected.supplier),
        content=content,
    )


def _direct(selected: Selected, buyer: Party) -> Mapping[str, Any]:
    return {
        "id": selected.application,
        "title": selected.product,
        "status": "complete",
        "procuringEntity": buyer.reference(),
        "procurementMethod": "direct",
        "procurementMethodDetails": PURCHASE,
        **both("procurementMethodRationale", PURCHASE_RATIONALE),
        "mainProcurementCategory": "goods",
    }


def _award(reported: Reported, buyer: Party) -> Mapping[str, Any]:
    """What the round awarded to this request; `unsuccessful` if the institution buys none of it."""
    selected, line = reported.selected, reported.line
    bought = reported.report.contracted_on is not None
    return {
        "id": selected.application,
        "title": selected.product,
        "status": "active" if bought else "unsuccessful",
        **both("description", BOUGHT if bought else NOT_BOUGHT),
        "value": money(line.amount_won),
        "suppliers": [selected.supplier.reference()],
        "items": [selected.offered(line.request, buyer.name, line.quantity)],
    }


def _contract(reported: Reported, buyer: Party) -> Mapping[str, Any]:
    """The contract: the total that the institution reports. Its timestamp is in Korean time, so that its first ten
    characters are the Korean date."""
    selected, report = reported.selected, reported.report
    contract = {"id": "1", "awardID": selected.application, "title": selected.product}
    if report.contracted_on is None:
        return contract | {"status": "cancelled"}
    return contract | {
        "status": "active",
        "dateSigned": datetime.combine(report.contracted_on, time(), KST).isoformat(),
        "value": money(report.amount_won or 0),
        "items": [selected.item(reported.line.request, buyer.name, report.quantity or 0)],
    }


def _first_stage(publication: Publication, round_id: str, title: str) -> Mapping[str, Any]:
    return {
        "id": "1",
        "relationship": ["framework"],
        "title": title,
        "scheme": "ocid",
        "identifier": publication.ocid(round_id),
        "uri": publication.link(round_id, "ocds"),
    }
