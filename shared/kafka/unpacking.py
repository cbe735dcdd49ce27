"""Bounds the size to which a compressed batch is decompressed.

Brokers bound only the compressed size: a megabyte may decompress to gigabytes, and aiokafka decompresses it whole. So
its decompressors are replaced by these, in its C extension and in the Python version. They support all four codecs of
Kafka, through cramjam.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import cramjam
from aiokafka.record import default_records
from aiokafka.util import NO_EXTENSIONS

MOST_UNPACKED: Final = 16 << 20
"""Most bytes: sixteen times the largest batch that a broker accepts by default."""
_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER: Final = 16


class UnpackedTooLargeError(ValueError):
    """The batch decompresses to more than `MOST_UNPACKED`, or not at all."""

    code = "batch-not-unpacked"


@cache
def _scratch() -> bytearray:
    """A buffer reused by all calls, from the event loop's thread only. Untouched pages cost no memory."""
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
    """Snappy as Java clients frame it (xerial: length-prefixed blocks), or raw."""
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
"""The codecs by their number in a batch's attributes."""


def bound_unpacking() -> None:
    """Replaces aiokafka's decompressors for the whole process. It may be repeated."""
    places: list[Any] = [default_records]
    if not NO_EXTENSIONS:
        from aiokafka.record._crecords import default_records as compiled  # noqa: PLC0415 -- it may be missing

        places.append(compiled)
    for place in places:
        for codec in (gzip, snappy, lz4, zstd):
            setattr(place, f"{codec.__name__}_decode", codec)
