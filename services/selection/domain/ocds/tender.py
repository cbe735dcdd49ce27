"""The planning and tender sections of a round, as each lifecycle event adds to them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from services.selection.domain.ocds.names import Names
from services.selection.domain.ocds.release import Publication, both, classification, document, moment, money
from services.selection.domain.ocds.words import (
    COMMITMENTS,
    COMMITTED,
    EVIDENCE,
    FROZEN,
    METHODS,
    PLEDGES,
    POLICY,
    PROGRAMME,
    PURCHASES,
    REHEARSAL,
    VERIFY,
    committed_root,
    frozen_counts,
)
from services.selection.domain.offers import Demand
from shared.contracts.events import (
    InputsCommitted,
    Invitation,
    RoundAmended,
    RoundAnnounced,
    RoundExtended,
    RoundFrozen,
    RoundOpened,
    RoundVoided,
    SelectionConfirmed,
)
from shared.contracts.policy import Method, Policy, Titled, Track
from shared.wording.explanation import RULE_WORDS

Section = dict[str, Any]


def notice(publication: Publication, round_: RoundAnnounced | RoundAmended | RoundOpened, status: str) -> Section:
    """The tender with its window, as announced, amended or opened."""
    return {
        "id": round_.round,
        "title": round_.title,
        **(both("description", REHEARSAL) if round_.rehearsal else {}),
        "status": status,
        "procuringEntity": publication.office().reference(),
        "procurementMethod": "open",
        "procurementMethodDetails": PROGRAMME,
        "mainProcurementCategory": "goods",
        "submissionMethod": ["electronicSubmission"],
        "tenderPeriod": {"startDate": moment(round_.opens_at), "endDate": moment(round_.closes_at)},
    }


def criteria(publication: Publication, opened: RoundOpened) -> Section:
    """Who may be selected and how, in words; the linked policy has the details, such as waivers."""
    policy, url = opened.policy, publication.link(opened.round, "policy")
    rated = {"awardCriteria": "ratedCriteria"} if policy.method is Method.SCORE else {}
    return {
        **both("eligibilityCriteria", _eligibility(policy)),
        **rated,
        **both("awardCriteriaDetails", METHODS[policy.method]),
        "documents": [
            document("eligibility", "eligibilityCriteria", POLICY, url),
            document("evaluation", "evaluationCriteria", POLICY, url),
        ],
    }


def _eligibility(policy: Policy) -> Titled:
    ko = "; ".join(f"{track.name.ko}: {', '.join(_rules(track, korean=True))}" for track in policy.tracks)
    en = "; ".join(f"{track.name.en}: {', '.join(_rules(track, korean=False))}" for track in policy.tracks)
    return Titled(ko=f"{ko} (면제와 기준값은 정책 문서)", en=f"{en} (waivers and bounds: see the policy)")


def _rules(track: Track, *, korean: bool) -> Iterable[str]:
    for condition in track.conditions:
        if condition.decides:
            words = RULE_WORDS.get(condition.rule)
            name = condition.rule if words is None else words.ko if korean else words.en
            yield f"{name} ({condition.legal_source})"


def budget(
    publication: Publication, round_id: str, pledges: Sequence[Invitation], names: Names, at: datetime
) -> Section:
    """The budget. OCDS has one amount: the sum of all pledges, which the description lists by institution."""
    pledged = [(names.at(each.institution, at), f"{each.pledge_won:,}") for each in pledges]
    words = Titled(
        ko="기관별 약정액: " + ", ".join(f"{name} {won}원" for name, won in pledged),
        en="Pledged by " + ", ".join(f"{name}: KRW {won}" for name, won in pledged),
    )
    return {
        "budget": {**both("description", words), "amount": money(sum(each.pledge_won for each in pledges))},
        "documents": [document("pledges", "procurementPlan", PLEDGES, publication.link(round_id, "pledges"))],
    }


def amended(publication: Publication, event: RoundAmended, at: datetime) -> Section:
    """An amendment of a round that is not open yet."""
    amendment = {"id": f"amended-{event.amendment}", "date": moment(at), "rationale": event.reason}
    return notice(publication, event, "planned") | {"amendments": [amendment]}


def extended(event: RoundExtended, number: int, at: datetime) -> Section:
    """A later close. `number`: of the extension, from 1."""
    amendment = {"id": str(number), "date": moment(at), "rationale": event.reason}
    return {"id": event.round, "tenderPeriod": {"endDate": moment(event.closes_at)}, "amendments": [amendment]}


def frozen(event: RoundFrozen) -> Section:
    """The milestone of the freeze."""
    counts = frozen_counts(event.applications.count, event.requests.count)
    return {"id": event.round, "milestones": [_met("frozen", FROZEN, counts, event.frozen_at)]}


def committed(publication: Publication, event: InputsCommitted, firms: int | None) -> Section:
    """A commitment. `firms`: how many firms applied; None if the entries are not stored any more."""
    milestone = _met(f"committed-{event.epoch}", COMMITTED, committed_root(event.commitment_root), event.committed_at)
    url = publication.link(event.round, "commitments")
    return {
        "id": event.round,
        **({} if firms is None else {"numberOfTenderers": firms}),
        "milestones": [milestone],
        "documents": [document("commitments", "evaluationReports", COMMITMENTS, url)],
    }


def _met(name: str, title: Titled, description: Titled, at: datetime) -> Section:
    words = {**both("title", title), **both("description", description)}
    return {"id": name, "type": "assessment", **words, "dateMet": moment(at), "status": "met"}


def confirmed(publication: Publication, event: SelectionConfirmed, *, successful: bool) -> Section:
    """The outcome, with the documents that prove it."""

    def evaluation(name: str, title: Titled, what: str, media_type: str) -> dict[str, str]:
        return document(name, "evaluationReports", title, publication.link(event.round, what), media_type)

    return {
        "id": event.round,
        "status": "complete" if successful else "unsuccessful",
        "documents": [
            evaluation(f"evidence-{event.epoch}", EVIDENCE, f"evidence?epoch={event.epoch}", "application/x-ndjson"),
            evaluation("verify", VERIFY, "verify", "text/html"),
            evaluation("purchases", PURCHASES, "purchases", "application/json"),
        ],
    }


def demand(requests: Iterable[Demand], names: Names, at: datetime) -> list[Section]:
    """One item per purchase request; items of awards have the same ids."""
    return [_item(request, names.at(request.institution, at)) for request in requests]


def _item(request: Demand, institution: str) -> Section:
    words = Titled(
        ko=f"{institution}: {request.quantity:,}개까지, 예산 {request.budget_won:,}원",
        en=f"{institution}: up to {request.quantity:,}, within KRW {request.budget_won:,}",
    )
    ceiling = {"unit": {"value": money(request.price_ceiling_won)}} if request.price_ceiling_won else {}
    return {
        "id": request.request,
        **both("description", words),
        "classification": classification(request.class_code),
        "quantity": request.quantity,
        **ceiling,
    }


def voided(event: RoundVoided, *, opened: bool) -> Section:
    """The end of a voided round: cancelled if it was open, else withdrawn, since it was never put out to tender."""
    amendment = {"id": "void", "date": moment(event.voided_at), "rationale": event.reason}
    return {"id": event.round, "status": "cancelled" if opened else "withdrawn", "amendments": [amendment]}
