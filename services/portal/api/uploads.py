"""A form with a file, read as it comes: fields first, then the file piece by piece, which is never kept here."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header

from services.portal.api.forms import FORM_BYTES, of_this_site
from shared.service.problems import Problem

_FORM: Final = b"multipart/form-data"


@dataclass(frozen=True, slots=True)
class Upload:
    """The fields before the file, its name as it was sent, and its content. The name is empty if none was chosen."""

    typed: dict[str, str]
    name: str
    content: AsyncIterator[bytes]


async def read_upload(request: Request) -> Upload:
    """Reads up to the file. Raises Problem: 403 for a form of another site, 413, 415, 400; its `content` 400 too."""
    of_this_site(request)
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != _FORM or not options.get(b"boundary"):
        raise Problem(415, "not-a-form", f"Send the form as 'Content-Type: {_FORM.decode()}'.")
    reading = _Reading(options[b"boundary"])
    chunks = request.stream()
    async for chunk in chunks:
        reading.feed(chunk)
        if reading.name is not None:
            break
    else:
        reading.end()
    return Upload(reading.typed, reading.name or "", _content(reading, chunks))


async def _content(reading: "_Reading", chunks: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    yield reading.take()
    async for chunk in chunks:
        reading.feed(chunk)
        if piece := reading.take():
            yield piece
    reading.end()


class _Reading:
    """What the parser calls. Of two files the first counts."""

    def __init__(self, boundary: bytes) -> None:
        self.typed: dict[str, str] = {}
        self.name: str | None = None
        self._headers: dict[bytes, bytes] = {}
        self._field, self._value, self._part = bytearray(), bytearray(), bytearray()
        self._file, self._in_file, self._ended, self._size = bytearray(), False, False, 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._header,
                "on_headers_finished": self._opened,
                "on_part_data": self._data,
                "on_part_end": self._closed,
                "on_end": self._finished,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Raises Problem 400 or 413."""
        try:
            self._parser.write(chunk)
        except (MultipartParseError, UnicodeDecodeError) as error:
            raise Problem(400, "unreadable", "The form can't be read.") from error
        if self._size > FORM_BYTES:
            raise Problem(413, "too-large", f"The form is longer than {FORM_BYTES} bytes.")

    def take(self) -> bytes:
        """What has come of the file since the last time."""
        taken = bytes(self._file)
        self._file.clear()
        return taken

    def end(self) -> None:
        """Raises Problem 400 if the form broke off."""
        if not self._ended:
            raise Problem(400, "unreadable", "The form broke off: send it again.")

    def _begin(self) -> None:
        self._headers, self._in_file = {}, False
        self._part.clear()

    def _header(self) -> None:
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _opened(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._part_name = options.get(b"name", b"").decode()
        if b"filename" in options and self.name is None:
            self.name, self._in_file = options[b"filename"].decode(), True

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._file.extend(data[start:end])
        else:
            self._size += end - start
            self._part.extend(data[start:end])

    def _closed(self) -> None:
        if not self._in_file:
            self.typed[self._part_name] = self._part.decode()

    def _finished(self) -> None:
        self._ended = True
