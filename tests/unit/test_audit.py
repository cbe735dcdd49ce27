"""The audit chain: whatever is done to a log afterwards is found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.events import AuditHeadPublished
from shared.proof.canonical import sha256_hex
from shared.service.audit import NO_HEAD, AuditRow, faults

START = datetime(2018, 8, 16, tzinfo=UTC)


def chain(length: int) -> list[AuditRow]:
    rows: list[AuditRow] = []
    for number in range(1, length + 1):
        previous = rows[-1].hash if rows else NO_HEAD
        sealed = f'{{"nonce":"{number}","reason":"as agreed"}}'
        detail = f'{{"n":1,"seal":"{sha256_hex(sealed.encode())}"}}'
        draft = AuditRow(
            sequence=number,
            at=START + timedelta(hours=number),
            actor="kim",
            action="confirm",
            detail=detail,
            previous=previous,
            hash="",
            sealed=sealed,
        )
        rows.append(replace(draft, hash=draft.computed_hash()))
    return rows


def head(row: AuditRow) -> AuditHeadPublished:
    return AuditHeadPublished(
        service="intake", count=row.sequence, head=row.hash, previous_head=row.previous, published_at=START
    )


ROWS = chain(6)
HEADS = [head(row) for row in ROWS]


def test_a_whole_log_has_no_fault_also_by_way_of_json() -> None:
    assert faults(ROWS, HEADS) == []
    for opened in (True, False):
        assert faults([AuditRow.of_json(row.as_json(opened=opened)) for row in ROWS], HEADS) == []
    assert "as agreed" in str(ROWS[0].as_json(opened=True))
    assert "as agreed" not in str(ROWS[0].as_json(opened=False))
    assert faults([], []) == []


@given(
    st.integers(0, 5),
    st.sampled_from(["actor", "action", "detail", "previous", "hash", "at", "sequence", "sealed"]),
)
def test_any_changed_field_is_found(index: int, field: str) -> None:
    row = ROWS[index]
    at, sequence = row.at + timedelta(microseconds=1), row.sequence + 10
    changes: dict[str, Any] = {"detail": '{"n":2}', "at": at, "sequence": sequence}
    changed = [*ROWS[:index], replace(row, **{field: changes.get(field, "f" * 64)}), *ROWS[index + 1 :]]
    assert faults(changed, [])


@pytest.mark.parametrize("index", range(5))
def test_a_removed_row_and_an_inserted_one_are_found(index: int) -> None:
    assert faults(ROWS[:index] + ROWS[index + 1 :], [])
    assert faults([*ROWS[:index], ROWS[index], *ROWS[index:]], [])


def test_a_cut_off_end_and_a_log_written_anew_are_found_by_the_heads() -> None:
    assert faults(ROWS[:4], []) == []
    assert faults(ROWS[:4], HEADS)
    anew = chain(7)[:6]
    anew[-1] = replace(anew[-1], actor="lee")
    anew[-1] = replace(anew[-1], hash=anew[-1].computed_hash())
    assert faults(anew, []) == []
    assert faults(anew, HEADS) == ["row 6 is not the one whose head was published"]
