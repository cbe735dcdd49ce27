"""The form *am I eligible?*: its fields state facts, and a service's error leads back to its field."""

from functools import reduce
from typing import Any

import pytest

from services.portal.domain.asking import FIELDS, GROUPS, asked, facts_of
from services.portal.domain.fields import field_at, number_of
from shared.contracts.facts import FACTS

TYPED = {
    "track": "general",
    "firm": " 한빛 ",
    "business_number": "123-45-67891",
    "legal_form": "sole-proprietor",
    "started_on": "2015-03-02",
    "sanctioned": "no",
    "record_won": "0",
    "record_count": "0",
    "product": "센서",
    "class_code": "41112201",
    "price": "1,000,000",
    "certificate_kind": "nep",
    "certificate_number": "NEP-MOTIE-2017-012",
    "certificate_issued_on": "2017-05-01",
}


def test_what_was_typed_becomes_facts_and_what_was_not_is_not_stated() -> None:
    facts = facts_of(TYPED)
    assert facts["applicant"]["name"] == "한빛"
    assert facts["applicant"]["sanctioned"] is False
    assert facts["applicant"]["supply_record"] == {"won": 0, "count": 0}
    assert facts["certificates"] == [{"kind": "nep", "number": "NEP-MOTIE-2017-012", "issued_on": "2017-05-01"}]
    assert "sme_confirmation" not in facts["applicant"]
    assert "certificates" not in facts_of(TYPED | {name: "" for name in TYPED if name.startswith("certificate")})


def test_each_field_states_a_fact_that_there_is() -> None:
    """By the contract's own schema."""
    schema = FACTS.json_schema()

    def below(node: dict[str, Any], member: str) -> dict[str, Any]:
        options = [node, *node.get("anyOf", ())]
        resolved = [schema["$defs"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in options]
        if member == "0":
            return next(each["items"] for each in resolved if "items" in each)
        return next(each["properties"][member] for each in resolved if member in each.get("properties", {}))

    for field in FIELDS:
        assert reduce(below, field.path, schema)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("0", 0),
        ("1,000,000", 1_000_000),
        ("１２０ ０００", 120_000),
        ("1.5", "1.5"),
        ("-3", "-3"),
        ("", ""),
        ("9" * 19, "9" * 19),
        ("비쌈", "비쌈"),
    ],
)
def test_a_number_is_read_and_anything_else_stays(typed: str, number: int | str) -> None:
    assert number_of(typed) == number


@pytest.mark.parametrize(
    ("pointer", "name"),
    [
        ("/applicant/business_number", "business_number"),
        ("/certificates/0/number", "certificate_number"),
        ("/applicant/sme_confirmation", "sme_number"),
        ("/product/reference", None),
        ("", None),
    ],
)
def test_an_error_leads_to_its_field(pointer: str, name: str | None) -> None:
    found = field_at(pointer, FIELDS)
    assert (found.name if found else None) == name


def test_the_form_asks_only_what_the_rules_need() -> None:
    names = {field.name for fields in GROUPS.values() for field in asked(fields, frozenset({"certificate"}))}
    assert "certificate_kind" in names
    assert "credit_grade" not in names
    assert {field.name for field in FIELDS if field.required} - {"track"} <= names
