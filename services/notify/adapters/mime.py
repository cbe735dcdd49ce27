"""The bytes of a mail (RFC 5322, 2045, 2047).

They are written directly: the standard library's `EmailMessage` takes ten times as long, and only the subject and two
names of a notice are free text. Free text that is not plain ASCII becomes base64 encoded words, so that no value can
end a header.
"""

import base64
import re
from collections.abc import Iterable
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9 !#$%&'*+/^_`{|}~\-]{1,60}")
_ENCODED_WORD_BYTES: Final = 42  # 56 of base64 and 12 around them: below the 75 an encoded word may have
_BASE64_LINE: Final = re.compile(r".{1,76}")
_STRUCTURED: Final = re.compile(r"[\x20-\x7e]{1,900}")


def free_text(text: str) -> str:
    """The text as it is if that is harmless in any header, else as encoded words, one a line."""
    if _PLAIN.fullmatch(text) and text == text.strip():
        return text
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(part).decode()}?=" for part in _parts(text))


def mailbox(name: str, address: str) -> str:
    """A mailbox for To or From. The caller has checked that `address` is a bare address."""
    return f"{free_text(name)}\r\n <{address}>" if name else f"<{address}>"


def message(headers: Iterable[tuple[str, str]], text: str, html: str, boundary: str) -> bytes:
    """A multipart/alternative mail. Header values must be structured ASCII, or come from `free_text` and `mailbox`.

    Both bodies are base64: its lines are short, never contain the boundary, and pass every server. Raises ValueError
    for a header that can't be written.
    """
    lines = [_header(name, value) for name, value in headers]
    lines += ["MIME-Version: 1.0", f'Content-Type: multipart/alternative; boundary="{boundary}"', ""]
    for subtype, body in (("plain", text), ("html", html)):
        lines += [
            f"--{boundary}",
            f'Content-Type: text/{subtype}; charset="utf-8"',
            "Content-Transfer-Encoding: base64",
            "",
            *_BASE64_LINE.findall(base64.b64encode(body.replace("\n", "\r\n").encode()).decode()),
            "",
        ]
    lines += [f"--{boundary}--", ""]
    return "\r\n".join(lines).encode("ascii")


def _header(name: str, value: str) -> str:
    if not all(_STRUCTURED.fullmatch(line) for line in value.split("\r\n ")):
        raise ValueError(f"header {name} can't be written")
    return f"{name}: {value}"


def _parts(text: str) -> Iterable[bytes]:
    """The text's UTF-8, split between characters."""
    part = b""
    for character in text:
        encoded = character.encode()
        if len(part) + len(encoded) > _ENCODED_WORD_BYTES:
            yield part
            part = b""
        part += encoded
    yield part
