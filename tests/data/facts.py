"""Facts for tests: a firm that meets every condition of 2018-h1 and 2018-h2, to be spoiled one fact at a time."""

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from shared.contracts.facts import (
    Applicant,
    ApplicationFacts,
    BusinessStatus,
    Certificate,
    Document,
    LegalForm,
    Product,
    SupplyRecord,
)
from shared.contracts.policy import POLICY, Policy

POLICIES = Path(__file__).parents[2] / "deploy" / "policies"


@cache
def policy(name: str) -> Policy:
    """A policy of `deploy/policies`, read as a service reads it."""
    return POLICY.validate_python(yaml.safe_load((POLICIES / f"{name}.yaml").read_text()))


GOOD = ApplicationFacts(
    track="general",
    applicant=Applicant(
        name="한빛센서",
        business_number="1248100998",
        legal_form=LegalForm.CORPORATION,
        started_on=date(2005, 3, 2),
        corporate_number="1101110062432",
        status=BusinessStatus.ACTIVE,
        sanctioned=False,
        sme_confirmation=Document(number="0010-2018-1", issued_on=date(2018, 4, 1), expires_on=date(2019, 3, 31)),
        supply_record=SupplyRecord(won=120_000_000, count=3),
        annual_sales_won=900_000_000,
        credit_grade="BB",
    ),
    product=Product(
        name="누수 감지 센서",
        reference="HB-100",
        class_code="41112201",
        price_won=1_200_000,
        capacity=40,
        delivery_days=30,
        direct_production=Document(number="2018-0411", issued_on=date(2018, 1, 2), expires_on=date(2020, 1, 1)),
    ),
    certificates=(
        Certificate(kind="nep", number="NEP-MOTIE-2017-012", issued_on=date(2017, 3, 2), expires_on=date(2020, 3, 1)),
    ),
)


def firm(**changes: Any) -> ApplicationFacts:
    return replace(GOOD, applicant=replace(GOOD.applicant, **changes))


def product(**changes: Any) -> ApplicationFacts:
    return replace(GOOD, product=replace(GOOD.product, **changes))


def holding(*certificates: Certificate) -> ApplicationFacts:
    return replace(GOOD, certificates=certificates)
