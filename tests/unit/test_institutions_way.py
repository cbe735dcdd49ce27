"""How an institution comes, stays and goes."""

import pytest

from services.intake.domain.institutions import Institution, WrongChange, changed
from shared.contracts.events import InstitutionStatus

INTERESTED, AGREED, ACTIVE, SUSPENDED, LEFT = InstitutionStatus
KNOWN = Institution("한국전력공사", ACTIVE, {"r-1": 5})


@pytest.mark.parametrize("status", [INTERESTED, AGREED, ACTIVE])
def test_it_may_be_entered_anywhere_on_its_way_in(status: InstitutionStatus) -> None:
    assert changed(None, "K", status, {"r-1": 5}) == Institution("K", status, {"r-1": 5})


@pytest.mark.parametrize("status", [SUSPENDED, LEFT])
def test_it_does_not_begin_with_its_end(status: InstitutionStatus) -> None:
    assert isinstance(changed(None, "K", status, {}), WrongChange)


def test_it_begins_with_a_name_and_is_active_where_nothing_else_is_said() -> None:
    assert isinstance(changed(None, None, None, {}), WrongChange)
    assert changed(None, "K", None, {}) == Institution("K", ACTIVE, {})


def test_what_is_not_said_stays() -> None:
    assert changed(KNOWN, None, None, {}) == KNOWN
    suspended = Institution("K", SUSPENDED, {})
    assert changed(suspended, None, None, {"r-1": 5}) == Institution("K", SUSPENDED, {"r-1": 5})


def test_no_list_renames_who_is_known() -> None:
    assert changed(KNOWN, "K", None, {}) == KNOWN
    assert changed(KNOWN, "K", SUSPENDED, {"r-1": 7}) == Institution(KNOWN.name, SUSPENDED, {"r-1": 7})


def test_a_pledge_is_amended_and_the_others_stay() -> None:
    after = changed(KNOWN, None, None, {"r-1": 7, "r-2": 1})
    assert after == Institution(KNOWN.name, ACTIVE, {"r-1": 7, "r-2": 1})


ALLOWED = {
    (INTERESTED, AGREED),
    (INTERESTED, LEFT),
    (AGREED, ACTIVE),
    (AGREED, LEFT),
    (ACTIVE, SUSPENDED),
    (ACTIVE, LEFT),
    (SUSPENDED, ACTIVE),
    (SUSPENDED, LEFT),
    (LEFT, AGREED),
}


@pytest.mark.parametrize("before", InstitutionStatus)
@pytest.mark.parametrize("wanted", InstitutionStatus)
def test_it_moves_along_its_way_and_no_other(before: InstitutionStatus, wanted: InstitutionStatus) -> None:
    after = changed(Institution("K", before, {}), None, wanted, {})
    if before is wanted or (before, wanted) in ALLOWED:
        assert after == Institution("K", wanted, {})
    else:
        assert isinstance(after, WrongChange)
        assert str(before) in after.detail
