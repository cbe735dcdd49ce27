"""What registries said, in both languages, beside the finding it was judged by."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.contracts.events import Language
from shared.contracts.events.verdicts import Evidence
from shared.contracts.facts import BusinessStatus
from shared.contracts.findings import Finding, FindingOutcome
from shared.contracts.registries import Registry, RegistryAnswer, RegistryOutcome
from shared.wording.evidence_words import explain_evidence
from shared.wording.explanation import explain

SAID = datetime(2018, 9, 14, 16, tzinfo=UTC)
"""The day after, in Korea."""
KNOWN, UNKNOWN, WAIVED = RegistryOutcome.KNOWN, RegistryOutcome.UNKNOWN, RegistryOutcome.WAIVED


def status(outcome: RegistryOutcome = KNOWN, **said: Any) -> Evidence:
    answer = RegistryAnswer(
        registry=Registry.BUSINESS_STATUS, subject="2208162517", outcome=outcome, said_at=SAID, **said
    )
    return Evidence(authority="국세청 (NTS)", answer=answer)


def certificate(outcome: RegistryOutcome = KNOWN, **said: Any) -> Evidence:
    subject = "nep/41112201/NEP-MOTIE-2017-012"
    answer = RegistryAnswer(registry=Registry.CERTIFICATES, subject=subject, outcome=outcome, said_at=SAID, **said)
    return Evidence(authority="KATS", answer=answer)


@pytest.mark.parametrize(
    ("evidence", "korean", "english"),
    [
        (
            status(status=BusinessStatus.CLOSED, closed_on=date(2018, 8, 31)),
            "국세청 (NTS) 2018-09-15 조회 결과: 2018-08-31 폐업",
            "as the registry of 국세청 (NTS) said on 2018-09-15: closed on 2018-08-31",
        ),
        (
            status(status=BusinessStatus.SUSPENDED),
            "국세청 (NTS) 2018-09-15 조회 결과: 휴업",
            "as the registry of 국세청 (NTS) said on 2018-09-15: suspended",
        ),
        (
            status(UNKNOWN),
            "국세청 (NTS) 2018-09-15 조회 결과: 2208162517 등록되지 않은 번호",
            "as the registry of 국세청 (NTS) said on 2018-09-15: no such number 2208162517",
        ),
        (
            status(WAIVED),
            "국세청 (NTS) 조회 불가로 신청 내용에 따름",
            "the registry of 국세청 (NTS) gave no answer, so what was stated counts",
        ),
        (
            certificate(issued_on=date(2017, 5, 1), expires_on=date(2020, 4, 30), revoked_on=date(2018, 7, 2)),
            "KATS 2018-09-15 조회 결과: NEP-MOTIE-2017-012 2017-05-01 ~ 2020-04-30, 2018-07-02 취소",
            "as the registry of KATS said on 2018-09-15: NEP-MOTIE-2017-012 from 2017-05-01 until 2020-04-30, "
            "revoked on 2018-07-02",
        ),
        (
            certificate(issued_on=date(2017, 5, 1), holder="1248100998"),
            "KATS 2018-09-15 조회 결과: NEP-MOTIE-2017-012 2017-05-01 ~, 사업자등록번호 1248100998",
            "as the registry of KATS said on 2018-09-15: NEP-MOTIE-2017-012 from 2017-05-01, "
            "of business number 1248100998",
        ),
    ],
)
def test_what_was_said_is_told_by_whom_and_when(evidence: Evidence, korean: str, english: str) -> None:
    assert explain_evidence(evidence, Language.KO) == korean
    assert explain_evidence(evidence, Language.EN) == english


def test_it_stands_beside_the_finding_that_judged_by_it() -> None:
    closed = status(status=BusinessStatus.CLOSED)
    finding = Finding(rule="business-active", legal_source="법", outcome=FindingOutcome.FAIL, seen="closed")
    assert explain(finding, Language.EN, [closed, certificate(UNKNOWN)]).seen == (
        "closed (as the registry of 국세청 (NTS) said on 2018-09-15: closed)"
    )
    unknown = Finding(rule="business-active", legal_source="법", outcome=FindingOutcome.UNKNOWN)
    assert explain(unknown, Language.KO, [status(UNKNOWN)]).seen.startswith("국세청 (NTS) 2018-09-15 조회 결과")
    assert explain(unknown, Language.KO).seen == "제출된 자료 없음"
    other = Finding(rule="sales-or-credit", legal_source="법", outcome=FindingOutcome.FAIL, seen=1)
    assert explain(other, Language.EN, [closed]) == explain(other, Language.EN)
