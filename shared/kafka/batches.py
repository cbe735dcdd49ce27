"""Decodes a batch of records (magic 2) so that one bad record does not hide the others.

aiokafka fails at a header whose name is not UTF-8, which no broker refuses, and everything after it is stuck. This
decoder is for such batches only: it is slower, but has an answer for every offset.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import CorruptRecordException
from aiokafka.record.util import calc_crc32c

from shared.kafka.unpacking import CODECS, UnpackedTooLargeError

_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
_CHECKED_FROM: Final = 21
"""The checksum covers what follows it."""
_CODEC, _APPEND_TIME, _CONTROL = 0x07, 0x08, 0x20


@dataclass(frozen=True, slots=True)
class Record:
    """One record, decoded."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The record at this offset can't be decoded."""

    offset: int
    timestamp: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The first batch of a fetch, with its records still encoded."""

    base_offset: int
    next_offset: int
    count: int
    control: bool
    appended: int | None
    """The broker's append time, if the topic uses that."""
    first_timestamp: int
    content: bytes
    damage: str = ""

    @classmethod
    def first(cls, fetched: bytes) -> "Batch":
        """Reads the batch's header. Raises CorruptRecordException if there is no complete batch of this format."""
        if len(fetched) < _HEADER.size:
            raise CorruptRecordException("no whole batch")
        base, length, _, magic, crc, attributes, last, first, newest, _, _, _, count = _HEADER.unpack_from(fetched)
        end = 12 + length
        if magic != 2 or len(fetched) < end:
            raise CorruptRecordException(f"a batch of format {magic}, {len(fetched)} of its {end} bytes")
        content, damage = fetched[_HEADER.size : end], ""
        if calc_crc32c(fetched[_CHECKED_FROM:end]) != crc:
            damage = "its checksum is wrong"
        elif codec := CODECS.get(attributes & _CODEC):
            try:
                content = codec(content)
            except UnpackedTooLargeError as error:
                damage = f"its batch does not unpack, or to too much: {error}"
        return cls(
            base_offset=base,
            next_offset=base + last + 1,
            count=count,
            control=bool(attributes & _CONTROL),
            appended=newest if attributes & _APPEND_TIME else None,
            first_timestamp=first,
            content=content,
            damage=damage,
        )

    def records(self) -> Iterator[Record | Unreadable]:
        """A result for each offset that was written; none for control records."""
        if self.control:
            return
        at, expected, damage = 0, self.base_offset, self.damage
        for _ in range(self.count if not damage else 0):
            try:
                record, at = self._record(at)
            except (IndexError, ValueError) as error:
                damage = f"it can't be told from what follows it: {error}"
                break
            yield record
            expected = record.offset + 1
        if damage:
            stamp = self.appended if self.appended is not None else self.first_timestamp
            for offset in range(expected, self.next_offset):
                yield Unreadable(offset, stamp, damage)

    def _record(self, at: int) -> tuple[Record, int]:
        content = self.content
        length, at = _varint(content, at)
        end = at + length
        if length < 0 or end > len(content):
            raise ValueError("a length beyond its batch")
        delta, at = _varint(content, at + 1)
        offset, at = _varint(content, at)
        key, at = _bytes(content, at, end)
        value, at = _bytes(content, at, end)
        count, at = _varint(content, at)
        headers = []
        for _ in range(count):
            name, at = _bytes(content, at, end)
            header, at = _bytes(content, at, end)
            headers.append(((name or b"").decode(errors="replace"), header))
        stamp = self.appended if self.appended is not None else self.first_timestamp + delta
        return Record(self.base_offset + offset, stamp, key, value, tuple(headers)), end


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A zig-zag varint of at most ten bytes, and the position after it."""
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
        if shift > 63:
            raise ValueError("a number without an end")


def _bytes(content: bytes, at: int, end: int) -> tuple[bytes | None, int]:
    length, at = _varint(content, at)
    if length < 0:
        return None, at
    if at + length > end:
        raise ValueError("a length beyond its record")
    return content[at : at + length], at + length
