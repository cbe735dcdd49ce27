"""PNG and JPEG: their parts from the first to the last."""

from typing import Final

from services.intake.adapters.documents.refusing import SAVE_AGAIN, RefusedFileError

_SIGNATURE: Final = 8
_CHUNK: Final = 12
"""Length, type and check sum of a chunk."""
_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_START_OF_SCAN: Final = 0xDA
_END: Final = 0xD9
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def png_end(content: bytes) -> None:
    """Raises RefusedFileError unless chunks lead from IHDR to IEND, the last bytes of the file."""
    at = _SIGNATURE
    if content[at + 4 : at + 8] != b"IHDR":
        raise _broken("PNG")
    while at + _CHUNK <= len(content):
        size, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        at += _CHUNK + size
        if kind == b"IEND":
            if at != len(content):
                raise RefusedFileError("bytes-behind", f"{len(content) - at:,} bytes stand behind its end", SAVE_AGAIN)
            return
    raise _broken("PNG")


def jpeg_end(content: bytes) -> None:
    """Raises RefusedFileError unless segments lead to a picture with an end.

    Cameras put more behind it, such as a film, which programs that show the picture don't look at.
    """
    at, framed = 2, False
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        elif marker == _START_OF_SCAN:
            if framed and content.find(bytes((0xFF, _END)), at) >= 0:
                return
            break
        else:
            framed = framed or marker in _FRAMES
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    raise _broken("JPEG")


def _broken(name: str) -> RefusedFileError:
    return RefusedFileError("broken-file", f"it begins as {name} and is not whole", SAVE_AGAIN)
