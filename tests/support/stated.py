"""Facts and policies whose verdicts are known."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from services.eligibility.domain.compiled import PolicyRules
from shared.contracts.facts import Applicant, ApplicationFacts, BusinessStatus, Document, Origin, SupplyRecord
from tests.data.facts import GOOD, policy

H1, H2 = (PolicyRules.compile(policy(name), "a" * 64) for name in ("2018-h1", "2018-h2"))


def after(issued: date, days: int | None) -> date | None:
    return None if days is None else issued + timedelta(days=days)


DAYS = st.dates(date(2008, 1, 1), date(2022, 12, 31))


DOCUMENTS = st.none() | st.builds(
    lambda issued, days: Document(number="7", issued_on=issued, expires_on=after(issued, days)),
    DAYS,
    st.none() | st.integers(0, 2000),
)


RECORDS = st.none() | st.builds(SupplyRecord, won=st.integers(0, 10**10), count=st.integers(0, 30))


def changed(names: list[str], values: dict[str, Any]) -> ApplicationFacts:
    applicant = {name: values[name] for name in names if name in Applicant.__dataclass_fields__}
    facts = replace(GOOD, applicant=replace(GOOD.applicant, **applicant))
    if "class_code" in names:
        facts = replace(facts, product=replace(facts.product, class_code=values["class_code"]))
    if "direct_production" in names:
        facts = replace(facts, product=replace(facts.product, direct_production=values["direct_production"]))
    if "certificates" in names:
        facts = replace(facts, certificates=values["certificates"])
    if "track" in names:
        facts = replace(facts, track=values["track"])
    return facts


STATED: dict[str, Any] = {
    "business_number": st.sampled_from(["1248100998", "1248100990", "1111111111"]),
    "corporate_number": st.sampled_from([None, "1101110062432", "1101110062430"]),
    "started_on": DAYS,
    "origin": st.sampled_from(Origin),
    "status": st.sampled_from([None, *BusinessStatus]),
    "sanctioned": st.sampled_from([None, True, False]),
    "sme_confirmation": DOCUMENTS,
    "supply_record": RECORDS,
    "annual_sales_won": st.none() | st.integers(0, 10**10),
    "credit_grade": st.sampled_from([None, "AAA", "BB", "B", "D", "unheard of"]),
    "class_code": st.sampled_from(["41112201", "99999999"]),
    "direct_production": DOCUMENTS,
    "track": st.sampled_from(["general", "no-such-track"]),
    "certificates": st.lists(
        st.builds(
            lambda held, kind, number, issued, days: replace(
                held, kind=kind, number=number, issued_on=issued, expires_on=after(issued, days)
            ),
            st.just(GOOD.certificates[0]),
            st.sampled_from(["nep", "gs", "epc", "horoscope"]),
            st.sampled_from(["NEP-MOTIE-2017-012", "17-0001", "?"]),
            DAYS,
            st.none() | st.integers(0, 2000),
        ),
        max_size=2,
    ).map(tuple),
}


VALUES = st.fixed_dictionaries(STATED)
