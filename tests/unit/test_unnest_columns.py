"""The arrays that `unnest` takes, made of rows with names."""

import pytest

from shared.service.postgres import columns


def test_each_name_of_the_rows_is_an_array_in_their_order() -> None:
    rows = [{"application": "a", "version": 1}, {"application": "b", "version": 2}]
    assert columns(rows) == [("a", "b"), (1, 2)]


def test_no_rows_give_no_arrays() -> None:
    assert columns([]) == []


@pytest.mark.parametrize("other", [{"version": 2, "application": "b"}, {"application": "b"}])
def test_rows_with_other_names_or_another_order_are_refused(other: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="different names"):
        columns([{"application": "a", "version": 1}, other])
