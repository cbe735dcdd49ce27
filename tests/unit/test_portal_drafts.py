"""A draft: what was typed, how it is read, which step is complete; and what facts become that are to be replaced."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.domain.drafts import FIELDS, FIELDS_OF, Draft, DraftStep, Needs, Progress, differing
from services.portal.domain.fields import MOST_CERTIFICATES, certificate, field_at, stated, typed_of
from services.portal.domain.reading import read
from services.portal.domain.showing import read_of, rows_of, wrong_of
from services.portal.domain.texts import TEXTS
from shared.contracts.events import Language
from shared.contracts.facts import FACTS, facts_json
from tests.support.portal_forms import answers
from tests.support.rounds import application

NOW = datetime(2018, 9, 1, tzinfo=UTC)
NEEDS = Needs(frozenset({"certificate", "business-active", "not-sanctioned", "sme-confirmation"}))
WHOLE = {name: value for step in answers(1, "a@b.example").values() for name, value in step.items()}


def draft(**typed: str) -> Draft:
    return Draft(
        draft="d", account="a", round="r", fields=typed, saved={}, created_at=NOW, saved_at=NOW, upload_key="k"
    )


def test_a_whole_draft_is_complete_and_states_what_was_typed() -> None:
    whole = draft(**WHOLE)
    assert {step: whole.progress(step, NEEDS) for step in DraftStep} == {
        step: Progress.OPTIONAL if step is DraftStep.DOCUMENTS else Progress.DONE for step in DraftStep
    }
    assert whole.read().facts == facts_of_the_same()


def facts_of_the_same() -> Any:
    """The facts of an application that was sent by API."""
    body = {name: value for name, value in application(1).items() if name != "contact"}
    return facts_json(FACTS.validate_python(body))


def test_an_empty_step_is_empty_and_one_that_asks_nothing_does_not_hinder() -> None:
    empty = draft()
    optional = {DraftStep.CERTIFICATES, DraftStep.DOCUMENTS}
    assert {step for step in DraftStep if empty.progress(step, NEEDS) is Progress.EMPTY} == set(DraftStep) - optional
    assert {step for step in DraftStep if empty.progress(step, NEEDS).suffices} == optional
    assert empty.with_step(DraftStep.CERTIFICATES, {}, NOW).version(DraftStep.CERTIFICATES) == 1


def test_documents_that_are_asked_for_are_lacking_until_each_kind_is_there() -> None:
    asks = Needs(frozenset(), ["specification", "certificate"])
    one = {"kind": "specification", "sha256": "0" * 64, "bytes": 1, "media_type": "application/pdf", "name": "a.pdf"}
    found = [
        draft(),
        replace(draft(), documents=[one]),
        replace(draft(), documents=[one, one | {"kind": "certificate"}]),
    ]
    assert [each.progress(DraftStep.DOCUMENTS, asks) for each in found] == [
        Progress.EMPTY,
        Progress.BEGUN,
        Progress.DONE,
    ]
    assert found[1].lacking_documents(asks) == ["certificate"]
    assert found[1].body()["documents"] == [one]


@pytest.mark.parametrize(
    ("changed", "step"),
    [
        ({"firm": ""}, DraftStep.FIRM),
        ({"business_number": "12345"}, DraftStep.FIRM),
        ({"started_on": "어제"}, DraftStep.FIRM),
        ({"sme_number": "A-1"}, DraftStep.FIRM),
        ({"price": "비쌈"}, DraftStep.PRODUCT),
        ({"reference": "한글"}, DraftStep.PRODUCT),
        ({"certificate_issued_on": ""}, DraftStep.CERTIFICATES),
        ({"contact_email": "nobody"}, DraftStep.CONTACT),
    ],
    ids=str,
)
def test_what_is_missing_or_wrong_leaves_its_step_open_alone(changed: dict[str, str], step: DraftStep) -> None:
    one = draft(**(WHOLE | changed))
    assert {each for each in DraftStep if one.progress(each, NEEDS) is Progress.BEGUN} == {step}
    assert one.read().facts is None


def test_a_wrong_check_digit_is_told_and_does_not_hinder_saving() -> None:
    number = WHOLE["business_number"]
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    one = draft(**(WHOLE | {"business_number": wrong}))
    assert one.read().digits == {"business_number"}
    for language in Language:
        told = wrong_of(one.read(), FIELDS_OF[DraftStep.FIRM], TEXTS[language])
        assert list(told) == ["business_number"]


def test_a_step_is_replaced_whole_and_leaves_the_others() -> None:
    later = draft(**WHOLE).with_step(DraftStep.CONTACT, {"contact_name": "이가상", "firm": "of another step"}, NOW)
    assert later.fields["contact_name"] == "이가상"
    assert "contact_email" not in later.fields
    assert later.fields["firm"] == WHOLE["firm"]
    assert differing(draft(**WHOLE).fields, later.fields, DraftStep.CONTACT).keys() == {"contact_name", "contact_email"}


def test_what_stands_becomes_what_would_be_typed_and_back() -> None:
    facts = facts_of_the_same()
    typed = typed_of(facts, FIELDS)
    body = stated(typed, FIELDS) | {"contact": {"name": "김", "email": "a@b.example"}}
    assert read(body, typed, FIELDS).facts == facts


def test_as_many_certificates_as_an_application_may_have_are_kept() -> None:
    facts = facts_of_the_same()
    facts["certificates"] = [facts["certificates"][0] | {"number": f"N-{place}"} for place in range(MOST_CERTIFICATES)]
    typed = typed_of(facts, FIELDS)
    body = stated(typed, FIELDS) | {"contact": {"name": "김", "email": "a@b.example"}}
    assert read(body, typed, FIELDS).facts == facts


def test_several_certificates_keep_their_places() -> None:
    typed = {certificate(place)[1].name: f"N-{place}" for place in (0, 3, MOST_CERTIFICATES - 1)}
    numbers = [each["number"] for each in stated(typed, FIELDS)["certificates"]]
    assert numbers == ["N-0", "N-3", f"N-{MOST_CERTIFICATES - 1}"]


def test_money_is_shown_as_it_is_read() -> None:
    fields = FIELDS_OF[DraftStep.PRODUCT]
    one = draft(price="１２０,０００,０００", class_code="４１１１２２０１", regions="seoul, busan")
    readings = read_of(one.read(), fields, one.fields, TEXTS[Language.KO])
    assert readings == {"price": "1억 2,000만원", "class_code": "41112201"}
    choices = {"regions": [("seoul", "서울"), ("busan", "부산")]}
    rows = {label: value for label, value, _ in rows_of(fields, one.fields, one.read(), choices, TEXTS[Language.KO])}
    assert rows["납품 지역"] == "서울, 부산"


@given(st.dictionaries(st.sampled_from([field.name for field in FIELDS]), st.text(max_size=40), max_size=12))
def test_whatever_is_typed_is_read_without_a_fault(typed: dict[str, str]) -> None:
    one = draft(**typed)
    seen = one.read()
    for step in DraftStep:
        assert one.progress(step, NEEDS) in set(Progress)
        wrong_of(seen, FIELDS_OF[step], TEXTS[Language.KO])


@given(st.text(max_size=40))
def test_a_pointer_leads_to_a_field_or_to_none(pointer: str) -> None:
    assert field_at(pointer, FIELDS) in {*FIELDS, None}
