"""A compressed batch unpacks to a bounded size, whoever packed it.

Brokers bound a batch as it was sent: a megabyte of it may unpack to gigabytes, and aiokafka unpacks it whole. So its
decompressors are exchanged for these, in its C extension and in what stands in for that. With them all four of Kafka's
codecs are there, since cramjam is.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import cramjam
from aiokafka.record import default_records
from aiokafka.util import NO_EXTENSIONS

MOST_UNPACKED: Final = 16 << 20
"""Bytes; sixteen times the largest batch that a broker takes by default."""
_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER: Final = 16


class UnpackedTooLargeError(ValueError):
    """The batch unpacks to more than `MOST_UNPACKED`, or does not unpack at all."""

    code = "batch-not-unpacked"


@cache
def _scratch() -> bytearray:
    """Memory that is used from its begin, and taken from the system as far as that; by the thread of the loop alone."""
    return bytearray(MOST_UNPACKED)


def _into_scratch(decompress: Callable[[bytes, bytearray], int], packed: Any) -> bytes:
    try:
        size = decompress(bytes(packed), _scratch())
    except cramjam.DecompressionError as error:
        raise UnpackedTooLargeError(str(error)) from error
    return bytes(memoryview(_scratch())[:size])


def gzip(packed: Any) -> bytes:
    return _into_scratch(cramjam.gzip.decompress_into, packed)


def lz4(packed: Any) -> bytes:
    return _into_scratch(cramjam.lz4.decompress_into, packed)


def zstd(packed: Any) -> bytes:
    return _into_scratch(cramjam.zstd.decompress_into, packed)


def snappy(packed: Any) -> bytes:
    """As Java clients frame it (xerial: blocks behind their lengths), or bare."""
    packed = bytes(packed)
    if not packed.startswith(_XERIAL):
        return _into_scratch(cramjam.snappy.decompress_raw_into, packed)
    blocks, size, at = [], 0, _XERIAL_HEADER
    while at < len(packed):
        length = int.from_bytes(packed[at : at + 4], "big")
        block = packed[at + 4 : at + 4 + length]
        at += 4 + length
        try:
            size += cramjam.snappy.decompress_raw_len(block)
            if size > MOST_UNPACKED:
                raise UnpackedTooLargeError(f"more than {MOST_UNPACKED} bytes")
            blocks.append(bytes(cramjam.snappy.decompress_raw(block)))
        except cramjam.DecompressionError as error:
            raise UnpackedTooLargeError(str(error)) from error
    return b"".join(blocks)


CODECS: Final[dict[int, Callable[[Any], bytes]]] = {1: gzip, 2: snappy, 3: lz4, 4: zstd}
"""By their number in a batch's attributes."""


def bound_unpacking() -> None:
    """For the whole process; called again, it changes nothing."""
    places: list[Any] = [default_records]
    if not NO_EXTENSIONS:
        from aiokafka.record._crecords import default_records as compiled  # noqa: PLC0415 -- there is one, or not

        places.append(compiled)
    for place in places:
        for codec in (gzip, snappy, lz4, zstd):
            setattr(place, f"{codec.__name__}_decode", codec)
