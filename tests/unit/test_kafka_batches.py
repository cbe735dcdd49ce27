"""Batches as hostile or clumsy clients make them: every offset is told, and none takes more memory than it may."""

import struct
from typing import Any

import cramjam
import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

from shared.kafka import unpacking
from shared.kafka.batches import Batch, Record, Unreadable
from shared.kafka.unpacking import MOST_UNPACKED, UnpackedTooLargeError, bound_unpacking
from tests.support.raw_records import CODECS, Raw, raw_batch, sealed

GOOD: Raw = (b"good", [("ce_id", b"1")])
BAD: Raw = (b"bad", [("XXname", b"v")])


def test_aiokafka_gives_up_at_a_header_whose_name_is_no_utf8() -> None:
    """Why all this is here: when it does not any more, this can go."""
    with pytest.raises(ValueError, match="utf-8"):
        list(DefaultRecordBatch(sealed(raw_batch("none", GOOD, BAD, GOOD), base=40)))


def test_the_records_around_a_bad_one_are_read_and_it_is_too() -> None:
    records = list(Batch.first(sealed(raw_batch("none", GOOD, BAD, GOOD), base=40)).records())
    assert [(record.offset, record.value) for record in records if isinstance(record, Record)] == [
        (40, b"good"),
        (41, b"bad"),
        (42, b"good"),
    ]
    assert records[1].headers == (("��name", b"v"),)  # type: ignore[union-attr]
    assert records[0] == Record(40, 1000, b"k", b"good", (("ce_id", b"1"),))


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_is_read_alike(codec: str) -> None:
    bound_unpacking()
    made = raw_batch(codec, GOOD, (None, []), (b"x" * 70_000, []))
    lenient: list[Any] = list(Batch.first(made).records())
    strict = list(DefaultRecordBatch(made))
    assert [(one.offset, one.timestamp, one.key, one.value, tuple(one.headers)) for one in strict] == [
        (one.offset, one.timestamp, one.key, one.value, one.headers) for one in lenient
    ]


@pytest.mark.parametrize("codec", [name for name in CODECS if name != "none"])
def test_a_batch_that_unpacks_to_too_much_is_not_unpacked(codec: str) -> None:
    bound_unpacking()
    made = raw_batch(codec, (b"\x00" * (MOST_UNPACKED + 1), []), GOOD)
    assert len(made) < 2_000_000
    with pytest.raises(UnpackedTooLargeError):
        list(DefaultRecordBatch(made))
    told = list(Batch.first(made).records())
    assert [type(one) for one in told] == [Unreadable, Unreadable]
    assert [one.offset for one in told] == [0, 1]


def test_bare_snappy_is_read_too_and_bounded() -> None:
    assert unpacking.snappy(cramjam.snappy.compress_raw(b"abc" * 100)) == b"abc" * 100
    with pytest.raises(UnpackedTooLargeError):
        unpacking.snappy(cramjam.snappy.compress_raw(b"\x00" * (MOST_UNPACKED + 1)))
    with pytest.raises(UnpackedTooLargeError):
        unpacking.snappy(b"\xff\xff\xff\xff\x0f")


def test_a_broken_record_leaves_those_before_it_and_names_the_rest() -> None:
    made = bytearray(raw_batch("none", GOOD, BAD, GOOD))
    at = made.index(b"\x06bad")
    made[at] = 0x7E  # a value longer than its record
    told = list(Batch.first(sealed(bytes(made))).records())
    assert [type(one) for one in told] == [Record, Unreadable, Unreadable]
    assert [one.offset for one in told] == [0, 1, 2]


def test_what_does_not_have_its_checksum_is_not_believed() -> None:
    made = raw_batch("none", GOOD, GOOD).replace(b"good", b"evil")
    told = list(Batch.first(made).records())
    assert [type(one) for one in told] == [Unreadable, Unreadable]


def test_a_control_batch_holds_nothing_to_answer() -> None:
    made = bytearray(raw_batch("none", GOOD))
    made[22] |= 0x20
    control = Batch.first(sealed(bytes(made)))
    assert (list(control.records()), control.next_offset) == ([], 1)


def test_the_brokers_stamp_stands_where_it_was_set() -> None:
    made = bytearray(raw_batch("none", GOOD))
    made[22] |= 0x08
    made[35:43] = struct.pack(">q", 77)
    (record,) = Batch.first(sealed(bytes(made))).records()
    assert record.timestamp == 77


@pytest.mark.parametrize("fetched", [b"", b"\x00" * 30, raw_batch("none", GOOD)[:-1]])
def test_half_a_batch_is_none(fetched: bytes) -> None:
    with pytest.raises(CorruptRecordException):
        Batch.first(fetched)
